"""One connection's place: from before it is opened until after it is closed. And what people see of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Literal, Protocol

import msgspec

from angarium.mta.transport.transfer import Connection
from angarium.queue.model import Claimed, UnixMs
from angarium.queue.stage import Stage
from angarium.routing.fair_turns import Whose
from angarium.routing.resolution import MxHost

# For one step of an opening. Ours: by then the answer of most hosts that are well is here.
PATIENCE_S: Final = 0.3
# Ours: what is slow for less is nothing to tell an operator of; nor are more than a few of many sites
HANGS_MS: Final = 10_000
SITES_TOLD: Final = 5
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
    # While it is being opened: what it waits for, of the host that is tried now; "": none is
    awaits: Stage = ""
    awaits_since: UnixMs = UnixMs(0)
    hangs: bool = False  # has been being opened for so long that somebody may want to know


_AWAITED: Final[dict[str, str]] = {
    "connect": "no answer for {}",
    "banner": "connected for {}, no banner yet",
    "ehlo": "no reply to EHLO for {}",
    "helo": "no reply to HELO for {}",
    "starttls": "TLS has been beginning for {}",
    "auth": "no reply to the login for {}",
}


def opening_text(connection: LiveConnection, now: UnixMs) -> str:
    """Say what a connection that is being opened waits for, and for how long; "" for others."""
    text = _AWAITED.get(connection.awaits, "")
    return text.format(f"{max(now - connection.awaits_since, 0) // 1000} s")


def hanging_sites(connections: Iterable[LiveConnection], now: UnixMs) -> list[str]:
    """Say which sites keep connections from being opened: how many, and the first few, the longest first."""
    sites: dict[str, LiveConnection] = {}
    for each in connections:
        if each.hangs:
            sites.setdefault(each.site, each)
    if not sites:
        return []
    longest = sorted(sites.values(), key=lambda each: each.since)[:SITES_TOLD]
    named = "; ".join(f"{each.site} ({opening_text(each, now)})" for each in longest)
    more = f"; and {len(sites) - len(longest)} more" if len(sites) > len(longest) else ""
    return [f"sites that hang: {named}{more}"]


class LeaseRegister(Protocol):
    """Where leases come from: ``places`` is."""

    def clock(self) -> UnixMs: ...
    def take_back(self, lease: "Lease") -> None: ...

    def make_slow(self, lease: "Lease") -> bool:
        """Its opening is slow: count it by itself, if there is room."""
        ...

    async def opened(self, lease: "Lease") -> None:
        """Its connection stands: count it as one, once there is a place."""
        ...

    def mark_idle(self, lease: "Lease", idle: bool) -> None: ...


class Lease:
    """One place, from before its connection is opened until after it is closed: an async context gives it back."""

    def __init__(
        self,
        *,
        register: LeaseRegister,
        id_: int,
        key: PlaceKey,
        owner: Seeker,
        site: str,
        whose: Whose,
    ) -> None:
        self.id = id_
        self.key = key
        self.owner = owner
        self.site = site
        self.whose = whose  # while it is being opened
        self._register = register
        self._since = register.clock()
        self._trying: tuple[MxHost, str] | None = None  # host and address
        self._awaits: Stage = ""
        self._awaits_since = self._since
        self._connection: Connection | None = None
        self._is_closing = False
        self._wait: asyncio.Future[bool] | None = None  # for work: the connection is idle
        self._may_end: Callable[[], bool] | None = None  # while it is
        self.is_given_up = False
        self._limit: asyncio.Timeout | None = None  # of ``opening``
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        # In transfer now. Not the work itself: nothing refers to content after its transfer
        self.carries: Sequence[Claimed] = ()
        self._carries_since = 0.0  # by the loop's clock

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

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Let a connection be opened within it. Raises TimeoutError when it is slow, and others want its place."""
        self._look_later()
        try:
            async with asyncio.timeout(None) as self._limit:
                yield
        finally:
            self._limit = None
            self._stop_looking()

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._look)

    def _look(self) -> None:
        """Nothing has come for a while."""
        self._timer = None
        if not self._register.make_slow(self):
            self._look_later()

    def trying(self, host: MxHost, address: str) -> None:
        self._trying = (host, address)
        self.awaiting("connect")

    def awaiting(self, stage: Stage) -> None:
        self._awaits = stage
        self._awaits_since = self._register.clock()
        if self._timer is not None:
            self._stop_looking()
            self._look_later()

    async def opened(self, connection: Connection) -> None:
        """Wait for a place among those that stand, if it took long."""
        await self._register.opened(self)
        self._connection = connection
        self._since = self._register.clock()

    def begins(self, recipients: Sequence[Claimed], now: float) -> None:
        """A transaction begins. ``now``: of the loop's clock, which never steps."""
        self.carries = recipients
        self._carries_since = now

    def closing(self) -> None:
        self._is_closing = True
        self.carries = ()

    def idle(self, wait: asyncio.Future[bool], may_end: Callable[[], bool]) -> None:
        """The connection waits for work; False as the result ends it.

        ``may_end``: whether it may end now for others that want its place. If not, its holder looks whether it is still
        wanted as soon as it may.
        """
        self._wait = wait
        self._may_end = may_end
        self._register.mark_idle(self, True)

    def busy(self) -> None:
        self._wait = self._may_end = None
        self._register.mark_idle(self, False)

    # --- what others may do

    @property
    def shown(self) -> LiveConnection:
        stage: ConnectionStage = "transfer"
        host, address = (
            ("", "") if self._trying is None else (self._trying[0].name, self._trying[1])
        )
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
            site=self.site,
            host=host,
            address=address,
            stage=stage,
            since=self._since,
            transfers=0 if connection is None else connection.transfers,
            awaits=self._awaits if stage == "opening" else "",
            awaits_since=self._awaits_since,
            hangs=stage == "opening" and self.opening_ms >= HANGS_MS,
        )

    @property
    def tried(self) -> tuple[MxHost, str] | None:
        """The host and address that are, or were last, connected to."""
        return self._trying

    @property
    def now(self) -> UnixMs:
        return self._register.clock()

    @property
    def opening_ms(self) -> int:
        """For how long it has been being opened."""
        return self._register.clock() - self._since

    def give_up(self) -> None:
        """Others want its place: end ``opening``, if it is still in it."""
        self.is_given_up = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    def end_for_others(self) -> bool:
        """End the wait of an idle connection, if it may; returns whether it did."""
        if self._may_end is None or not self._may_end():
            return False
        self.end_wait()
        return True

    def end_wait(self) -> None:
        """An idle connection is closed in good order; others are left alone."""
        wait, self._wait, self._may_end = self._wait, None, None
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

    def end_stuck(self, limit_s: float, now: float) -> None:
        """Break off a transaction that takes too long, and after twice that also one that waits for its last reply."""
        took_s = now - self._carries_since if self.carries else 0.0
        if took_s > 2 * limit_s:
            self.end()
        elif took_s > limit_s:
            self.end_unsent()

    def end_unsent(self) -> None:
        """Break it off, unless it waits for the last reply to a message that was sent."""
        if self._connection is None or not self._connection.content_sent:
            self.end()
