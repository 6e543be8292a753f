"""Mailgun's /v3/{domain}/events: what happened to mail from a domain, in its pages."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from angarium.api.compat.asking import asking
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.compat.mailgun.event_search import (
    Mark,
    Search,
    pages,
    read_page,
    read_search,
    wanted,
)
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.history.story import EventTeller, Stretch, ToldEvent
from angarium.queue.model import UnixMs
from angarium.webhooks.formats.mailgun import event_data
from angarium.webhooks.happening import mail_happenings

# Ours: events that are read at a time, and for one answer
_PAGE: Final = 500
_LOOKED_AT: Final = 20_000


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    mark: Mark
    event: Mapping[str, Any]


class EventList:
    def __init__(self, callers: Callers, history: EventTeller | None) -> None:
        self._callers = callers
        self._history = history

    def routes(self) -> Sequence[Route]:
        path = "/v3/{domain}/events"
        return (
            Route(method="GET", path=path, handler=self._list),
            # Some clients have the page in the path
            Route(method="GET", path=f"{path}/{{page}}", handler=self._list),
        )

    async def _list(self, request: web.Request) -> web.Response:
        caller, domain = self._callers.of_domain(request, "events", "read")
        page = request.match_info.get("page", "")
        search = read_page(page) if page else read_search(request.query)
        with asking(self._history) as history:
            found: list[_Item] = []
            async for item in _items(history, caller.tenant, domain, search):
                found.append(item)
                if len(found) == search.limit:
                    break
        if search.backwards:
            found.reverse()
        first, last = (found[0].mark, found[-1].mark) if found else (None, None)
        url = f"{request.scheme}://{request.host}/v3/{domain}/events/"
        paging = {name: url + page for name, page in pages(search, first, last).items()}
        return json_response({"items": [each.event for each in found], "paging": paging})


async def _items(
    history: EventTeller, tenant: str, domain: str, search: Search
) -> AsyncIterator[_Item]:
    """In the order in which they are read, which is the list's or its reverse."""
    passes = wanted(search)
    at = search.mark
    for _ in range(_LOOKED_AT // _PAGE):
        told = await history.told(tenant, _stretch(search, at), _PAGE)
        for each in told:
            for item in _of_event(each, domain, newest_first=search.newest_first):
                if _is_behind(item.mark, search) and passes(item.event) and _is_in(each, search):
                    yield item
        if len(told) < _PAGE:
            return
        sequence = told[-1].position.sequence
        at = Mark(sequence=sequence - 1 if search.newest_first else sequence + 1)


def _stretch(search: Search, at: Mark | None) -> Stretch:
    """The event at the mark is read again: more of its recipients may be behind it."""
    bounds = {} if at is None else {"last" if search.newest_first else "first": at.sequence}
    # Behind the end of the last millisecond
    until = None if search.end is None else UnixMs(search.end + 1)
    return Stretch(since=search.begin, until=until, newest_first=search.newest_first, **bounds)


def _of_event(told: ToldEvent, domain: str, *, newest_first: bool) -> Sequence[_Item]:
    introduction = told.introduction
    if (
        introduction is None
        or _domain_of(introduction.reverse_path, introduction.about.author) != domain
    ):
        return ()
    items = [
        _Item(mark=Mark(sequence=told.position.sequence, part=part), event=event_data(each))
        for part, each in enumerate(mail_happenings(told.position, introduction))
        if not each.is_late
    ]
    return items[::-1] if newest_first else items


def _is_behind(mark: Mark, search: Search) -> bool:
    if search.mark is None:
        return True
    here, there = (mark.sequence, mark.part), (search.mark.sequence, search.mark.part)
    if here == there:
        return search.has_mark
    return here < there if search.newest_first else here > there


def _is_in(told: ToldEvent, search: Search) -> bool:
    at = told.position.event.at
    return (search.begin is None or at >= search.begin) and (search.end is None or at <= search.end)


def _domain_of(reverse_path: str, author: str) -> str:
    """The author's, or where nobody wrote it down, that of the envelope."""
    address = author.rpartition("<")[2].rstrip(">") or reverse_path
    return address.rpartition("@")[2].lower()
