"""Answers at the addresses of mail by which one leaves (RFC 8058), and of the page where one chooses what to get."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Literal, assert_never
from urllib.parse import quote

import msgspec
from aiohttp import web

from angarium.api.leaving import views
from angarium.api.leaving.facts import TenantFacts
from angarium.api.leaving.form import Leave as LeaveThis
from angarium.api.leaving.form import (
    LeaveAll,
    OneClick,
    Posted,
    Rejoin,
    Save,
    Unreadable,
    read_form,
)
from angarium.api.leaving.markup import STYLE_HASH, Frame
from angarium.api.leaving.words import all_words, chosen_language
from angarium.queue import QueueError, Scope, Suppression, SuppressionChange, Suppressions, UnixMs
from angarium.queue.suppression_filter import SuppressionFilter
from angarium.queue.suppressions import UNSUBSCRIBE, parse_scope
from angarium.telemetry.log import log
from angarium.tracking.leaving import (
    Standing,
    come_back,
    leave,
    masked,
    prefer,
    scope_of,
    standing,
)
from angarium.tracking.tokens import Leaver, Refused, TrackingKeys

_METHODS: Final = ("GET", "HEAD", "POST")
Kind = Literal["u", "p"]
BODY_OCTETS: Final = 65_536
BODY_S: Final = 10.0
# Ours: a tenant's topics, its streams, itself and everybody
_SCOPES_READ: Final = 500
_RETRY_S: Final = 60
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Language",
}


class _Unread(msgspec.Struct, frozen=True):
    status: int


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One who has the address, and what they see it in."""

    leaver: Leaver
    frame: Frame
    choose: str  # the path of the preferences
    found: Sequence[Suppression]  # in force for them

    @property
    def what(self) -> views.What:
        return "topic" if self.leaver.topic else "stream"


