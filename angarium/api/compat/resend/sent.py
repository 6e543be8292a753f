"""Resend's /emails: what happened to them, one by one and in lists."""

from collections.abc import Sequence

from aiohttp import web

from angarium.api.access import Access, bearer_token
from angarium.api.compat.asking import asking
from angarium.api.compat.resend.paging import read_wanted
from angarium.api.compat.resend.stories import list_stories, told
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.history.story import HistoryReader
from angarium.intake.order import Caller, Fault, FaultError, FaultKind


class SentEmails:
    def __init__(self, access: Access, history: HistoryReader | None) -> None:
        self._access = access
        self._history = history

    def routes(self) -> Sequence[Route]:
        return (
            # Also a list of ours, for whoever has our kind of header
            Route(method="GET", path="/emails", handler=self._list, claims=_has_bearer),
            Route(method="GET", path="/emails/{id}", handler=self._get),
        )

    def _caller(self, request: web.Request) -> Caller:
        presented = bearer_token(request)
        return self._access.caller(request, presented, "emails", "read", dialect="resend")

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._caller(request)
        wanted = read_wanted(request.query)
        with asking(self._history) as history:
            return json_response(await list_stories(history, caller.tenant, wanted))

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._caller(request)
        with asking(self._history) as history:
            story = await history.find(caller.tenant, request.match_info["id"])
        if story is None:
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message="Email not found"))
        return json_response(told(story))


def _has_bearer(request: web.Request) -> bool:
    return request.headers.get("Authorization", "").lower().startswith("bearer")
