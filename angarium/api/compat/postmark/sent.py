"""Postmark's /messages/outbound: what happened to messages, one by one and in lists."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from angarium.api.access import Access
from angarium.api.compat.asking import asking
from angarium.api.compat.faults import unsupported
from angarium.api.compat.postmark.search import find_messages, read_search
from angarium.api.compat.postmark.stories import told
from angarium.api.compat.postmark.words import KEY_FIELD, UNKNOWN_MESSAGE
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.history.story import HistoryReader, Story
from angarium.intake.order import Caller, Fault, FaultError, FaultKind

_PATH: Final = "/messages/outbound"


class SentMessages:
    def __init__(self, access: Access, history: HistoryReader | None) -> None:
        self._access = access
        self._history = history

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="GET", path=_PATH, handler=self._search),
            Route(method="GET", path=f"{_PATH}/{{id}}/details", handler=self._get),
            Route(method="GET", path=f"{_PATH}/{{id}}/dump", handler=self._get_source),
        )

    def _caller(self, request: web.Request) -> Caller:
        presented = request.headers.get(KEY_FIELD, "").strip()
        return self._access.caller(request, presented, "emails", "read", dialect="postmark")

    async def _search(self, request: web.Request) -> web.Response:
        caller = self._caller(request)
        search = read_search(request.query)
        with asking(self._history) as history:
            return json_response(await find_messages(history, caller.tenant, search))

    async def _get(self, request: web.Request) -> web.Response:
        return json_response(told(await self._story(request)))

    async def _get_source(self, request: web.Request) -> web.Response:
        await self._story(request)
        raise FaultError(unsupported("dump", "a message's source is not kept once it is sent"))

    async def _story(self, request: web.Request) -> Story:
        caller = self._caller(request)
        with asking(self._history) as history:
            story = await history.find(caller.tenant, request.match_info["id"])
        if story is None:
            message = "This message was not found: its id is not known here"
            fault = Fault(kind=FaultKind.NOT_FOUND, message=message, constraint=UNKNOWN_MESSAGE)
            raise FaultError(fault)
        return story