class LeavingPages:
    """On the event loop.

    Invariants:

    LVP1. Only a POST changes anything: mail scanners follow each link, and people look before they leave.
    LVP2. What an answer says of a change is on disk before it is sent.
    LVP3. A change is about the token's address and tenant, and no other.
    LVP4. Only what its owner asked for is taken away: a bounce, a complaint and what the sender decided stay.
    """

    def __init__(
        self,
        keys: TrackingKeys,
        facts: TenantFacts,
        suppressions: Suppressions,
        clock: Callable[[], UnixMs],
    ) -> None:
        self.keys = keys  # may change at any time
        self._facts = facts
        self._suppressions = suppressions
        self._clock = clock
        all_words()

    async def handle(
        self, request: web.BaseRequest, kind: Kind, leave_text: str, host: str
    ) -> web.StreamResponse:
        """Answer at /u/<leave> or /p/<leave> of a tracking host. ``host``: as the request has it."""
        if request.method not in _METHODS:
            return web.Response(status=405, headers={"Allow": ", ".join(_METHODS)})
        leaver = self._read(leave_text, host)
        if isinstance(leaver, Refused):
            return self._refused(request, leaver)
        body = await _read_body(request) if request.method == "POST" else b""
        if isinstance(body, _Unread):
            return web.Response(status=body.status, headers={"Connection": "close"})
        visit = await self._visit(request, kind, leave_text, leaver)
        if request.method != "POST":  # LVP1
            return self._shown(visit, kind)
        posted = read_form(kind, request.content_type, body)
        try:
            return await self._act(visit, posted, kind, leave_text)
        except QueueError as error:
            log("leaving_failed", "error", tenant=leaver.tenant, problem=str(error))
            retry = {"Retry-After": str(_RETRY_S)}
            return _answer(visit.frame, views.failed(visit.frame), 503, retry)

    def _read(self, text: str, host: str) -> Leaver | Refused:
        leaver = self.keys.read_leave(text, self._clock())
        if isinstance(leaver, Refused):
            return leaver
        owner = self._facts.find_owner(host.partition(":")[0].lower())
        return leaver if owner in (None, leaver.tenant) else Refused("forged")

    async def _visit(
        self, request: web.BaseRequest, kind: Kind, text: str, leaver: Leaver
    ) -> _Visit:
        address = self._facts.address_of(leaver.tenant)
        language = _language(request, leaver.language)
        topic = self._facts.topics_of(leaver.tenant).get(leaver.topic)
        frame = Frame(
            language=language,
            path=f"/{kind}/{quote(text)}",
            values={
                "address": masked(leaver.address),
                "sender": next(iter(address), leaver.sender_domain or leaver.tenant),
                "topic": leaver.topic if topic is None else topic.title(language),
            },
            address=address,
        )
        found = await self._found(leaver)
        return _Visit(leaver=leaver, frame=frame, choose=f"/p/{quote(text)}", found=found)

    async def _found(self, leaver: Leaver) -> Sequence[Suppression]:
        wanted = SuppressionFilter(email=leaver.address, tenant=leaver.tenant, everybodys=True)
        return (await self._suppressions.page(wanted, None, _SCOPES_READ)).suppressions

    def _refused(self, request: web.BaseRequest, refused: Refused) -> web.Response:
        """Said in words, for who has an old mail, or a link that a program cut off."""
        is_expired = refused.why == "expired"
        frame = Frame(language=_language(request, ""), path=quote(request.path), values={})
        page = views.unusable(frame, is_expired=is_expired)
        return _answer(frame, page, 410 if is_expired else 404)

    def _shown(self, visit: _Visit, kind: Kind) -> web.Response:
        if kind == "p":
            return self._preferences(visit, is_saved=False)
        match standing(scope_of(visit.leaver), visit.found):
            case Standing.GETS:
                page = views.ask(visit.frame, visit.what, visit.choose)
            case Standing.LEFT:
                page = views.left(visit.frame, visit.what, visit.choose)
            case Standing.KEPT_AWAY:
                page = views.kept_away(visit.frame, visit.choose)
            case never:
                assert_never(never)
        return _answer(visit.frame, page)

    def _preferences(self, visit: _Visit, *, is_saved: bool, status: int = 200) -> web.Response:
        choices = self._choices(visit)
        page = views.preferences(visit.frame, choices, is_saved=is_saved)
        return _answer(visit.frame, page, status)

    async def _act(
        self, visit: _Visit, posted: Posted, kind: Kind, text: str
    ) -> web.StreamResponse:
        leaver, now = visit.leaver, self._clock()
        scope = scope_of(leaver)
        match posted:
            case OneClick():
                await self._apply(leave(leaver, [scope], "one-click", now))
                return _answer(visit.frame, views.left(visit.frame, visit.what, visit.choose))
            case LeaveThis():
                await self._apply(leave(leaver, [scope], "page", now))
                return _answer(visit.frame, views.left(visit.frame, visit.what, visit.choose))
            case Rejoin():
                everything = [each.scope for each in self._choices(visit)]
                await self._apply(come_back(leaver, scope, everything, visit.found, now))
                again = await self._again(visit)
                if standing(scope, again.found) is not Standing.GETS:
                    return _answer(again.frame, views.kept_away(again.frame, again.choose))
                return _answer(visit.frame, views.back(visit.frame, visit.what, visit.choose))
            case Save(shown, wanted):
                offered = self._offered(visit, shown)
                keep = {each for each in offered if each.text in wanted}
                await self._apply(prefer(leaver, offered, keep, visit.found, now))
            case LeaveAll(shown):
                await self._apply(leave(leaver, self._offered(visit, shown), "page", now))
            case Unreadable():
                if kind == "u":
                    return _answer(
                        visit.frame, views.ask(visit.frame, visit.what, visit.choose), 400
                    )
                return self._preferences(visit, is_saved=False, status=400)
        return self._preferences(await self._again(visit), is_saved=True)

    async def _again(self, visit: _Visit) -> _Visit:
        return msgspec.structs.replace(visit, found=await self._found(visit.leaver))

    async def _apply(self, changes: Sequence[SuppressionChange]) -> None:
        if changes:
            await self._suppressions.apply(changes)  # LVP2

    def _choices(self, visit: _Visit) -> list[views.Choice]:
        """Return the tenant's topics, and the streams that one may leave or has left."""
        leaver, found = visit.leaver, visit.found
        topics = self._facts.topics_of(leaver.tenant)
        streams = {*self._facts.streams_of(leaver.tenant), leaver.stream}
        streams |= {each.scope.stream for each in found if each.scope.stream and _is_own(each)}
        titled = [
            (Scope(tenant=leaver.tenant, topic=each.name), each.title(visit.frame.language))
            for each in topics.values()
        ]
        if leaver.topic and leaver.topic not in topics:
            titled.append((scope_of(leaver), leaver.topic))
        titled += [
            (
                Scope(tenant=leaver.tenant, stream=each),
                self._facts.stream_title(each, visit.frame.language),
            )
            for each in sorted(streams)
        ]
        return [
            views.Choice(scope=scope, title=title, standing=standing(scope, found))
            for scope, title in titled
        ]

    def _offered(self, visit: _Visit, shown: Sequence[str]) -> list[Scope]:
        """Return those of what a form names that are offered, and may be changed."""
        may = {
            each.scope for each in self._choices(visit) if each.standing is not Standing.KEPT_AWAY
        }
        found: list[Scope] = []
        for each in dict.fromkeys(shown):
            try:
                scope = parse_scope(each)
            except ValueError:
                continue
            if scope in may:
                found.append(scope)
        return found


def _is_own(found: Suppression) -> bool:
    return found.reason == UNSUBSCRIBE


def _language(request: web.BaseRequest, own: str) -> str:
    accepted = request.headers.get("Accept-Language", "")
    return chosen_language(request.query.get("lang", ""), own, accepted)


async def _read_body(request: web.BaseRequest) -> bytes | _Unread:
    octets = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_chunked(16_384):
                octets += chunk
                if len(octets) > BODY_OCTETS:
                    return _Unread(413)
    except TimeoutError:
        return _Unread(408)
    return octets


def _answer(
    frame: Frame, page: str, status: int = 200, more: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        text=page,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={**_HEADERS, "Content-Language": frame.language, **(more or {})},
    )
