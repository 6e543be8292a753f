"""Microsoft's SNDS: its data of our addresses and what is blocked, as CSV and as JSON. Pure.

The columns of the CSV are long known, and have no header line: docs/receiver-reports.md has them. How the REST API
names them in JSON is not documented: names are compared without case, spaces and signs, and what is not known is passed
over.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Any, Final

import msgspec

from angarium.receiver_reports.figures import Figure
from angarium.receiver_reports.model import cut, without_addresses

URL: Final = "https://substrate.office.com/ip-domain-management-snds"
TOKEN_URL: Final = "https://login.microsoftonline.com/consumers/oauth2/v2.0/token"  # noqa: S105
# Ours
MAX_OCTETS: Final = 8 << 20
MAX_ROWS: Final = 50_000
DAYS: Final = 4  # asked for each time: a day's data come one or two days later
_EPOCH: Final = date(1970, 1, 1)
# In the order in which SNDS writes them
COLUMNS: Final = (
    *("ip", "activity_start", "activity_end", "rcpt_commands", "data_commands", "recipients"),
    *("filter_result", "complaint_rate", "trap_start", "trap_end", "trap_hits", "sample_helo"),
    *("sample_mail_from", "comments"),
)
STATUS_COLUMNS: Final = ("ip", "ip_end", "blocked", "comments")
# As names are compared
_ALSO: Final[Mapping[str, str]] = {
    **{each.replace("_", ""): each for each in (*COLUMNS, *STATUS_COLUMNS)},
    **dict.fromkeys(("ipaddress", "address", "firstip", "startip", "beginningipaddress"), "ip"),
    **dict.fromkeys(("endingipaddress", "lastip", "endip", "endingip"), "ip_end"),
    **dict.fromkeys(("activityperiod", "activityperiodstart", "date", "start"), "activity_start"),
    **dict.fromkeys(("activityperiodend", "end"), "activity_end"),
    **dict.fromkeys(("rcpt", "rcpts", "rcptcount"), "rcpt_commands"),
    **dict.fromkeys(("data", "datacount", "mailvolume", "messagecount"), "data_commands"),
    **dict.fromkeys(("messagerecipients", "recipientcount"), "recipients"),
    **dict.fromkeys(
        ("filterresults", "overallstatus", "status", "spamfilterresult"), "filter_result"
    ),
    **dict.fromkeys(("complaints", "complaintpercent", "complaintrates"), "complaint_rate"),
    **dict.fromkeys(("traphits", "trapcount", "spamtraphits"), "trap_hits"),
    **dict.fromkeys(("isblocked", "listed", "islisted"), "blocked"),
    **dict.fromkeys(("reason", "description", "details", "comment"), "comments"),
}
_LISTS: Final = ("value", "items", "data", "results", "rows", "ips", "ranges")
_MOMENTS: Final = (
    *("%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y"),
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"),
)
_COUNTS: Final = ("rcpt_commands", "data_commands", "recipients", "trap_hits")
_SIGNS: Final = re.compile(r"[^a-z]")
_HEADER_IS_WITHIN: Final = 10
Row = Mapping[str, str]


class SndsError(ValueError):
    """It is no data of SNDS; says why."""


def data_path(day: date) -> str:
    return f"/api/report/data/{day.isoformat()}"


STATUS_PATH: Final = "/api/report/status/ip"


def read_data(octets: bytes) -> list[Figure]:
    """Return what is in an answer, or in a file that was downloaded. Raises SndsError."""
    found: list[Figure] = []
    for number, row in enumerate(_rows(octets, COLUMNS), 1):
        try:
            found += _data_figures(row)
        except ValueError as error:
            raise SndsError(f"row {number}: {error}") from None
    return found


def read_status(octets: bytes, today: date) -> list[Figure]:
    """Return each address or range that is blocked, or junked, with why. Raises SndsError."""
    found: list[Figure] = []
    for number, row in enumerate(_rows(octets, STATUS_COLUMNS), 1):
        try:
            first = _address(row.get("ip", ""))
            last = _address(row.get("ip_end", "").strip() or first)
        except ValueError as error:
            raise SndsError(f"row {number}: {error}") from None
        subject = first if last == first else f"{first}-{last}"
        is_blocked = row.get("blocked", "").strip().lower() in ("yes", "true", "1", "blocked")
        why = without_addresses(row.get("comments", ""))
        words = " ".join(each for each in ("blocked" if is_blocked else "not blocked", why) if each)
        day = (today - _EPOCH).days
        found.append(
            Figure(
                provider="microsoft",
                subject=subject,
                day=day,
                name="status",
                value=float(is_blocked),
                word=words,
            )
        )
    return found


def _data_figures(row: Row) -> Iterator[Figure]:
    """Raises ValueError. Addresses of mail (a sample of MAIL FROM) are not kept."""
    subject, day = _address(row.get("ip", "")), _day(row.get("activity_start", ""))

    def of(name: str, value: float | None, word: str = "") -> Figure:
        return Figure(
            provider="microsoft", subject=subject, day=day, name=name, value=value, word=word
        )

    for name in _COUNTS:
        text = row.get(name, "").replace(",", "").strip()
        if text:
            if not text.isascii() or not text.isdigit():
                raise ValueError(f"{name} is no number: {text[:40]!r}")
            yield of(name, float(text[:15]))
    if result := row.get("filter_result", "").strip():
        yield of("filter_result", None, cut(result, 40).lower())
    if rate := row.get("complaint_rate", "").strip():
        yield of("complaint_rate", _rate(rate), cut(rate, 40))
    if comments := row.get("comments", "").strip():
        yield of("comments", None, without_addresses(comments))


def _rate(text: str) -> float:
    """Return "< 0.1%" as 0, and "0.3%" as 0.003. Raises ValueError."""
    number = text.rstrip("%").strip()
    if number.startswith("<"):
        return 0.0
    try:
        return float(number.lstrip("> ")) / 100
    except ValueError:
        raise ValueError(f"complaint_rate is no share: {text[:40]!r}") from None


def _rows(octets: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Raises SndsError."""
    if len(octets) > MAX_OCTETS:
        raise SndsError(f"it has more than {MAX_OCTETS >> 20} MiB")
    text = octets.decode("utf-8-sig", "replace")
    start = text.lstrip()[:200].lower()
    if start.startswith("<"):
        raise SndsError("it is a page, not data: the link has expired, or asks for a log-in")
    rows = _of_json(octets) if start.startswith(("{", "[")) else _of_csv(text, columns)
    for number, row in enumerate(rows):
        if number >= MAX_ROWS:
            raise SndsError(f"it has more than {MAX_ROWS:,} rows")
        yield row


