"""Reads the history for many at once: in a few threads, with a bound on how many wait, and with an eye on the log.

What was accepted a moment ago is waited for, or told from the log itself, so that nobody who just sent a message hears
that there is none.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from angarium.config.schema import Config
from angarium.history.labels import bare_id
from angarium.history.line import Line
from angarium.history.opening import Keeps, history_url, keeps_of
from angarium.history.readers import ReaderPage
from angarium.history.story import (
    HistoryAwayError,
    IncidentPage,
    Story,
    StoryFilter,
    StoryPage,
    Stretch,
    ToldEvent,
)
from angarium.history.telling import tell_from_log
from angarium.queue.administration import QueueAdministration
from angarium.queue.event_log import EventLog, Position
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.message_id import message_id_ms, parse_message_id
from angarium.queue.model import MessageId, UnixMs

if TYPE_CHECKING:
    from angarium.history.reading import SqlReader

T = TypeVar("T")
# Ours: what waits beyond that is told to come again
WAITING: Final = 256
# Ours, of a message that is not in it: what is older than that by its id would be, and is not waited for
RECENT_MS: Final = 600_000
# Ours: how long one is waited for, before the log is read for it
LOOK_S: Final = 0.05
LOOKS: Final = 20
# Ours: events that it may be behind; by more, it is being built, and what is missing is not unknown
BEHIND: Final = 100_000


class EventsOf(Protocol):
    """The event log, as far as it is asked here."""

    def last(self) -> int:
        """Return the newest event's sequence number."""
        ...

    async def of(self, message_id: MessageId) -> Sequence[Position]:
        """Return a message's events, in order. May take some time."""
        ...


class QueueEvents:
    """EventsOf of a spool."""

    def __init__(self, log: EventLog, administration: QueueAdministration) -> None:
        self._log = log
        self._administration = administration

    def last(self) -> int:
        return self._log.last()

    async def of(self, message_id: MessageId) -> Sequence[Position]:
        shown = await self._administration.show(message_id)
        return () if shown is None else shown.events


async def _look_again() -> None:
    await asyncio.sleep(LOOK_S)


class HistoryAccess:
    """Implements HistoryReader and EventTeller.

    HAC1: at most WAITING questions are under way, and others are refused; one at a time reads the log.
    """

    def __init__(
        self,
        open_reader: "Callable[[], SqlReader]",
        log: EventsOf,
        keeps: Keeps,
        clock: Callable[[], UnixMs],
        pause: Callable[[], Awaitable[None]] = _look_again,
    ) -> None:
        """``open_reader``: called in a thread, at the first question. ``pause``: between two looks."""
        self._open = open_reader
        self._log = log
        self._keeps = keeps
        self._clock = clock
        self._pause = pause
        self._reader: SqlReader | None = None
        self._opening = threading.Lock()
        # What is found by one look has a line of its own: it does not wait for lists
        self._looks = Line("history-looks", self._answer)
        self._lists = Line("history-lists", self._answer)
        self._under_way = 0
        self._reading_log = asyncio.Semaphore(1)  # HAC1

    @classmethod
    def of(cls, config: Config, log: EventsOf, clock: Callable[[], UnixMs]) -> "HistoryAccess":
        def open_reader() -> "SqlReader":
            # Imported where it is used: SQLAlchemy is 25 MB
            from angarium.history.database import HistoryDatabase
            from angarium.history.reading import SqlReader

            data_dir = Path(config.server.data_dir)
            return SqlReader(HistoryDatabase(history_url(config), data_dir), clock)

        return cls(open_reader, log, keeps_of(config), clock)

    def close(self) -> None:
        self._looks.close()
        self._lists.close()
        if self._reader is not None:
            self._reader.close()

    async def find(self, tenant: str, email_id: str) -> Story | None:
        if "@" in email_id:
            return await self.find_by_message_id(tenant, email_id)
        try:
            message_id = parse_message_id(email_id)
        except ValueError:
            return None
        found = await self._ask(lambda reader: reader.find(tenant, message_id))
        if found is None and message_id_ms(message_id) >= self._clock() - RECENT_MS:
            return await self._find_new(tenant, message_id)
        return found

    async def find_by_message_id(self, tenant: str, header: str) -> Story | None:
        found = await self._ask(lambda reader: reader.find_by_message_id(tenant, header))
        if found is not None:
            return found
        bare = bare_id(header)
        story = await self.find(tenant, bare.partition("@")[0])  # ours begins with it
        return story if story is not None and bare_id(story.message_id) == bare else None

    async def list(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> StoryPage:
        return await self._ask(
            lambda reader: reader.list(tenant, wanted, cursor, limit), self._lists
        )

    async def readers(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> ReaderPage:
        return await self._ask(
            lambda reader: reader.readers(tenant, wanted, cursor, limit), self._lists
        )

    async def events(self, tenant: str, cursor: str | None, limit: int) -> IncidentPage:
        return await self._ask(lambda reader: reader.events(tenant, cursor, limit), self._lists)

    async def told(self, tenant: str, wanted: Stretch, limit: int) -> Sequence[ToldEvent]:
        return await self._ask(lambda reader: reader.told(tenant, wanted, limit), self._lists)

    async def incidents(
        self, tenant: str, email_id: str, cursor: str | None, limit: int
    ) -> IncidentPage | None:
        try:
            message_id = parse_message_id(email_id)
        except ValueError:
            return None
        page = await self._ask(lambda reader: reader.incidents(tenant, message_id, cursor, limit))
        if page is None and await self.find(tenant, email_id) is not None:
            page = await self._ask(
                lambda reader: reader.incidents(tenant, message_id, cursor, limit)
            )
        return page

    async def _find_new(self, tenant: str, message_id: MessageId) -> Story | None:
        """Wait until all that is in the log now is in the history; where that takes too long, read the log."""
        target = self._log.last()
        position = await self._ask(lambda reader: reader.position())
        looks = 0
        while position < target and looks < LOOKS:
            await self._pause()
            position = await self._ask(lambda reader: reader.position())
            looks += 1
        found = await self._ask(lambda reader: reader.find(tenant, message_id))
        if found is not None or position >= target:
            return found
        async with self._reading_log:  # HAC1
            events = await self._log.of(message_id)
        first = events[0].event if events else None
        if isinstance(first, MessageAccepted):
            is_told = first.tenant == tenant and self._keeps(first)
            return tell_from_log(events, self._clock()) if is_told else None
        if target - position > BEHIND:
            raise HistoryAwayError("the history is being built, and lags behind")
        return None

    async def _ask(self, question: "Callable[[SqlReader], T]", line: Line | None = None) -> T:
        if self._under_way >= WAITING:  # HAC1
            raise HistoryAwayError("too many questions wait for the history")
        self._under_way += 1
        try:
            return await (line or self._looks).ask(question)
        finally:
            self._under_way -= 1

    def _answer(self, questions: "Sequence[Callable[[SqlReader], Any]]") -> Sequence[Any]:
        with self._opening:
            if self._reader is None:
                self._reader = self._open()
            reader = self._reader
        return reader.answer(questions)
