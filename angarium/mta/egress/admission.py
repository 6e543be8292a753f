"""Asks the policy for the groups of one egress queue, in turn, does what it says, and keeps what got its Go."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol, assert_never

from angarium.mta.backlog import Lane
from angarium.mta.egress.policy import Elsewhere, Go, Reroute, Traffic, Wait, traffic_of
from angarium.mta.egress.ready import MAX_WAIT_MS, ReadyQueue
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.waits import Waiter
from angarium.mta.egress.work import Group, priority_of
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import DeliveryId, DueHead, UnixMs
from angarium.routing.resolution import Site

# Of one group from source to source before it has to wait. Ours: a policy that turns it in circles costs no more.
MOVES: Final = 3
# Groups moved before the loop gets its turn: about a millisecond.
MOVES_AT_ONCE: Final = 100
_END_OF_TIME: Final = UnixMs(2**62)
CIRCLE_MS: Final = 1_000
CIRCLE: Final = "it was sent from source to source in a circle"


class Moves(Protocol):
    def move(self, group: Group, site: Site, path: EgressPath) -> None:
        """Have a group wait in the egress queue of another path to its site."""
        ...


class Admission:
    """Invariant AM1: a group leaves the ready queue for a claim only with a Go of its own, and is asked for once then.

    Invariant AM2: a group whose wait is not over is not asked for, nor is anything behind it in its line.
    """

    def __init__(
        self, shared: EgressShared, way: Way, ready: ReadyQueue, waiter: Waiter, mover: Moves
    ) -> None:
        self._shared = shared
        self._way = way
        self._ready = ready
        self._waiter = waiter
        self._mover = mover
        self._admitted: deque[Group] = deque()  # got Go, and wait for a connection or for octets

    def __len__(self) -> int:
        """How many groups got their Go and have not been taken."""
        return len(self._admitted)

    def find(self, delivery: DeliveryId) -> tuple[Group, UnixMs] | None:
        """Return a recipient's group, and until when it waits (0: it may go); None: it is not here."""
        for group in self._admitted:
            if any(head.id == delivery for head in group.heads):
                return group, UnixMs(0)
        return self._ready.find(delivery)

    @property
    def recipients(self) -> int:
        """How many have got their Go and have not been taken."""
        return sum(len(group.heads) for group in self._admitted)

    @property
    def groups(self) -> int:
        """How many may go, as far as is known."""
        return len(self._admitted) + self._ready.groups

    @property
    def first(self) -> DueHead | None:
        """A recipient of the group that is next, as far as is known; None: there is none."""
        return self._admitted[0].heads[0] if self._admitted else self._ready.first

    @property
    def most_urgent(self) -> DueHead | None:
        """A recipient of the first priority that is next or waits behind it; None: there is none."""
        heads = [group.heads[0] for group in self._admitted]
        if (ready := self._ready.most_urgent) is not None:
            heads.append(ready)
        return min(heads, key=priority_of, default=None)

    def ensure(self, groups: int) -> bool:
        """Whether so many groups are admitted; as many as are needed are asked for."""
        now = self._shared.clock()
        while len(self._admitted) < groups:
            group = self.next_group(now)
            if group is None:
                return False
            self._admitted.append(group)
        return True

    def take(self, limit: int) -> list[Group]:
        """Take admitted groups, whose octets are then reserved."""
        taken: list[Group] = []
        now = self._shared.clock()
        while len(taken) < limit:
            group = self._admitted.popleft() if self._admitted else self.next_group(now)
            if group is None:
                break
            if not self._shared.budget.reserve(group.octets):
                self._admitted.appendleft(group)
                break
            taken.append(group)
        return taken

    def put_first(self, groups: Sequence[Group]) -> None:
        """Give back what ``take`` returned, less the octets: their Go stands."""
        self._admitted.extendleft(reversed(groups))

    def drain(self) -> list[DueHead]:
        """Take all that may go; what the policy keeps waiting stays."""
        groups = [*self._admitted, *self._ready.drain()]
        self._admitted.clear()
        return [head for group in groups for head in group.heads]

    def empty(self) -> list[DueHead]:
        """Take all, what the policy keeps waiting too."""
        groups = [*self._admitted, *self._ready.empty()]
        self._admitted.clear()
        return [head for group in groups for head in group.heads]

    def end_waits(self) -> None:
        """Whatever waits long enough may be asked for again; the rest goes on waiting."""
        self._ready.end_waits(self._shared.clock())
        if (until := self._ready.next_until) is not None:
            self._shared.waits.add(self._waiter, until)

    def ask_anew(self) -> None:
        self._ready.end_waits(_END_OF_TIME)

    def next_group(self, now: UnixMs) -> Group | None:
        """Return the next group that may go now; None: there is none."""
        shared, way = self._shared, self._way
        limits = shared.policy.limits(way.path, way.site.provider)
        self._ready.recipients_per_message = limits.recipients
        self._ready.one_by_one = limits.one_by_one
        moved = 0
        while (group := self._ready.next_group()) is not None:
            traffic = traffic_of(group, way.site)
            verdict = shared.policy.admit(traffic, way.path, now)
            match verdict:
                case Go():
                    return group  # AM1
                case Wait():
                    self._put_off(group, traffic, verdict, now)
                case Elsewhere(path=path, reason=reason):
                    if path.source == way.path.source or group.moves >= MOVES:
                        group.moves = 0
                        circle = Wait(UnixMs(now + CIRCLE_MS), CIRCLE)
                        self._put_off(group, traffic, circle, now)
                        continue
                    group.moves += 1
                    group.moved = f"it was moved from source {way.path.source}"
                    group.moved += f", where {reason}" if reason else ""
                    self._mover.move(group, way.site, path)
                    moved += 1
                case Reroute():
                    shared.rerouter.reroute(group.heads, verdict)
                    moved += 1
                case _:
                    assert_never(verdict)
            if moved == MOVES_AT_ONCE:
                shared.waits.add(self._waiter, now)
                return None
        return None

    def _put_off(self, group: Group, traffic: Traffic, wait: Wait, now: UnixMs) -> None:
        """Keep its line out of the way until the wait is over, at least a millisecond: the loop never spins."""
        until = UnixMs(min(max(wait.until, now + 1), now + MAX_WAIT_MS))
        self._ready.put_off(group, until)  # AM2
        self._shared.waits.add(self._waiter, until)
        if self._shared.lanes.renew_lane(group.heads[0]):
            for head in self._ready.beside(group):
                self._shared.lanes.renew_lane(head)
        lane = Lane(tenant=traffic.tenant, provider=traffic.provider, stream=traffic.stream)
        self._shared.reasons.note(lane, self._way.path.source, wait, now)
