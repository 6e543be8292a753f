"""What an egress queue needs of the process around it: limits that all queues share, and who does what it does not."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.egress.budget import ContentBudget
from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.places import Places
from angarium.mta.egress.policy import EgressPolicy, Reroute
from angarium.mta.egress.reasons import Reasons
from angarium.mta.egress.traffic_counts import TrafficCounts
from angarium.mta.egress.waits import Waits
from angarium.mta.egress.work import Parcel, Work
from angarium.mta.transport.outcome import Failure, Outcome
from angarium.mta.transport.transfer import Connection, EgressPath, Progress, Transfer
from angarium.queue import Claimed, ClaimedMessage, DueHead, PartitionNumber, UnixMs
from angarium.routing.resolution import MxHost, Site

NOW = UnixMs(0)  # as a time before which nothing is tried: no such time


class ConnectionObserver(Protocol):
    """Who counts what happens here."""

    def connection_opened(self) -> None: ...
    def connection_closed(self) -> None: ...
    def connection_failed(self, failure: Failure) -> None: ...
    def internal_error(self, where: str, error: BaseException) -> None: ...


class Hosts(Protocol):
    """A site's hosts; ``mta.transport.host_search`` has them."""

    async def open(
        self, site: Site, path: EgressPath, refused_by: frozenset[str], progress: Progress
    ) -> Connection | Failure:
        """Connect to one, but to no host or address in ``refused_by``; at least one address must be left."""
        ...

    def avoid(self, host: MxHost, address: str) -> None:
        """Try others first for a while."""
        ...


class Clerk(Protocol):
    """Claims recipients, and records what became of them; ``mta.record.clerk`` does."""

    def may_claim(self) -> bool: ...

    async def claim(
        self, partition: PartitionNumber, heads: Sequence[DueHead], source: str = ""
    ) -> list[ClaimedMessage]:
        """Return those that are still due, once their claims are on disk. Raises QueueFullError: none is claimed.

        ``source``: the egress source that they are to leave by.
        """
        ...

    def conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome],
        *,
        final: bool,
        offers_dsn: bool = False,
        not_before: UnixMs = NOW,
        attempted: bool = True,
    ) -> None:
        """Record what claimed recipients came to; ``mta.record.conclusion`` has what the arguments mean."""
        ...

    def without_suppressed(
        self, message: ClaimedMessage, recipients: tuple[Claimed, ...]
    ) -> tuple[Claimed, ...]:
        """Return those that may be sent to now; the others are recorded as suppressed."""
        ...

    def give_back(self, work: Work, now: UnixMs) -> None:
        """Nothing was attempted of claimed recipients: they are due then."""
        ...


class Reroutes(Protocol):
    """Has recipients go another way from now on; ``mta.dispatcher`` does."""

    def reroute(self, heads: Sequence[DueHead], to: Reroute) -> None:
        """They leave memory, for the disk, and come back as mail for the other way."""
        ...


class RenewsLanes(Protocol):
    """Counts what is in memory by lanes; ``mta.dispatcher`` does."""

    def renew_lane(self, head: DueHead) -> bool:
        """Count a recipient under the lane that is its own by now; returns whether that is another one."""
        ...


class GivesUp(Protocol):
    """Takes recipients that get an outcome without a connection; ``mta.record.undeliverable`` does."""

    def put(
        self, heads: Sequence[DueHead], outcome: Outcome, not_before: UnixMs, *, attempted: bool
    ) -> None: ...


class Packs(Protocol):
    """Makes parcels of claimed work; ``mta.egress.packing`` does."""

    async def pack(
        self,
        works: list[Work],
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None: ...

    async def seven_bit(self, parcel: Parcel) -> Transfer | None:
        """Return its transfer for a host that takes no 8-bit content; None: it cannot be converted."""
        ...


class EgressShared(msgspec.Struct, frozen=True, kw_only=True):
    """What the egress queues of one delivery process share."""

    settings: Delivery
    policy: EgressPolicy
    places: Places
    waits: Waits
    reasons: Reasons
    counts: TrafficCounts
    budget: ContentBudget
    hosts: Hosts
    packer: Packs
    clerk: Clerk
    undeliverable: GivesUp
    rerouter: Reroutes
    lanes: RenewsLanes
    observer: ConnectionObserver
    clock: Callable[[], UnixMs]
    give_way: Callable[[], None]  # between two pieces of work: ``queue.Spool.give_way``
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Way:
    """From one egress source to one site: what one egress queue serves, and its parts know in common."""

    def __init__(self, path: EgressPath, site: Site) -> None:
        self.path = path
        self.site = site  # its addresses may change
        self.key = PlaceKey(source=path.source, provider=site.provider.name)
        self.is_draining = False  # nothing new begins
