"""Weeks of a source that is new beside a warm one: providers that judge strangers, crashes, and a clock passed in."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from angarium.config.schema import Pool, PoolMember, Source, Warmup
from angarium.config.warmup_plan import SHIPPED_PLAN, read_plan
from angarium.mta.egress.gates.warmup import WarmupGate
from angarium.mta.egress.policy import Elsewhere, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import UnixMs
from angarium.reputation.warmup import DAY_MS, HOUR_MS
from angarium.reputation.warmups import PREFIX, Warmups
from angarium.routing.resolution import Site, SiteName
from angarium.routing.routing import Routing
from angarium.service.delivery.warmup_writer import WarmupWriter
from tests.mta.egress.fakes import TAKEN, attempt, head, site, work
from tests.queue.samples import FakeClock

PLAN = read_plan(SHIPPED_PLAN)
BEGIN = UnixMs(1_800_000_000_000 // DAY_MS * DAY_MS)
STEP_MS = 10 * 60_000
DAYS = 40
SOURCES = (Source(name="warm"), Source(name="cold"))
POOL = Pool(name="default", sources=(PoolMember(name="warm"), PoolMember(name="cold")))
LATER = Transient(attempt(421, "4.7.0", "mail"), Scope.SITE)
BLOCKED = Permanent(attempt(550, "5.7.1", "mail"), Scope.MESSAGE)


class Receiver:
    """Knows the warm source. Of a stranger it takes ``tolerance`` an hour, by the days that it has had mail from it;
    defers what exceeds that, and blocks for good who goes on at twice as much.
    """

    def __init__(self, name: str, volume: int, tolerance: Callable[[int], int]) -> None:
        self.name = name
        self.volume = volume  # messages in each step, of our users
        self.tolerance = tolerance
        self.site = self._site()
        self.is_blocking = False
        self.seen: Counter[int] = Counter()  # the cold source's transactions, by hour
        self.delivered: Counter[tuple[str, int]] = Counter()  # by source and day
        self.days: set[int] = set()

    def _site(self) -> Site:
        made = site()
        provider = type(made.provider)(name=self.name)
        return Site(
            name=SiteName(self.name), hosts=made.hosts, provider=provider, via="mx", final=True
        )

    def take(self, source: str, now: UnixMs) -> Outcome:
        hour, day = now // HOUR_MS, (now - BEGIN) // DAY_MS
        if source == "cold":
            self.seen[hour] += 1
            limit = self.tolerance(len(self.days - {day}))
            self.is_blocking |= self.seen[hour] >= 2 * limit
            if self.is_blocking:
                return BLOCKED
            if self.seen[hour] > limit:
                return LATER
            self.days.add(day)
        self.delivered[source, day] += 1
        return TAKEN


class Node:
    """A delivery process whose memory is lost from time to time."""

    def __init__(self, *settings: Warmup) -> None:
        self.settings = settings
        self.spool = MemorySpool(FakeClock(), 2)
        self.random = random.Random(7)
        # The largest, by receiver and hour
        self.caps: dict[tuple[str, int], int] = defaultdict(int)
        self.begin(BEGIN)

    def begin(self, now: UnixMs) -> None:
        kept = self.spool.keepsakes.read(PREFIX)
        self.warmups = Warmups(self.settings, kept, lambda _: True, now)
        self.writer = WarmupWriter(self.warmups, self.spool.keepsakes)
        gate = WarmupGate(self.warmups, self.writer.reserve)
        pools = Pools(SOURCES, [POOL], Routing((), (), 25), "mx.example")
        self.policy = ShapingPolicy(pools, warmup=gate)

    def crash(self, now: UnixMs) -> None:
        self.spool = self.spool.crash()
        self.begin(now)

    async def send(self, receiver: Receiver, now: UnixMs) -> bool:
        """Carry one message as an egress queue would; False: it waits."""
        path = self.policy.choose(head(1), receiver.site, now)
        traffic = traffic_of(Group([head(1)]), receiver.site)
        for _ in range(5):
            match self.policy.admit(traffic, path, now):
                case Elsewhere(path=other):
                    path = other
                case Wait(reason=reason):
                    if "counted" not in reason:
                        return False
                    await self.writer.write()
                case _:
                    break
        else:
            raise AssertionError("it went in circles")
        if path.source == "cold" and self.settings:
            cap = self.warmups.find_cap("cold", receiver.name)
            key = (receiver.name, now // HOUR_MS)
            self.caps[key] = max(self.caps[key], 10**9 if cap is None else cap)
        outcome = receiver.take(path.source, now)
        self.policy.told(path, receiver.site, work(), [outcome], now)
        return outcome is TAKEN

    async def live(self, receivers: list[Receiver], days: int, crash_every: int) -> None:
        for step in range(days * DAY_MS // STEP_MS):
            now = UnixMs(BEGIN + step * STEP_MS)
            for receiver in receivers:
                for _ in range(receiver.volume):
                    await self.send(receiver, now)
            if self.random.random() < 0.5:
                await self.writer.write()
            if crash_every and step % crash_every == crash_every - 1:
                self.crash(UnixMs(now + STEP_MS // 2))


def receivers() -> list[Receiver]:
    """One that knows the published plan, and one that takes far less of a stranger for three weeks."""
    return [
        Receiver("fair", 40, lambda age: PLAN[min(age, len(PLAN) - 1)]),
        Receiver("strict", 40, lambda age: 60 if age < 21 else 10_000),
    ]


async def test_without_a_warm_up_these_providers_block_a_stranger() -> None:
    """The model bites."""
    node, found = Node(), receivers()
    await node.live(found, 1, 0)
    assert [each.is_blocking for each in found] == [True, True]


@pytest.mark.parametrize("crash_every", [5, 37])
async def test_weeks_warm_a_source_beside_a_warm_one(crash_every: int) -> None:
    """No hour exceeds the plan, whatever crashes; the source is neither blocked nor starved, and is warm in the end."""
    node = Node(Warmup(source="cold", messages_per_hour=PLAN))
    fair, strict = found = receivers()
    await node.live(found, DAYS, crash_every)
    for each in found:
        assert not each.is_blocking, each.name
        for hour, seen in each.seen.items():
            day = (hour * HOUR_MS - BEGIN) // DAY_MS
            assert seen <= node.caps[each.name, hour]
            assert day >= len(PLAN) or seen <= PLAN[day], (each.name, day)
        for day in range(DAYS):
            mine = each.delivered["cold", day]
            assert mine >= 24 * PLAN[0] // 2, (each.name, day)  # never starved
            assert each.delivered["warm", day] > 0
    statuses = {
        each.provider: each for each in node.warmups.statuses(UnixMs(BEGIN + DAYS * DAY_MS))
    }
    assert statuses["fair"].is_warm
    # Exactly its share once the plan allows it: half of 240 an hour
    assert abs(fair.delivered["cold", DAYS - 1] / (24 * 240) - 0.5) < 0.05
    assert 4 < statuses["strict"].day < len(PLAN)  # it was held back for weeks, and goes on
    assert strict.delivered["cold", DAYS - 1] > strict.delivered["cold", 1]
