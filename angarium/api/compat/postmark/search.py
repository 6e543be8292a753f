"""Postmark's search of sent messages: ``count`` and ``offset``, and what they are filtered by."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.postmark.orders import OUTBOUND
from angarium.api.compat.postmark.stories import STATUS, listed
from angarium.history.story import HistoryReader, Story, StoryFilter
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import DEFAULT_STREAM, UnixMs

MAX_COUNT: Final = 500  # Postmark's
MAX_WINDOW: Final = 10_000  # likewise, of count and offset together
_METADATA: Final = "metadata_"
_PAGE: Final = 500  # of the history, as it is read here
_DAY_MS: Final = 86_400_000


class Search(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    offset: int
    wanted: StoryFilter  # what the history finds by itself
    fits: tuple[Callable[[Story], bool], ...] = ()  # all else, looked at one by one


def read_search(query: Mapping[str, str]) -> Search:
    """Raises FaultError, for what is unknown as well."""
    wanted: dict[str, Any] = {}
    fits: list[Callable[[Story], bool]] = []
    for name, value in query.items():
        match name.lower():
            case "count" | "offset":
                pass
            case _ if not value:
                pass  # empty is absent
            case "recipient":
                wanted["recipient"] = value
            case "tag":
                wanted["tag"] = value
            case "messagestream":
                wanted["stream"] = DEFAULT_STREAM if value == OUTBOUND else value
            case "fromdate":
                wanted["since"] = _moment(value, "fromdate", end=False)
            case "todate":
                wanted["until"] = _moment(value, "todate", end=True)
            case "status":
                fits.append(_has_status(value))
            case "fromemail":
                fits.append(_is_from(value))
            case "subject":
                fits.append(_has_subject(value))
            case low if low.startswith(_METADATA):
                fits.append(_has_metadata(name[len(_METADATA) :], value))
            case _:
                message = f"{name}: is no parameter of this search"
                raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=message, field=name))
    count = _number(query, "count", least=1, most=MAX_COUNT)
    offset = _number(query, "offset", least=0, most=MAX_WINDOW)
    if count + offset > MAX_WINDOW:
        raise FaultError(invalid("offset", f"with count, it is more than {MAX_WINDOW}"))
    return Search(count=count, offset=offset, wanted=StoryFilter(**wanted), fits=tuple(fits))


async def find_messages(history: HistoryReader, tenant: str, search: Search) -> dict[str, Any]:
    """Return the page. TotalCount has at most one more than is shown by now. Raises HistoryAwayError."""
    found: list[Story] = []
    total = looked_at = 0
    cursor: str | None = None
    while total <= search.offset + search.count and looked_at < MAX_WINDOW:
        page = await history.list(tenant, search.wanted, cursor, _PAGE)
        for story in page.stories:
            looked_at += 1
            if all(fits(story) for fits in search.fits):
                if search.offset <= total < search.offset + search.count:
                    found.append(story)
                total += 1
        cursor = page.cursor
        if cursor is None:
            break
    total = min(total, search.offset + search.count + 1)
    return {"TotalCount": total, "Messages": [listed(each) for each in found]}


def _number(query: Mapping[str, str], name: str, *, least: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        raise FaultError(missing(name))
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= most):
        raise FaultError(invalid(name, f"must be a number from {least} to {most}"))
    return int(text)


def _moment(text: str, field: str, *, end: bool) -> UnixMs:
    """A day, or a time of UTC; ``end``: a day is all of it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FaultError(invalid(field, "is no date: write 2030-01-31")) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    ms = int(moment.timestamp() * 1000)
    return UnixMs(max(0, ms + _DAY_MS if end and len(text) == 10 else ms))


def _has_status(word: str) -> Callable[[Story], bool]:
    words = {each.lower() for each in STATUS.values()} | {"processed"}
    if word.lower() not in words:
        raise FaultError(invalid("status", f"must be one of {', '.join(sorted(words))}"))
    return lambda story: STATUS[story.status].lower() == word.lower()


def _is_from(address: str) -> Callable[[Story], bool]:
    wanted = address.lower()
    return lambda story: wanted in (story.about.author or story.reverse_path).lower()


def _has_subject(text: str) -> Callable[[Story], bool]:
    return lambda story: text.lower() in story.about.subject.lower()


def _has_metadata(name: str, value: str) -> Callable[[Story], bool]:
    return lambda story: str(story.about.metadata.get(name)) == value
