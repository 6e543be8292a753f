"""What Mailgun's list of events is asked for: its parameters, its filters, its pages. Pure. Raises FaultError.

A page is named by a text that has all that was asked for, so that its URL alone leads on.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, unsupported
from angarium.api.compat.mailgun.moment import read_time
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs

LIMIT: Final = 300  # Mailgun's
_USUAL: Final = 100  # likewise
_CHARACTERS: Final = 1000  # of a parameter
_TOKEN: Final = 8000
_YES_NO: Final = {"yes": True, "true": True, "no": False, "false": False}
_FILTERS: Final = frozenset(
    {"event", "recipient", "recipients", "to", "from", "subject", "message-id", "tags", "severity"}
)
_OTHERS: Final = frozenset({"begin", "end", "ascending", "limit", "page", "pretty"})
_UNSUPPORTED: Final = {
    "list": "there are no mailing lists",
    "attachment": "the names of files are not kept once a mail is sent",
    "size": "it is no filter here",
}


class Mark(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where a page ends: an event, and which of its recipients."""

    sequence: int
    part: int = 0


class Search(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    filters: Mapping[str, str] = {}
    begin: UnixMs | None = None
    end: UnixMs | None = None
    ascending: bool = False
    limit: int = _USUAL
    mark: Mark | None = None  # None: from the end at which the list begins
    backwards: bool = False  # what is before the mark; without one, the list's last page
    has_mark: bool = False  # the item at the mark belongs to it, too

    @property
    def newest_first(self) -> bool:
        """How it is read: a page backwards from the other end."""
        return self.ascending is self.backwards


def read_search(query: Mapping[str, str]) -> Search:
    for name, value in query.items():
        if name in _UNSUPPORTED and value:
            raise FaultError(unsupported(name, _UNSUPPORTED[name]))
        if name not in _FILTERS | _OTHERS | _UNSUPPORTED.keys():
            text = f"{name[:80]}: is no parameter of this list"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80]))
        if len(value) > _CHARACTERS:
            raise FaultError(invalid(name, f"has more than {_CHARACTERS} characters"))
    if token := query.get("page", ""):
        return read_page(token)
    times = {name: read_time(query[name], name) for name in ("begin", "end") if query.get(name)}
    begin, end = times.get("begin"), times.get("end")
    ascending = _ascending(query.get("ascending", ""), begin, end)
    if begin is not None and end is not None and begin > end:
        begin, end = end, begin
    elif begin is not None and end is None and not ascending:
        begin, end = None, begin  # from there into the past
    limit = query.get("limit", "") or str(_USUAL)
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and int(limit)):
        raise FaultError(invalid("limit", f"is no number from 1 to {LIMIT}"))
    return Search(
        filters={name: query[name] for name in sorted(_FILTERS) if query.get(name)},
        begin=begin,
        end=end,
        ascending=ascending,
        limit=min(int(limit), LIMIT),
    )


def page_text(search: Search) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(search)).decode().rstrip("=")


def read_page(text: str) -> Search:
    """Read what ``page_text`` wrote."""
    try:
        if len(text) > _TOKEN or not text.isascii():
            raise ValueError
        padded = text + "=" * (-len(text) % 4)
        found = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=Search)
        if not (1 <= found.limit <= LIMIT and set(found.filters) <= _FILTERS):
            raise ValueError
        if found.mark is not None and not 0 <= found.mark.sequence < 2**63:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise FaultError(invalid("page", "is none of this list: take it from an answer")) from None
    return found


def pages(search: Search, first: Mark | None, last: Mark | None) -> dict[str, str]:
    """Return the pages around one whose first and last items are these; None: it is empty."""
    turn = msgspec.structs.replace
    ends = {
        "first": turn(search, mark=None, backwards=False, has_mark=False),
        "last": turn(search, mark=None, backwards=True, has_mark=False),
    }
    if first is None or last is None:
        # It goes on where it stands, and back over the item that it stands behind
        back = turn(search, backwards=not search.backwards, has_mark=not search.has_mark)
        names = ("previous", "next") if search.backwards else ("next", "previous")
        around = {names[0]: search, names[1]: back}
    else:
        around = {
            "next": turn(search, mark=last, backwards=False, has_mark=False),
            "previous": turn(search, mark=first, backwards=True, has_mark=False),
        }
    return {name: page_text(each) for name, each in {**ends, **around}.items()}


def wanted(search: Search) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether an event of Mailgun's form passes all filters."""
    tests = [(_VALUES[name], _words(text)) for name, text in search.filters.items()]

    def passes(event: Mapping[str, Any]) -> bool:
        return all(
            any(word in values(event) for word in words) is not is_not
            for values, (words, is_not) in tests
        )

    return passes


def _ascending(text: str, begin: UnixMs | None, end: UnixMs | None) -> bool:
    if text:
        if text.lower() not in _YES_NO:
            raise FaultError(invalid("ascending", "is not yes or no"))
        return _YES_NO[text.lower()]
    return begin is not None and (end is None or begin <= end)


def _words(expression: str) -> tuple[frozenset[str], bool]:
    """``rejected OR failed``, ``NOT delivered``; also in brackets or quotes. Without regard to case."""
    text = expression.strip()
    is_not = text[:4].upper() == "NOT "
    text = text[4:] if is_not else text
    parts = text.strip("() ").split(" OR ")
    return frozenset(each.strip().strip("\"'").lower() for each in parts), is_not


def _header(name: str) -> Callable[[Mapping[str, Any]], frozenset[str]]:
    def values(event: Mapping[str, Any]) -> frozenset[str]:
        text = str(event["message"]["headers"].get(name, ""))
        return frozenset({text.lower(), parseaddr(text)[1].lower()})

    return values


def _field(name: str) -> Callable[[Mapping[str, Any]], frozenset[str]]:
    return lambda event: frozenset({str(event.get(name, "")).lower()})


_VALUES: Final[Mapping[str, Callable[[Mapping[str, Any]], frozenset[str]]]] = {
    "event": _field("event"),
    "recipient": _field("recipient"),
    "recipients": _field("recipient"),
    "severity": _field("severity"),
    "to": _header("to"),
    "from": _header("from"),
    "subject": _header("subject"),
    "message-id": _header("message-id"),
    "tags": lambda event: frozenset(str(each).lower() for each in event["tags"]),
}
