"""GET of emails, their status, events and attempts: what happened to mail, for who sent it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native import history_shown as shown
from angarium.api.native.answers import json_response
from angarium.api.native.history_wire import (
    AttemptList,
    EmailAnswer,
    EmailEvents,
    EmailList,
    EmailsAsked,
    EventList,
    EventsAsked,
    ReaderList,
    ReadersAsked,
    StatusAnswer,
)
from angarium.api.native.sending import Admits
from angarium.api.native.wire import PageAsked, in_path, invalid, read_query, unix_ms
from angarium.history import (
    CursorError,
    HistoryAwayError,
    HistoryReader,
    IncidentPage,
    Story,
    StoryFilter,
)
from angarium.history.status import WORDS
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.telemetry.log import log

T = TypeVar("T")
RETRY_S: Final = 1
# Between two looks for an event that is waited for
LOOK_S: Final = 0.5
# Ours, of each process: who waits asks the database now and then
MAX_WAITING: Final = 100


async def _look_again() -> None:
    await asyncio.sleep(LOOK_S)


class HistoryResource:
    def __init__(
        self,
        history: HistoryReader | None,
        admit: Admits,
        pause: Callable[[], Awaitable[None]] = _look_again,
    ) -> None:
        """``history``: None where none is kept."""
        self._history = history
        self._admit = admit
        self._pause = pause
        self._waiting = 0
        self._is_away = False  # said once

    def routes(self) -> Sequence[Route]:
        """Those without /v1 are what people wrote before; of ``/emails`` another dialect has a list, too."""
        one, emails = "emails:read", "/v1/emails"
        status = Route(
            method="GET",
            path="/v1/status/{id}",
            handler=self.status,
            summary="Say how far an email is, by its id.",
            scope=one,
            answers={200: StatusAnswer},
        )
        listed = Route(
            method="GET",
            path=emails,
            handler=self.list,
            summary="List emails, the newest first.",
            scope=one,
            query=EmailsAsked,
            answers={200: EmailList},
        )
        return (
            status,
            Route(method="GET", path="/status/{id}", handler=self.status),
            listed,
            Route(
                method="GET",
                path="/emails",
                handler=self.list,
                claims=lambda request: "X-API-Key" in request.headers,
            ),
            Route(
                method="GET",
                path=f"{emails}/{{id}}",
                handler=self.email,
                summary="Show an email, and what happened to it.",
                scope=one,
                answers={200: EmailAnswer},
            ),
            Route(
                method="GET",
                path=f"{emails}/{{id}}/events",
                handler=self.events_of,
                summary="List the events of an email, in order.",
                scope=one,
                query=PageAsked,
                answers={200: EmailEvents},
            ),
            Route(
                method="GET",
                path=f"{emails}/{{id}}/attempts",
                handler=self.attempts,
                summary="List the attempts to deliver an email, in order.",
                scope=one,
                query=PageAsked,
                answers={200: AttemptList},
            ),
            Route(
                method="GET",
                path="/v1/readers",
                handler=self.readers,
                summary="List who opened emails and followed their links.",
                scope=one,
                query=ReadersAsked,
                answers={200: ReaderList},
            ),
            Route(
                method="GET",
                path="/v1/events",
                handler=self.events,
                summary="List what happens to the tenant's emails, in order.",
                scope="events:read",
                query=EventsAsked,
                answers={200: EventList},
            ),
        )

    async def status(self, request: web.Request) -> web.Response:
        return json_response(shown.status(await self._story(request)))

    async def email(self, request: web.Request) -> web.Response:
        return json_response(shown.email_with_events(await self._story(request)))

    async def list(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "emails", "read")
        asked = read_query(request, EmailsAsked)
        wanted = StoryFilter(
            recipient=asked.recipient,
            status=None if asked.status is None else WORDS[asked.status],
            tag=asked.tag,
            stream=asked.stream,
            campaign=asked.campaign,
            since=None if asked.since is None else unix_ms(asked.since),
            until=None if asked.until is None else unix_ms(asked.until),
        )
        cursor, limit = asked.cursor or None, asked.limit
        page = await self._answered(self._reader.list(caller.tenant, wanted, cursor, limit))
        emails = [shown.email(each) for each in page.stories]
        return json_response(EmailList(emails=emails, cursor=page.cursor))

    async def events_of(self, request: web.Request) -> web.Response:
        email_id, page = await self._incidents(request)
        return json_response(
            EmailEvents(
                email_id=email_id,
                events=[shown.event(each) for each in page.incidents],
                cursor=page.cursor if page.more else None,
            )
        )

    async def attempts(self, request: web.Request) -> web.Response:
        email_id, page = await self._incidents(request)
        found = [shown.find_attempt(each) for each in page.incidents]
        return json_response(
            AttemptList(
                email_id=email_id,
                attempts=[each for each in found if each is not None],
                cursor=page.cursor if page.more else None,
            )
        )

    async def readers(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "emails", "read")
        asked = read_query(request, ReadersAsked)
        wanted = StoryFilter(
            recipient=asked.recipient,
            tag=asked.tag,
            stream=asked.stream,
            campaign=asked.campaign,
            since=None if asked.since is None else unix_ms(asked.since),
            until=None if asked.until is None else unix_ms(asked.until),
        )
        cursor, limit = asked.cursor or None, asked.limit
        page = await self._answered(self._reader.readers(caller.tenant, wanted, cursor, limit))
        readers = [shown.reader(each) for each in page.readers]
        return json_response(ReaderList(readers=readers, cursor=page.cursor))

    async def events(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "events", "read")
        asked = read_query(request, EventsAsked)
        page = await self._events(caller, asked)
        return json_response(
            EventList(
                events=[shown.tenant_event(each) for each in page.incidents],
                cursor=page.cursor,
                more=page.more,
            )
        )

    async def _events(self, caller: Caller, asked: EventsAsked) -> IncidentPage:
        """With ``wait``, once there are some, or that time is over."""
        cursor, limit = asked.cursor or None, asked.limit
        page = await self._answered(self._reader.events(caller.tenant, cursor, limit))
        if page.incidents or not asked.wait:
            return page
        if self._waiting >= MAX_WAITING:
            raise _busy("too many requests wait for events")
        clock = asyncio.get_running_loop()
        until = clock.time() + asked.wait
        self._waiting += 1
        try:
            while not page.incidents and clock.time() < until:
                await self._pause()
                page = await self._answered(self._reader.events(caller.tenant, cursor, limit))
        finally:
            self._waiting -= 1
        return page

    async def _story(self, request: web.Request) -> Story:
        caller = self._admit(request, "emails", "read")
        email_id = in_path(request, "id")
        found = await self._answered(self._reader.find(caller.tenant, email_id))
        if found is None:
            raise _unknown(email_id)
        return found

    async def _incidents(self, request: web.Request) -> tuple[str, IncidentPage]:
        caller = self._admit(request, "emails", "read")
        asked = read_query(request, PageAsked)
        email_id = in_path(request, "id")
        cursor, limit = asked.cursor or None, asked.limit
        page = await self._answered(self._reader.incidents(caller.tenant, email_id, cursor, limit))
        if page is None:
            raise _unknown(email_id)
        return email_id, page

    async def _answered(self, question: Awaitable[T]) -> T:
        """Return the answer. Raises FaultError: a cursor that is none, or BUSY."""
        try:
            answer = await question
        except CursorError as error:
            raise invalid("cursor", f"cursor: {error}") from None
        except HistoryAwayError as error:
            if not self._is_away:
                log("history_unreachable", "warning", reason=str(error))
            self._is_away = True
            raise _busy("the history of emails cannot be read now") from None
        self._is_away = False
        return answer

    @property
    def _reader(self) -> HistoryReader:
        if self._history is None:
            text = "This server keeps no history of emails ([history] of)"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        return self._history


def _busy(text: str) -> FaultError:
    message = f"{text[:1].upper()}{text[1:]}; try again"
    return FaultError(Fault(kind=FaultKind.BUSY, message=message, retry_after_s=RETRY_S))


def _unknown(email_id: str) -> FaultError:
    text = f"There is no email {email_id[:80]}, or it is older than emails are remembered"
    return FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
