"""Resend's lists: ``limit``, and ``after`` or ``before`` the id of an item; what they are answered with. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid
from angarium.intake.order import Fault, FaultError, FaultKind

MAX_LIMIT: Final = 100
_USUAL: Final = 20
_NAMES: Final = ("limit", "after", "before")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    limit: int = _USUAL
    after: str = ""  # the id of an item: those behind it in the list
    before: str = ""  # likewise


def read_wanted(query: Mapping[str, str], also: Sequence[str] = ()) -> Wanted:
    """``also``: what the list is filtered by. Raises FaultError."""
    for name in query:
        if name not in _NAMES and name not in also:
            message = f"{name}: is no parameter of this list"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=message, field=name))
    limit = query.get("limit", "") or str(_USUAL)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MAX_LIMIT):
        raise FaultError(invalid("limit", f"must be a number from 1 to {MAX_LIMIT}"))
    after, before = query.get("after", ""), query.get("before", "")
    if after and before:
        raise FaultError(invalid("before", "cannot be used together with after"))
    return Wanted(limit=int(limit), after=after, before=before)


def page_of(items: Sequence[dict[str, Any]], wanted: Wanted) -> dict[str, Any]:
    """Return the part of a whole list that is wanted. Raises FaultError: no item has the id."""
    start, end = 0, len(items)
    if wanted.after or wanted.before:
        ids = [each["id"] for each in items]
        name, id_ = ("after", wanted.after) if wanted.after else ("before", wanted.before)
        if id_ not in ids:
            raise FaultError(unknown_id(name))
        if wanted.after:
            start = ids.index(id_) + 1
        else:
            end = ids.index(id_)
            start = max(0, end - wanted.limit)
            return answer(items[start:end], has_more=start > 0)
    found = items[start : start + wanted.limit]
    return answer(found, has_more=start + len(found) < end)


def unknown_id(name: str) -> Fault:
    return invalid(name, "is no id of an item in this list")


def answer(items: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    return {"object": "list", "has_more": has_more, "data": list(items)}
