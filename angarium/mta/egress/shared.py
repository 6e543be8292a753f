"""What an egress queue needs of the process around it: limits that all queues share, and who does what it does not."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.egress.budget import ContentBudget
from angarium.mta.egress.gate import ConnectionGate
from angarium.mta.egress.idle import IdleConnections
from angarium.mta.egress.shaping import Shaping
from angarium.mta.egress.work import Prepared, Work
from angarium.mta.transport.outcome import Outcome, Transient
from angarium.mta.transport.transfer import Connection, EgressPath
from angarium.queue import ClaimedMessage, DueHead, PartitionNumber, UnixMs
from angarium.routing.resolution import MxHost, Site

NOW = UnixMs(0)  # as a time before which nothing is tried: no such time


class ConnectionObserver(Protocol):
    """Who counts what happens here."""

    def connection_opened(self) -> None: ...
    def connection_closed(self) -> None: ...
    def connection_failed(self, failure: Transient) -> None: ...


class Connect(Protocol):
    """Opens a connection to one of a site's hosts; ``mta.transport.host_search`` does."""

    async def __call__(
        self, site: Site, path: EgressPath, met: frozenset[str] = frozenset()
    ) -> Connection | Transient:
        """To no host or address in ``met``; at least one address must be left."""
        ...

    def avoid(self, host: MxHost, address: str) -> None:
        """Try others first for a while."""
        ...


class Conclude(Protocol):
    """Records what became of claimed recipients; ``mta.record.conclusion`` has what the arguments mean."""

    def __call__(
        self,
        work: Work,
        outcomes: Sequence[Outcome],
        *,
        final: bool,
        offers_dsn: bool,
        not_before: UnixMs,
    ) -> None: ...


class Prepare(Protocol):
    """Makes transactions of claimed work; ``mta.egress.prepare`` does."""

    async def __call__(
        self,
        works: Sequence[Work],
        ready: Callable[[Prepared], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None: ...


class EgressShared(msgspec.Struct, frozen=True, kw_only=True):
    """What the egress queues of one delivery process share."""

    settings: Delivery
    gate: ConnectionGate
    idle: IdleConnections
    budget: ContentBudget
    shaping: Shaping
    connect: Connect
    observer: ConnectionObserver
    clock: Callable[[], UnixMs]
    may_claim: Callable[[], bool]
    give_way: Callable[[], None]  # between two pieces of work: ``queue.Spool.give_way``
    claim: Callable[[PartitionNumber, Sequence[DueHead]], Awaitable[list[ClaimedMessage]]]
    prepare: Prepare
    conclude: Conclude
    give_up: Callable[[Sequence[DueHead], Transient, UnixMs], None]  # unclaimed; not before
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    failed: Callable[[str, BaseException], None]  # a defect: logged and counted
