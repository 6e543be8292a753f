"""The delivery process: reads what is due, finds where it goes, and keeps the egress queues at work.

Start with ``Dispatcher.run``. It owns the tasks of delivery and all of its in-memory state, which is a cache of the
queue's partitions that this process owns.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from angarium.config.schema import Delivery
from angarium.mta.backlog import Backlog, Lane
from angarium.mta.disk_wait import DISK_FULL, until_room
from angarium.mta.egress.budget import ContentBudget
from angarium.mta.egress.egress_queue import EgressQueue
from angarium.mta.egress.gate import ConnectionGate
from angarium.mta.egress.idle import IdleConnections
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import Shaping
from angarium.mta.egress.shared import Connect, ConnectionObserver, EgressShared, Prepare
from angarium.mta.egress.work import Work
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.settler import Settler
from angarium.mta.record.undeliverable import Undeliverable
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue import (
    Attempt,
    ClaimedMessage,
    DueHead,
    Moved,
    Partition,
    PartitionNumber,
    QueueFullError,
    Released,
    UnixMs,
)
from angarium.routing.patient_room import PatientRoom
from angarium.routing.placement import partition_of
from angarium.routing.resolution import Resolution, Site, Unroutable

GATHER_S = 0.002  # rings of the doorbell within it are answered by one read of the backlog
STEP_BACK_MS = 2_000  # each poll looks so far back: due times are given before the fsync that makes them visible
JUMP_MS = 1_000  # the wall clock went so much further than the monotonic one: it was set
JUMP_S = 5.0  # so long another process may still commit by the clock of before
RESOLVING = 200  # domains being resolved at once


class ResolvesDomains(Protocol):
    def find_cached(self, domain: str) -> Resolution | None: ...
    async def resolve(self, domain: str) -> Resolution: ...


class DispatchObserver(ConnectionObserver, Protocol):
    def loaded(self, recipients: int) -> None: ...
    def in_doubt(self, recipients: int) -> None: ...
    def disk_full(self) -> None: ...
    def internal_error(self, where: str, error: BaseException) -> None: ...


class DeliveryParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition root of the delivery role builds."""

    settings: Delivery
    partitions: Mapping[PartitionNumber, Partition]  # owned by this process
    partition_count: int  # in all
    resolver: ResolvesDomains
    remember_route: Callable[
        [str, Site, PartitionNumber], None
    ]  # for the next acceptance of the domain
    pools: Pools
    connect: Connect
    shaping: Shaping
    prepare: Prepare
    settler: Settler
    conclusion: Conclusion
    observer: DispatchObserver
    give_way: Callable[[], None]  # ``queue.Spool.give_way``
    clock: Callable[[], UnixMs]
    randomness: random.Random
    drain_s: float


