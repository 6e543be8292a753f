"""Suppressions as CSV: what is written can be read again, by us and by a spreadsheet. Pure."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

from angarium.feedback.classes import BounceClass
from angarium.insight.csv_text import harmless, plain
from angarium.queue import UnixMs
from angarium.queue.suppression_key import check_email
from angarium.queue.suppressions import (
    COMPLAINT,
    ERASURE,
    EVERYBODY,
    EVIDENCE_CHARACTERS,
    IMPORT,
    MANUAL,
    UNSUBSCRIBE,
    Scope,
    Suppression,
    parse_scope,
)
from angarium.telemetry.timestamp import rfc3339

COLUMNS: Final = ("email", "scope", "reason", "added_at", "expires_at", "evidence")
REASONS: Final = (
    *(COMPLAINT, UNSUBSCRIBE, MANUAL, IMPORT, ERASURE),
    *(each.value for each in BounceClass),
)
# As others call them in their exports, without case, blanks and underscores
_ALIASES: Final = {
    **dict.fromkeys(("email", "emailaddress", "address", "recipient", "mail"), "email"),
    **dict.fromkeys(("scope",), "scope"),
    **dict.fromkeys(("reason",), "reason"),
    **dict.fromkeys(("addedat", "created", "createdat", "lastupdatetime", "date"), "added_at"),
    **dict.fromkeys(("expiresat", "expires", "until"), "expires_at"),
    **dict.fromkeys(("evidence", "description", "bouncedescription", "details"), "evidence"),
}
_KNOWN_REASONS: Final = frozenset(REASONS)
_DELIMITERS: Final = ",;\t"
_LAST_S: Final = 253_402_300_799


class RowError(ValueError):
    """What is wrong with a line, and its number."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which column is what, and what separates them."""

    columns: Mapping[str, int]
    delimiter: str
    has_header: bool


def find_layout(first_line: str, mapped: Mapping[str, str]) -> Layout:
    """Read the header. ``mapped``: names of ours to those of columns. Raises RowError.

    A first line with an address is none: then the only column is the address.
    """
    delimiter = max(_DELIMITERS, key=first_line.count)
    cells = [each.strip() for each in next(csv.reader([first_line], delimiter=delimiter), [])]
    columns: dict[str, int] = {}
    for ours, theirs in mapped.items():
        if theirs not in cells:
            names = ", ".join(cells)
            raise RowError(f"line 1: there is no column {theirs!r}; there are: {names[:200]}")
        columns[ours] = cells.index(theirs)
    for index, cell in enumerate(cells):
        ours_or_none = _ALIASES.get(re.sub(r"[\s_]", "", cell).casefold())
        if ours_or_none is not None and ours_or_none not in columns:
            columns[ours_or_none] = index
    if "email" in columns:
        return Layout(columns=columns, delimiter=delimiter, has_header=True)
    if cells and "@" in cells[0] and not mapped:
        return Layout(columns={"email": 0}, delimiter=delimiter, has_header=False)
    raise RowError("line 1: no column is the address: name one `email`, or say --column email=NAME")


def _read_scope(text: str) -> Scope:
    return parse_scope(text) if text else EVERYBODY


def read_rows(
    file: TextIO,
    layout: Layout,
    now: UnixMs,
    reason: str = IMPORT,
    read_scope: Callable[[str], Scope] = _read_scope,
) -> Iterator[tuple[int, Suppression | RowError]]:
    """Yield the number of each line and what it says, or what is wrong with it.

    ``reason``: where none is written. ``read_scope``: raises ValueError; what stands there may be "".
    """
    reader = csv.reader(file, delimiter=layout.delimiter)
    if layout.has_header:
        next(reader, None)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield line, RowError(f"line {line}: {error}")
            continue
        if row is None:
            return
        if not any(row):
            continue
        try:
            yield line, _suppression(row, layout.columns, now, reason, read_scope)
        except ValueError as error:
            yield line, RowError(f"line {line}: {error}")


def _suppression(
    row: Sequence[str],
    columns: Mapping[str, int],
    now: UnixMs,
    reason: str,
    read_scope: Callable[[str], Scope],
) -> Suppression:
    end = len(row)

    def cell(name: str) -> str:
        at = columns.get(name, end)
        text = row[at].strip() if at < end else ""
        return plain(text) if text.startswith("'") else text

    given = cell("reason") or reason
    if given not in _KNOWN_REASONS:
        raise ValueError(f"{given[:40]!r} is no reason: write a bounce class, {COMPLAINT}, ...")
    added_at, expires_at = cell("added_at"), cell("expires_at")
    return Suppression(
        email=check_email(cell("email")),
        scope=read_scope(cell("scope")),
        reason=given,
        added_at=_moment(added_at, "added_at") if added_at else now,
        expires_at=_moment(expires_at, "expires_at") if expires_at else None,
        evidence=cell("evidence")[:EVIDENCE_CHARACTERS],
        reference="import",
    )


def _moment(text: str, name: str) -> UnixMs:
    if text.isascii() and text.isdigit():
        seconds = float(text) if int(text) <= _LAST_S else -1.0
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            seconds = -1.0
        else:
            seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds <= _LAST_S:
        raise ValueError(f"{name} {text[:40]!r} is no time: write 2026-07-01T10:30:00Z")
    return UnixMs(round(seconds * 1000))


def row_of(each: Suppression, scope: str = "") -> list[str]:
    """Return its cells in the order of COLUMNS. ``scope``: in other words than ours."""
    cells = (
        *(each.email, scope or each.scope.text, each.reason, rfc3339(each.added_at)),
        "" if each.expires_at is None else rfc3339(each.expires_at),
        each.evidence,
    )
    return [harmless(cell) for cell in cells]
