"""Claims of one egress queue: from recipients that wait to parcels that a connection takes."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from angarium.mta.egress.packing import WithheldError
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.triage import defect, withheld
from angarium.mta.egress.work import Group, Parcel, Work, priority_of, split
from angarium.queue import DueHead, PartitionNumber, QueueFullError, UnixMs

# Ours: for mail that is claimed and whose tenant has as many transactions under way as it may
ASK_AGAIN_MS = 25
# After a full disk
RETRY_CLAIM_S = 1.0


class Claimant(Protocol):
    """Whose claims these are: an egress queue."""

    def claims_are_done(self) -> None:
        """All of a batch are ready, or are none; more may be claimed."""
        ...

    def not_claimed(self, groups: Sequence[Group]) -> None:
        """The disk is full: these wait as before, the oldest first."""
        ...

    def kick(self) -> None: ...
    def wait_is_over(self) -> None: ...


class Claims:
    """Bounded by the budget: the octets of each group are reserved before it comes here.

    Invariant CL1: ``len`` counts each transaction from its claim until it is taken, or recorded as failed.
    Invariant CL2: each transaction that is being claimed or packed keeps one idle connection, if there is one: a commit
    takes longer than it takes others to ask for a place.
    """

    def __init__(self, shared: EgressShared, way: Way, claimant: Claimant) -> None:
        self._shared = shared
        self._way = way
        self._claimant = claimant
        self._ready: deque[Parcel] = deque()
        # Waits of connections; True: take a parcel
        self.idle: deque[asyncio.Future[bool]] = deque()
        self._under_way = 0  # transactions being claimed or packed
        self._keeps = False  # an idle connection that was to end

    def __len__(self) -> int:
        return len(self._ready) + self._under_way  # CL1

    @property
    def expects_connection(self) -> bool:
        """Whether more is on its way than connections are idle."""
        return self._under_way > self._idle_count

    def may_end_one(self) -> bool:
        """Whether an idle connection may end. If not, all are woken as soon as one may, so that they look again."""
        may = self._idle_count > self._under_way  # CL2
        self._keeps = self._keeps or not may
        return may

    @property
    def _idle_count(self) -> int:
        return sum(not each.done() for each in self.idle)

    def begin(self, groups: Sequence[Group]) -> None:
        """Claim groups, whose octets are reserved, and pack them."""
        self._under_way += len(groups)
        self._shared.spawn(self._claim(groups))

    def take(self) -> Parcel | None:
        """Return the first that may begin now; the claimant is kicked soon if there are only others.

        What is not to begin any more, for what came into force meanwhile, is due as before.
        """
        shared, way, now = self._shared, self._way, self._shared.clock()
        later: list[Parcel] = []
        found: Parcel | None = None
        while self._ready and found is None:
            parcel = self._ready.popleft()
            if shared.policy.stops(parcel.work, way.path, way.site, now):
                shared.clerk.give_back(parcel.work, now)
                shared.budget.free(parcel.work.octets)
            elif shared.policy.may_begin(parcel.work, way.site):
                found = parcel
            else:
                later.append(parcel)
        self._ready.extendleft(reversed(later))
        if found is None and self._ready:
            shared.waits.add(self._claimant, UnixMs(now + ASK_AGAIN_MS))
        return found

    @property
    def first(self) -> Work | None:
        """The one that has waited longest."""
        return self._ready[0].work if self._ready else None

    @property
    def most_urgent(self) -> Work | None:
        """Of those that are ready, by priority."""
        works = (each.work for each in self._ready)
        return min(works, key=lambda work: priority_of(work.message), default=None)

    def wake(self) -> None:
        """As many idle connections as there are parcels take one."""
        for _ in range(min(len(self._ready), len(self.idle))):
            self._wake_one()

    def wake_all(self) -> None:
        """Idle connections look whether they may stay."""
        for _ in range(len(self.idle)):
            self._wake_one()

    def put_first(self, parcel: Parcel) -> None:
        self._ready.appendleft(parcel)

    def end_idle(self) -> None:
        """No connection waits for a parcel any more."""
        for wait in self.idle:
            if not wait.done():
                wait.set_result(False)

    def drain(self) -> list[Work]:
        """Take what is ready; its octets stay reserved."""
        work = [each.work for each in self._ready]
        self._ready.clear()
        return work

    async def _claim(self, groups: Sequence[Group]) -> None:
        shared = self._shared
        by_partition: dict[PartitionNumber, list[Group]] = {}
        for group in groups:
            by_partition.setdefault(group.heads[0].partition, []).append(group)
        reserved = sum(group.octets for group in groups)
        work: list[Work] = []
        try:
            limits = shared.policy.limits(self._way.path, self._way.site.provider)
            for partition in list(by_partition):
                heads = _heads(by_partition[partition])
                provider = self._way.site.provider.name
                source = self._way.path.source
                claimed = await shared.clerk.claim(partition, heads, source)
                work += split(claimed, limits.recipients, provider, limits.one_by_one)
                del by_partition[partition]
        except QueueFullError:
            self._claimant.not_claimed([each for left in by_partition.values() for each in left])
            asyncio.get_running_loop().call_later(RETRY_CLAIM_S, self._claimant.kick)
        finally:
            self._under_way += len(work) - len(groups)
            # Of those not due any more; below 0: a split message
            shared.budget.free(reserved - sum(each.octets for each in work))
        await shared.packer.pack(work, self._add, self._failed)
        self._claimant.claims_are_done()
        if self._keeps and self._idle_count > self._under_way:
            self._keeps = False
            self.wake_all()

    def _add(self, parcel: Parcel) -> None:
        self._under_way -= 1
        self._ready.append(parcel)
        self._wake_one()

    def _wake_one(self) -> None:
        while self.idle:
            wait = self.idle.popleft()
            if not wait.done():
                wait.set_result(True)
                return

    def _failed(self, work: Work, error: BaseException) -> None:
        shared = self._shared
        self._under_way -= 1
        if isinstance(error, WithheldError):
            outcome = withheld(str(error), shared.clock(), self._way.site.provider.name)
        else:
            shared.observer.internal_error("pack", error)
            outcome = defect(error, shared.clock())
        shared.clerk.conclude(work, [outcome] * len(work.recipients), final=self._way.site.final)
        shared.budget.free(work.octets)


def _heads(groups: Sequence[Group]) -> list[DueHead]:
    return [head for group in groups for head in group.heads]