def _of_json(octets: bytes) -> Iterator[Row]:
    try:
        found: Any = msgspec.json.decode(octets.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SndsError(f"it is no JSON: {cut(str(error), 200)}") from None
    if isinstance(found, dict):
        lists = [found[each] for each in _LISTS if isinstance(found.get(each), list)]
        found = lists[0] if lists else [found]
    for each in found:
        if not isinstance(each, dict):
            raise SndsError("it is JSON, and no list of rows")
        yield {
            known: "" if value is None else str(value)
            for name, value in each.items()
            if (known := _known(name))
        }


def _of_csv(text: str, columns: Sequence[str]) -> Iterator[Row]:
    """With a line of column names, or as SNDS writes it, without."""
    names: Sequence[str] = columns
    lines: Iterable[list[str]] = csv.reader(io.StringIO(text, newline=""))
    try:
        for number, cells in enumerate(lines):
            if not any(each.strip() for each in cells):
                continue
            if number < _HEADER_IS_WITHIN and _is_header(cells):
                names = [_known(each) for each in cells]
                continue
            if len(cells) < 3:
                raise SndsError(f"line {number + 1} has {len(cells)} columns: that is none of SNDS")
            yield {name: value for name, value in zip(names, cells, strict=False) if name}
    except csv.Error as error:
        raise SndsError(f"it is no CSV: {error}") from None


def _is_header(cells: Sequence[str]) -> bool:
    return _known(cells[0]) == "ip"


def _known(name: object) -> str:
    """Return the column that is meant; "": none that is used."""
    return _ALSO.get(_SIGNS.sub("", str(name).lower()), "")


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no address") from None


def _day(text: str) -> int:
    """Return the day that the activity began, since 1970; SNDS gives times of its own zone, taken as they stand."""
    text = text.strip()
    for form in _MOMENTS:
        try:
            return (datetime.strptime(text, form).replace(tzinfo=UTC).date() - _EPOCH).days
        except ValueError:
            continue
    try:
        return (datetime.fromisoformat(text).date() - _EPOCH).days
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time") from None