class Dispatcher:
    """Invariant D1: a recipient is claimed only by ``_claim``, and from then on concluded or released by us."""

    def __init__(self, parts: DeliveryParts) -> None:
        self._parts = parts
        settings = parts.settings
        self._backlog = Backlog(
            parts.partitions.values(),
            self._lane_of,
            self._load,
            ready_limit=settings.ready_limit,
            lane_limit=settings.lane_limit,
        )
        self._queues: dict[tuple[str, str, str], EgressQueue] = {}  # (source, site, provider)
        self._retired: list[EgressQueue] = []  # take nothing new, and end what they carry
        self._touched: dict[EgressQueue, None] = {}
        self._resolving: dict[str, list[DueHead]] = {}
        # Of what is being loaded: many are for the same domain, and not each resolution is cached.
        self._found: dict[str, Resolution] = {}
        self._resolutions = PatientRoom(RESOLVING)
        self._undeliverable = Undeliverable(self._claim, self._conclude, self._may_claim)
        self._ring = asyncio.Event()
        self._draining = False
        self._is_disk_full = False  # so that nothing can begin
        self._tasks: set[asyncio.Task[None]] = set()
        self._shared = EgressShared(
            settings=settings,
            gate=ConnectionGate(settings.connections),
            idle=IdleConnections(),
            budget=ContentBudget(settings.bytes_in_flight, self._kick_all),
            shaping=parts.shaping,
            connect=parts.connect,
            observer=parts.observer,
            clock=parts.clock,
            may_claim=self._may_claim,
            give_way=parts.give_way,
            claim=self._claim,
            prepare=parts.prepare,
            conclude=self._conclude,
            give_up=self._undeliverable.put,
            spawn=self._spawn,
            failed=parts.observer.internal_error,
        )

    def ring(self, partition: PartitionNumber) -> None:
        """Something may be due in a partition of ours."""
        self._backlog.wake(partition)
        self._ring.set()

    def ring_all(self) -> None:
        """Something may be due in any partition of ours."""
        self._backlog.wake()
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
        """Routes, providers or sources have changed, and the resolver and the pools know.

        What waits goes back to the disk, where it still is, and is read and routed anew. Connections go on under the
        new limits of ``routing.Routing.renewed``; where it says None, or the source is another, after their transfer
        no more.
        """
        self._shared = msgspec.structs.replace(self._shared, settings=settings)
        self._shared.gate.limit = settings.connections
        self._found.clear()
        for key, queue in list(self._queues.items()):
            self._put_back(queue)
            site = renewed(queue.site)
            if site is not None and has(queue.path):
                queue.renew(site, settings)
            else:
                self._retired.append(self._queues.pop(key))
        self._release(self._retired)
        self._kick_all()
        self._ring.set()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Deliver until ``stop``, then drain for at most ``drain_s``.

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
                replayed = await until_room(partition.replay, stop, disk_full)
                self._parts.observer.in_doubt(replayed)
            self._is_disk_full = False
            forever = [
                group.create_task(self._parts.settler.run()),
                group.create_task(self._undeliverable.run()),
                group.create_task(self._read_backlog()),
            ]
            ready()
            await stop.wait()
            await self._drain()
            for task in forever:
                task.cancel()

    # --- reading the backlog ----------------------------------------------------------------

    async def _read_backlog(self) -> None:
        poll_s = self._parts.settings.poll_s
        loop = asyncio.get_running_loop()
        last = next_tick = before_jump = self._parts.clock()
        looked, jump_ends = loop.time(), 0.0
        while True:
            now, monotonic = self._parts.clock(), loop.time()
            # After the clock stepped back, what is accepted is due before what was read.
            if now < last:
                self._backlog.rewind()
                next_tick = now
            elif now - last > (monotonic - looked) * 1000 + JUMP_MS:
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
            self._kick_touched()
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
        self._kick_all()
        for key in [key for key, queue in self._queues.items() if queue.is_unused]:
            self._queues.pop(key).discard()
        self._release(self._retired)  # what was being claimed when they were retired
        for queue in self._retired:
            self._put_back(queue)  # what could not be claimed then: the disk was full
        for queue in [queue for queue in self._retired if queue.is_unused]:
            self._retired.remove(queue)
            queue.discard()

    def _make_room(self) -> None:
        """The longest ready queue gives half back to the disk, so that what is due behind it can be read."""
        longest = max(self._queues.values(), key=lambda queue: len(queue.ready), default=None)
        if longest is not None:
            for head in longest.ready.drop_newest(len(longest.ready) // 2):
                self._backlog.put_back(head)

    def _put_back(self, queue: EgressQueue) -> None:
        """Leave what waits there to the disk."""
        for group in queue.ready.drain():
            for head in group.heads:
                self._backlog.put_back(head)

    def _lane_of(self, head: DueHead) -> Lane:
        match self._find_resolution(head.domain):
            case Site() as site:
                return Lane(head.tenant, site.provider.name)
            case Unroutable():
                return Lane(head.tenant, "-")
            case None:
                return Lane(head.tenant, f"?{head.domain}")

    def _load(self, head: DueHead, lane: Lane) -> None:
        match self._find_resolution(head.domain):
            case Site() as site:
                self._enqueue(head, site)
            case Unroutable() as unroutable:
                self._undeliverable.put([head], self._no_route(unroutable))
            case None:
                self._resolve_soon(head)

    def _find_resolution(self, domain: str) -> Resolution | None:
        found = self._found.get(domain)
        if found is None:
            found = self._parts.resolver.find_cached(domain)
            if found is not None:
                self._found[domain] = found
        return found

    def _enqueue(self, head: DueHead, site: Site) -> None:
        home = partition_of(site.provider.name, self._parts.partition_count)
        if home != head.partition and home not in self._parts.partitions:
            self._backlog.unload(head.id)
            self._parts.settler.move(
                Moved(partition=head.partition, due=head.due, id=head.id, to=home)
            )
            return
        path = self._parts.pools.choose(head.domain, self._parts.randomness)
        key = (path.source, site.name, site.provider.name)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = EgressQueue(self._shared, path, site)
        else:
            queue.adopt(site)
        queue.push(head)
        self._touched[queue] = None

    def _kick_touched(self) -> None:
        touched, self._touched = self._touched, {}
        for queue in touched:
            queue.kick()

    def _kick_all(self) -> None:
        for queue in list(self._queues.values()):
            queue.kick()

    # --- resolving --------------------------------------------------------------------------

    def _resolve_soon(self, head: DueHead) -> None:
        waiting = self._resolving.get(head.domain)
        if waiting is not None:
            waiting.append(head)
            return
        self._resolving[head.domain] = [head]
        self._spawn(self._resolve(head.domain))

    async def _resolve(self, domain: str) -> None:
        async with self._resolutions.place():
            try:
                resolution = await self._parts.resolver.resolve(domain)
            except Exception as error:  # noqa: BLE001 - a task boundary
                self._parts.observer.internal_error("resolve", error)
                resolution = Unroutable(
                    permanent=False,
                    code=451,
                    enhanced="4.3.0",
                    text="internal error while resolving",
                )
        if isinstance(resolution, Site):
            home = partition_of(resolution.provider.name, self._parts.partition_count)
            self._parts.remember_route(domain, resolution, home)
        self._found = {domain: resolution}
        for head in self._resolving.pop(domain):
            self._backlog.offer_again(head)
        self._found.clear()
        self._kick_touched()

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

    # --- claims and outcomes ----------------------------------------------------------------

    def _may_claim(self) -> bool:
        return not self._draining and self._parts.settler.is_clear

    async def _claim(
        self, partition: PartitionNumber, heads: Sequence[DueHead]
    ) -> list[ClaimedMessage]:
        messages = await self._parts.partitions[partition].claim(heads)
        for head in heads:  # in flight, or not due any more: the disk knows
            self._backlog.unload(head.id)
        if self._backlog.has_more():
            self._ring.set()
        return messages

    def _conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome],
        *,
        final: bool,
        offers_dsn: bool,
        not_before: UnixMs,
    ) -> None:
        concluded = self._parts.conclusion.conclude(
            work, outcomes, final=final, offers_dsn=offers_dsn, not_before=not_before
        )
        self._parts.settler.settle(
            work.recipients[0].partition, concluded.settled, concluded.submissions
        )

    # --- tasks ------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        try:
            task = self._group.create_task(work)
        except (
            RuntimeError
        ):  # one of us has failed, and the others are being cancelled: nothing begins any more
            work.close()
            raise
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drain(self) -> None:
        """Finish what is in transfer, give back what is not, and leave nothing unrecorded that is known."""
        self._draining = True
        self._release([*self._queues.values(), *self._retired])
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._parts.drain_s)
        for task in list(self._tasks):
            task.cancel()  # in doubt from now on: its claim stays on disk
        self._release([*self._queues.values(), *self._retired])
        try:
            async with asyncio.timeout(self._parts.drain_s):
                await self._parts.settler.flush()
                partitions = self._parts.partitions.values()
                await asyncio.gather(*(each.release() for each in partitions))  # one commit
        except (TimeoutError, QueueFullError):
            self._parts.observer.internal_error("drain", TimeoutError("outcomes not recorded"))

    def _release(self, queues: Sequence[EgressQueue]) -> None:
        """Give back what they have claimed and not begun; they begin nothing more."""
        now = self._parts.clock()
        for queue in queues:
            for work in queue.drain():
                self._shared.budget.release(work.octets)
                self._parts.settler.settle(
                    work.recipients[0].partition,
                    [Released(id=recipient.id, due=now) for recipient in work.recipients],
                )
