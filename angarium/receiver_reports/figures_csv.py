"""Figures of Google's Postmaster Tools out of a CSV file: a column with the date, others with values. Pure.

Google documents no form of what its pages export. A first line names the columns: ``date``, and each a figure by our
name or by the words of the page.
"""

import csv
import io
import re
from datetime import date
from typing import Final

from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.postmaster_tools import METRICS

MAX_ROWS: Final = 10_000
_EPOCH: Final = date(1970, 1, 1)
_SIGNS: Final = re.compile(r"[^a-z0-9]+")
_ALSO: Final = {
    **dict.fromkeys(("user reported spam rate", "user reported spam", "spam rate"), "spam_rate"),
    **dict.fromkeys(("spf success rate", "spf"), "spf_success_rate"),
    **dict.fromkeys(("dkim success rate", "dkim"), "dkim_success_rate"),
    **dict.fromkeys(("dmarc success rate", "dmarc"), "dmarc_success_rate"),
    **dict.fromkeys(("tls inbound", "inbound encryption rate"), "tls_inbound_rate"),
    **dict.fromkeys(("tls outbound", "outbound encryption rate"), "tls_outbound_rate"),
    **dict.fromkeys(("delivery errors rate", "error rate"), "delivery_error_rate"),
}
_DAYS: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4})|(\d{4})(\d{2})(\d{2})"
)


class FiguresCsvError(ValueError):
    """Which line is wrong, and how."""


def read_figures_csv(octets: bytes, domain: str) -> list[Figure]:
    """Raises FiguresCsvError."""
    text = octets.decode("utf-8-sig", "replace")
    names: list[str] | None = None
    found: list[Figure] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            if number > MAX_ROWS:
                raise FiguresCsvError(f"it has more than {MAX_ROWS:,} lines")
            if not any(each.strip() for each in cells):
                continue
            if names is None:
                names = _header(cells)
                continue
            found += _figures(names, cells, domain, number)
    except csv.Error as error:
        raise FiguresCsvError(f"it is no CSV: {error}") from None
    if names is None:
        raise FiguresCsvError("it is empty")
    return found


def _header(cells: list[str]) -> list[str]:
    names = [_name(each) for each in cells]
    if "date" not in names:
        raise FiguresCsvError("line 1 has no column date")
    if len([each for each in names if each]) < 2:
        known = "spam_rate, spf_success_rate, delivery_error_rate and others"
        raise FiguresCsvError(f"line 1 names no figure; there are {known}")
    return names


def _name(cell: str) -> str:
    words = " ".join(_SIGNS.sub(" ", cell.lower()).split())
    own = words.replace(" ", "_")
    if own in METRICS or own == "date":
        return own
    return _ALSO.get(words, "")


def _figures(names: list[str], cells: list[str], domain: str, number: int) -> list[Figure]:
    row = dict(zip(names, cells, strict=False))
    day = _day(row["date"], number)
    found: list[Figure] = []
    for name, text in row.items():
        if name not in METRICS or not text.strip():
            continue
        share = text.strip().endswith("%")
        try:
            value = float(text.strip().rstrip("%").replace(",", ".")) / (100 if share else 1)
        except ValueError:
            raise FiguresCsvError(f"line {number}: {name} is no number: {text[:40]!r}") from None
        found.append(Figure(provider="google", subject=domain, day=day, name=name, value=value))
    return found


def _day(text: str, number: int) -> int:
    match = _DAYS.match(text.strip())
    try:
        if match is None:
            raise ValueError
        if match[1]:
            found = date(int(match[1]), int(match[2]), int(match[3]))
        elif match[4]:
            found = date(int(match[6]), int(match[4]), int(match[5]))
        else:
            found = date(int(match[7]), int(match[8]), int(match[9]))
    except ValueError:
        raise FiguresCsvError(f"line {number}: {text[:40]!r} is no day; write 2026-07-01") from None
    return (found - _EPOCH).days
