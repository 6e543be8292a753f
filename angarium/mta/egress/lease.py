"""One connection's place: from before it is opened until after it is closed. And what people see of it."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Protocol

import msgspec

from angarium.mta.transport.transfer import Connection
from angarium.queue.model import Claimed, UnixMs
from angarium.routing.resolution import MxHost

ConnectionStage = Literal["opening", "idle", "transfer", "closing"]


class PlaceKey(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What has a ceiling of its own."""

    source: str
    provider: str


class Seeker(Protocol):
    """Who opens connections: an egress queue."""

    def kick(self) -> None:
        """A place may be free: take it, if it is still wanted."""
        ...


class LiveConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One place that is taken, for people."""

    id: int  # within the process, never used twice
    source: str
    provider: str
    site: str
    host: str  # while it is being opened: the one tried just now, "" before the first
    address: str
    stage: ConnectionStage
    since: UnixMs  # since it is open; while it is being opened: since that began
    transfers: int


class LeaseRegister(Protocol):
    """Where leases come from: ``places`` is."""

    def clock(self) -> UnixMs: ...
    def take_back(self, lease: "Lease") -> None: ...
    def mark_idle(self, lease: "Lease", idle: bool) -> None: ...


class Lease:
    """One place, from before its connection is opened until after it is closed: an async context gives it back."""

    def __init__(
        self, *, register: LeaseRegister, id_: int, key: PlaceKey, owner: Seeker, site: str
    ) -> None:
        self.id = id_
        self.key = key
        self.owner = owner
        self._register = register
        self._site = site
        self._since = register.clock()
        self._trying = ("", "")  # host and address
        self._connection: Connection | None = None
        self._is_closing = False
        self._wait: asyncio.Future[bool] | None = None  # for work: the connection is idle
        self._task: asyncio.Task[None] | None = None
        # In transfer now. Not the work itself: nothing refers to content after its transfer
        self.carries: Sequence[Claimed] = ()

    async def __aenter__(self) -> "Lease":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.give_back()

    def held_by(self, task: asyncio.Task[None]) -> None:
        """The task that enters the context. One that is cancelled before its first step never does."""
        self._task = task
        task.add_done_callback(lambda _: self.give_back())

    def give_back(self) -> None:
        """Its connection is closed, or was never opened. Again: nothing."""
        self._register.take_back(self)

    # --- what its holder tells of the connection

    def trying(self, host: MxHost, address: str) -> None:
        self._trying = (host.name, address)

    def opened(self, connection: Connection) -> None:
        self._connection = connection
        self._since = self._register.clock()

    def closing(self) -> None:
        self._is_closing = True
        self.carries = ()

    def idle(self, wait: asyncio.Future[bool]) -> None:
        """The connection waits for work; False as the result ends it."""
        self._wait = wait
        self._register.mark_idle(self, True)

    def busy(self) -> None:
        self._wait = None
        self._register.mark_idle(self, False)

    # --- what others may do

    @property
    def shown(self) -> LiveConnection:
        stage: ConnectionStage = "transfer"
        host, address = self._trying
        connection = self._connection
        if self._is_closing:
            stage = "closing"
        elif connection is None:
            stage = "opening"
        elif self._wait is not None:
            stage = "idle"
        if connection is not None:
            host, address = connection.host.name, connection.address
        return LiveConnection(
            id=self.id,
            source=self.key.source,
            provider=self.key.provider,
            site=self._site,
            host=host,
            address=address,
            stage=stage,
            since=self._since,
            transfers=0 if connection is None else connection.transfers,
        )

    def end_wait(self) -> None:
        """An idle connection is closed in good order; others are left alone."""
        wait, self._wait = self._wait, None
        self._register.mark_idle(self, False)
        if wait is not None and not wait.done():
            wait.set_result(False)

    def end(self) -> None:
        """Break it off, whatever it does: what is in transfer was lost, and in doubt after its final dot."""
        if self._wait is not None:
            self.end_wait()
        elif self._connection is not None:
            self._connection.abort()
        elif self._task is not None:
            self._task.cancel()  # nothing is in transfer before a connection stands

    def end_opening(self) -> None:
        """Drop a connection that does not stand yet; others are left alone."""
        if self._connection is None and not self._is_closing and self._task is not None:
            self._task.cancel()  # nothing is in transfer before a connection stands

    def end_farewell(self) -> None:
        """Cut one that is being closed; others are left alone."""
        if self._connection is not None and self._is_closing:
            self._connection.abort()

    def end_unsent(self) -> None:
        """Break it off, unless it waits for the last reply to a message that was sent."""
        if self._connection is None or not self._connection.content_sent:
            self.end()
