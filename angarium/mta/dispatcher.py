"""The delivery process: reads what is due, finds where it goes, and keeps the egress queues at work.

Start with ``Dispatcher.run``. It owns the tasks of delivery and all of its in-memory state, which is a cache of the
queue's partitions that this process owns.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.backlog import Backlog, Lane
from angarium.mta.disk_wait import DISK_FULL, until_space
from angarium.mta.draining import FLUSH_S, DrainBounds, end_connections
from angarium.mta.egress.budget import ContentBudget
from angarium.mta.egress.lease import LiveConnection, PlaceKey, hanging_sites
from angarium.mta.egress.places import Places
from angarium.mta.egress.policy import EgressPolicy, Gate, Limits, Reroute
from angarium.mta.egress.queues import EgressQueues
from angarium.mta.egress.reasons import LaneWait, Reasons
from angarium.mta.egress.shared import NOW, ConnectionObserver, EgressShared, Hosts, Packs
from angarium.mta.egress.traffic_counts import Tally, TrafficCounts
from angarium.mta.egress.waits import Waits
from angarium.mta.egress.work import Work
from angarium.mta.pulling_in import ClockMender, ScheduleBound
from angarium.mta.record.clerk import FindsSuppressions, QueueClerk
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.settler import Settler
from angarium.mta.record.undeliverable import Undeliverable
from angarium.mta.resolutions import Resolutions, ResolvesDomains
from angarium.mta.traffic import PathTraffic, TrafficFinder
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.mta.whereabouts import Whereabouts, WhereaboutsFinder
from angarium.queue import (
    Attempt,
    DeliveryId,
    DueHead,
    Moved,
    Partition,
    PartitionNumber,
    QueueFullError,
    UnixMs,
)
from angarium.queue.destination import is_suppressed
from angarium.routing.placement import partition_of
from angarium.routing.resolution import Resolution, Site, Unroutable

# Rings of the doorbell within it are answered by one read of the backlog.
GATHER_S = 0.002
# Each poll looks so far back: due times are given before the fsync that makes them visible.
STEP_BACK_MS = 2_000
# The wall clock went so much further than the monotonic one, or less far: it was set.
JUMP_MS = 1_000
# So long another process may still commit by the clock of before.
JUMP_S = 5.0


# Domains whose routes are not told the queue again. Ours: some megabytes
ROUTES_TOLD = 50_000


class DispatchObserver(ConnectionObserver, Protocol):
    def loaded(self, recipients: int) -> None: ...
    def in_doubt(self, recipients: int) -> None: ...
    def disk_full(self) -> None: ...
    def pulled_in(self, recipients: int) -> None: ...


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Of one delivery process."""

    content_octets: int  # of mail in memory
    content_limit_octets: int
    ready_limit: int  # recipients in memory
    lane_limit: int  # the same, of one lane
    connection_limit: int  # over all
    opening_limit: int  # that are slow to open


class DeliveryParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition root of the delivery role builds."""

    settings: Delivery
    partitions: Mapping[PartitionNumber, Partition]  # owned by this process
    partition_count: int  # in all
    resolver: ResolvesDomains
    # For the next acceptance of the domain
    remember_route: Callable[[str, Site, PartitionNumber], None]
    policy: EgressPolicy
    hosts: Hosts
    packer: Packs
    settler: Settler
    conclusion: Conclusion
    suppressions: FindsSuppressions
    schedule: ScheduleBound
    observer: DispatchObserver
    give_way: Callable[[], None]  # ``queue.Spool.give_way``
    clock: Callable[[], UnixMs]


class Dispatcher:
    """Owns the parts of delivery and their tasks; ``record.clerk`` has what holds for claims."""

    def __init__(self, parts: DeliveryParts) -> None:
        self._parts = parts
        self._settings = settings = parts.settings
        self._backlog = Backlog(
            parts.partitions.values(),
            self._lane_of,
            self._load,
            ready_limit=settings.ready_limit,
            lane_limit=settings.lane_limit,
        )
        # Of what is being loaded: many are for the same domain, and not each resolution is cached.
        self._found: dict[str, Resolution] = {}
        self._told: dict[str, Site] = {}  # what the queue knows of domains' routes
        self._resolutions = Resolutions(
            parts.resolver, self._spawn, self._resolved, self._not_resolved
        )
        self._clerk = QueueClerk(
            parts.partitions,
            parts.settler,
            parts.conclusion,
            self._leave_memory,
            parts.suppressions,
            parts.clock,
        )
        self._undeliverable = Undeliverable(self._clerk)
        self._clock_mender = ClockMender(
            parts.partitions.values(), parts.schedule, parts.clock, parts.observer.pulled_in
        )
        self._ring = asyncio.Event()
        self._is_disk_full = False  # so that nothing can begin
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = Places(settings.connections, settings.opening, parts.clock)
        self._budget = ContentBudget(settings.bytes_in_flight, self._kick_all)
        self._waits = Waits(parts.clock)
        self._reasons = Reasons()
        self._counts = TrafficCounts()
        self._queues = EgressQueues(
            EgressShared(
                settings=settings,
                policy=parts.policy,
                places=self._places,
                waits=self._waits,
                reasons=self._reasons,
                counts=self._counts,
                budget=self._budget,
                hosts=parts.hosts,
                packer=parts.packer,
                clerk=self._clerk,
                undeliverable=self._undeliverable,
                rerouter=self,
                lanes=self,
                observer=parts.observer,
                clock=parts.clock,
                give_way=parts.give_way,
                spawn=self._spawn,
            )
        )

    def ring(self, partition: PartitionNumber) -> None:
        """Something may be due in a partition of ours."""
        self._backlog.wake(partition)
        self._ring.set()

    def reasons(self) -> Sequence[str]:
        """Say why nothing is delivered, if so."""
        if self._is_disk_full:
            return (DISK_FULL,)
        return () if self._parts.settler.is_clear else ("outcomes cannot be recorded: disk full?",)

    def reload(
        self,
        settings: Delivery,
        renewed: Callable[[Site], Site | None],
        has: Callable[[EgressPath], bool],
    ) -> None:
        """Routes, providers or sources have changed, and the resolver and the policy know.

        What waits goes back to the disk, where it still is, and is read and routed anew. Connections go on under the
        new limits of ``routing.Routing.renewed``; where it says None, or the source is another, after their transfer
        no more.
        """
        self._settings = settings
        self._places.limit = settings.connections
        self._places.openings.limit = settings.opening
        self._budget.limit = settings.bytes_in_flight
        self._backlog.ready_limit = settings.ready_limit
        self._backlog.lane_limit = settings.lane_limit
        self._found.clear()
        for head in self._queues.reload(settings, renewed, has):
            self._backlog.put_back(head)
        self._release_retired()
        self._kick_all()
        self._ring.set()

    def forget_failures(self) -> None:
        """An operator says that sites are well again: each is asked anew, also where it is being asked just now."""
        self._found.clear()
        self._queues.forget_failures()
        self._places.end_openings()
        self._kick_all()

    def ask_anew(self) -> None:
        """What the policy keeps waiting is asked for again at once: it would say otherwise now."""
        self._queues.ask_anew()

    def _release_retired(self) -> None:
        work, heads = self._queues.drain_retired()
        self._give_back(work)
        for head in heads:
            self._backlog.put_back(head)

    def now(self) -> UnixMs:
        return self._parts.clock()

    def notes(self) -> Sequence[str]:
        """Say what of its peers an operator should know, though the work goes on."""
        return hanging_sites(self._places.open_connections(), self._parts.clock())

    def openings(self) -> Mapping[str, int]:
        """Return how many connections are being opened: since a moment, slowly, or for so long that they hang."""
        slow, hanging = self._places.openings.slow, self._places.openings.hanging
        return {
            "quick": self._places.opening - slow,
            "slow": slow - hanging,
            "hanging": hanging,
        }

    def open_connections(self) -> list[LiveConnection]:
        """Return what is open or being opened, the oldest first."""
        return self._places.open_connections()

    def end_connection(self, connection_id: int) -> bool:
        """Break a connection off; False: there is none of that id, any more."""
        return self._places.end(connection_id)

    def find_whereabouts(
        self, delivery: DeliveryId, domain: str, *, in_flight: bool
    ) -> Whereabouts:
        """Say where a recipient of a partition of ours is; ``in_flight``: its attempt has begun, as the queue says."""
        resolution = self._parts.resolver.find_known(domain)
        site = resolution if isinstance(resolution, Site) else None
        finder = WhereaboutsFinder(self._backlog, self._places, self._queues, self._reasons)
        is_resolving = domain in self._resolutions
        now = self._parts.clock()
        return finder.find(delivery, site, now, in_flight=in_flight, is_resolving=is_resolving)

    def traffic(self) -> Iterator[PathTraffic]:
        """Return what goes where, of each source and provider that is in use; ever so many may be taken at a time."""
        finder = TrafficFinder(self._places, self._queues, self._reasons, self._counts)
        return finder.find(self._parts.clock())

    def loads(self) -> Mapping[PlaceKey, tuple[int, int]]:
        """Return how many recipients wait in memory, and how many connections there are, of each path."""
        return TrafficFinder(self._places, self._queues, self._reasons, self._counts).loads()

    def limits(self) -> Mapping[PlaceKey, Limits]:
        """Return what is in force at each path for which something waits in memory."""
        return TrafficFinder(self._places, self._queues, self._reasons, self._counts).limits()

    def room(self) -> Room:
        """Return how much of what this process may hold is taken."""
        return Room(
            content_octets=self._budget.used,
            content_limit_octets=self._budget.limit,
            ready_limit=self._backlog.ready_limit,
            lane_limit=self._backlog.lane_limit,
            connection_limit=self._places.limit,
            opening_limit=self._places.openings.limit,
        )

    def wait_counts(self) -> Mapping[Gate, int]:
        """Return how often our own policy has kept a lane waiting since the start, by what for."""
        return self._reasons.counts

    def take_new_counts(self) -> Mapping[PlaceKey, Tally]:
        """Return what was counted since the last call."""
        return self._counts.take_new()

    def waits_of(
        self, *, tenant: str | None = None, provider: str | None = None, stream: str | None = None
    ) -> list[LaneWait]:
        """Return why our own policy last kept the lanes that are meant waiting, the newest first."""
        return self._reasons.reasons_of(tenant=tenant, provider=provider, stream=stream)

    def waiting(self) -> Mapping[str, int]:
        """Return how many recipients wait in memory, by provider; more of them may be on disk only."""
        return self._queues.waiting()

    async def run(
        self, stop: asyncio.Event, ready: Callable[[], None], bounds: Callable[[], DrainBounds]
    ) -> None:
        """Deliver until ``stop``, then drain within ``bounds``, which are asked for then.

        Calls ``ready`` once earlier claims have been replayed, or cannot be for want of room. Raises (in an
        ExceptionGroup) what makes it impossible to record outcomes: FencedError, QueueFailedError.
        """

        def disk_full() -> None:
            self._is_disk_full = True
            self._parts.observer.disk_full()
            ready()

        async with asyncio.TaskGroup() as group:
            self._group = group
            for partition in self._parts.partitions.values():
                replayed = await until_space(partition.replay, stop, disk_full)
                self._parts.observer.in_doubt(replayed)
            self._is_disk_full = False
            forever = [
                group.create_task(self._parts.settler.run()),
                group.create_task(self._undeliverable.run()),
                group.create_task(self._clock_mender.run()),
                group.create_task(self._read_backlog()),
            ]
            ready()
            await stop.wait()
            await self._drain(bounds())
            for task in forever:
                task.cancel()

    # --- reading the backlog ----------------------------------------------------------------

    async def _read_backlog(self) -> None:
        loop = asyncio.get_running_loop()
        last = next_tick = before_jump = self._parts.clock()
        looked, jump_ends = loop.time(), 0.0
        while True:
            poll_s = self._settings.poll_s
            now, monotonic = self._parts.clock(), loop.time()
            gained_ms = now - last - (monotonic - looked) * 1000
            if gained_ms < -JUMP_MS:
                self._clock_mender.clock_stepped_back()
            # After the clock stepped back, what is accepted is due before what was read.
            if now < last:
                self._backlog.rewind()
                next_tick = now
            elif gained_ms > JUMP_MS:
                # What another process is committing was due by the clock of before: behind what is read next.
                before_jump, jump_ends = last, monotonic + JUMP_S
            last, looked = now, monotonic
            if now >= next_tick:
                next_tick = UnixMs(now + int(poll_s * 1000))
                read_from = min(now, before_jump) if monotonic < jump_ends else now
                self._backlog.step_back(UnixMs(read_from - STEP_BACK_MS))
                self._tick()
            self._found.clear()
            more = self._backlog.read(now)
            self._queues.kick_touched()
            if more:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(poll_s):
                    await self._ring.wait()
            except TimeoutError:
                self._backlog.wake()
            else:
                await asyncio.sleep(GATHER_S)
            self._ring.clear()

    def _tick(self) -> None:
        self._parts.observer.loaded(len(self._backlog))
        if self._backlog.full:
            self._make_room()
        self._backlog.wake()
        self._queues.kick_waiting()
        self._release_retired()
        self._queues.discard_unused()
        limit_s = self._settings.timeouts.transaction_s
        self._places.end_stuck(limit_s, asyncio.get_running_loop().time())

    def _make_room(self) -> None:
        """Whoever has most in memory gives half back to the disk, so that what is due behind it can be read."""
        unresolved = len(self._resolutions) > self._queues.longest
        dropped = self._resolutions.drop_half() if unresolved else self._queues.drop_newest()
        for head in dropped:
            self._backlog.put_back(head)

    def _lane_of(self, head: DueHead) -> Lane:
        if is_suppressed(head.domain):
            return Lane(tenant=head.tenant, provider="-", stream=head.stream)
        match self._find_resolution(head.domain):
            case Site() as site:
                return Lane(
                    tenant=head.tenant,
                    provider=site.provider.name,
                    stream=head.stream,
                    apart=self._parts.policy.find_apart(head, site),
                )
            case Unroutable():
                return Lane(tenant=head.tenant, provider="-", stream=head.stream)
            case None:
                # Not one lane per domain: a sender may have mail for any number of them
                whose = f"?{head.account} {head.sender}"
                return Lane(tenant=head.tenant, provider=whose, stream=head.stream)

    def _load(self, head: DueHead, lane: Lane) -> None:
        if is_suppressed(head.domain):
            self._undeliverable.put([head], None)
            return
        match self._find_resolution(head.domain):
            case Site() as site:
                self._enqueue(head, site)
            case Unroutable() as unroutable:
                self._undeliverable.put([head], self._no_route(unroutable), NOW)
            case None:
                self._resolutions.put(head)

    def _find_resolution(self, domain: str) -> Resolution | None:
        found = self._found.get(domain)
        if found is None:
            found = self._parts.resolver.find_known(domain)
            if found is not None:
                self._found[domain] = found
        return found

    def _enqueue(self, head: DueHead, site: Site) -> None:
        home = partition_of(site.provider.name, self._parts.partition_count)
        if self._told.get(head.domain) is not site:
            self._tell_route(head.domain, site, home)
        if home != head.partition and home not in self._parts.partitions:
            self._backlog.unload(head.id)
            self._parts.settler.move(
                Moved(partition=head.partition, due=head.due, id=head.id, to=home)
            )
            return
        self._queues.push(head, site)

    def _tell_route(self, domain: str, site: Site, home: PartitionNumber) -> None:
        """Have the queue know a domain's provider before its first claim: holds by provider go by that."""
        if len(self._told) >= ROUTES_TOLD:
            self._told.clear()
        self._told[domain] = site
        self._parts.remember_route(domain, site, home)

    def renew_lane(self, head: DueHead) -> bool:
        """Of a recipient that waits: what a rule has stopped of its lane keeps the rest on disk no longer."""
        if not self._backlog.renew_lane(head):
            return False
        if self._backlog.has_more():
            self._ring.set()
        return True

    def reroute(self, heads: Sequence[DueHead], to: Reroute) -> None:
        """Send them another way from now on. When they are read again, they find the partition of its provider.

        Until that is on disk they count as loaded: or they would be read once more as they were.
        """
        for head in heads:
            moved = Moved(
                partition=head.partition,
                due=head.due,
                id=head.id,
                to=head.partition,
                via=to.via,
                reason=to.reason,
                not_before=to.not_before,
            )
            self._parts.settler.move(moved, partial(self._leave_memory, [head]))

    def _kick_all(self) -> None:
        self._queues.kick_all()

    def _leave_memory(self, heads: Sequence[DueHead]) -> None:
        for head in heads:
            self._backlog.unload(head.id)
        if self._backlog.has_more():
            self._ring.set()

    # --- what was resolved ----------------------------------------------------------------------

    def _resolved(self, domain: str, resolution: Resolution, heads: Sequence[DueHead]) -> None:
        self._found = {domain: resolution}
        for head in heads:
            self._backlog.offer_again(head)
        self._found.clear()
        self._queues.kick_touched()

    def _not_resolved(self, error: BaseException) -> None:
        self._parts.observer.internal_error("resolve", error)

    def _no_route(self, unroutable: Unroutable) -> Outcome:
        attempt = Attempt(
            at=self._parts.clock(),
            host="",
            address="",
            source="",
            code=unroutable.code,
            enhanced=unroutable.enhanced,
            text=unroutable.text,
            tls="",
            stage="resolve",
        )
        if unroutable.permanent:
            return Permanent(attempt, Scope.SITE)
        return Transient(attempt, Scope.SITE)

    # --- tasks ------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        try:
            task = self._group.create_task(work)
        except RuntimeError:
            # One of us has failed, and the others are being cancelled: nothing begins any more
            work.close()
            raise
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drain(self, bounds: DrainBounds) -> None:
        """Finish what is in transfer, give back what is not, and leave nothing unrecorded that is known."""
        self._clerk.close()
        self._waits.stop()
        self._resolutions.close()
        self._give_back(self._queues.drain())
        await end_connections(self._places, self._tasks, bounds)
        self._give_back(self._queues.drain())
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._parts.settler.flush()
                partitions = self._parts.partitions.values()
                await asyncio.gather(*(each.disown() for each in partitions))  # one commit
        except (TimeoutError, QueueFullError):
            self._parts.observer.internal_error("drain", TimeoutError("outcomes not recorded"))

    def _give_back(self, claimed: Sequence[Work]) -> None:
        """Of these, nothing was begun."""
        now = self._parts.clock()
        for work in claimed:
            self._clerk.give_back(work, now)
