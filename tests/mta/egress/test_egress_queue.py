"""Mirrors angarium/mta/egress/egress_queue.py, usual_round.py and queues.py."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from angarium.mta.egress.egress_queue import (
    FIRST_CONNECTIONS,
    WASTED,
    YIELD_AFTER,
    EgressQueue,
)
from angarium.mta.egress.policy import GO, Admission, Elsewhere, Traffic, Wait
from angarium.mta.egress.priority_turns import SHARED_TURN
from angarium.mta.egress.queues import EgressQueues
from angarium.mta.egress.suspension import FIRST_MS
from angarium.mta.transport.outcome import Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue import PartitionNumber, UnixMs
from angarium.routing.resolution import SiteName
from tests.mta.egress.fakes import (
    DOWN,
    FOR_NOW,
    LOST,
    OTHER_PATH,
    PATH,
    TAKEN,
    Around,
    head,
    settle,
    site,
    until,
)


class Rig(Around):
    def __init__(self, *hosts: str, places: int = 10, octets: int = 1_000, **limits: Any) -> None:
        super().__init__(connections=places, octets=octets)
        self.site = site(*hosts, **limits)
        self.queue = EgressQueue(self.shared, PATH, self.site, self.mover)

    def push(self, *numbers: int, **more: Any) -> None:
        for each in numbers:
            self.queue.push(head(each, **more))
        self.queue.kick()

    def beside(self, name: str) -> EgressQueue:
        """Return a queue to another site of the provider."""
        other = site(name, connections=self.site.provider.connections)
        other = msgspec.structs.replace(other, name=SiteName(name))
        return EgressQueue(self.shared, PATH, other, self.mover)

    @property
    def taken(self) -> int:
        return self.clerk.outcomes.count(TAKEN)

    def stages(self) -> list[str]:
        return sorted(each.stage for each in self.places.open_connections())

    async def end(self) -> None:
        """Drain; nothing is left behind."""
        self.queue.drain()
        self.hosts.may_open.set()
        self.hosts.may_carry.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*self.tasks, return_exceptions=True)
        await settle()
        assert not self.observer.errors
        assert self.places.total == 0
        assert self.observer.opened == self.observer.closed


def stopwatch(policy_waits: Callable[[Traffic], int | None]) -> Callable[..., Admission]:
    def says(traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        wait_ms = policy_waits(traffic)
        return GO if wait_ms is None else Wait(UnixMs(now + wait_ms), "throttled")

    return says


async def test_what_is_pushed_is_carried_over_few_connections_that_stay_for_more() -> None:
    rig = Rig(connections=2)
    rig.push(*range(1, 21))
    await until(lambda: rig.taken == 20)
    await settle()
    assert len(rig.hosts.connections) <= 2
    assert set(rig.stages()) == {"idle"}
    rig.push(21)
    await until(lambda: rig.taken == 21)
    assert len(rig.hosts.connections) <= 2
    assert len(rig.policy.asked) == 21  # once per transaction
    await rig.end()
    assert rig.budget.used == 0


async def test_a_site_that_does_not_answer_yet_costs_few_connections() -> None:
    rig = Rig(connections=9)
    rig.hosts.may_open.clear()
    rig.push(*range(1, 50))
    await settle()
    assert rig.stages() == ["opening"] * FIRST_CONNECTIONS
    assert len(rig.policy.asked) == FIRST_CONNECTIONS  # EQ2: and no more is admitted than can go
    rig.hosts.may_carry.clear()
    rig.hosts.may_open.set()
    await settle()
    assert len(rig.stages()) == 9
    await rig.end()


async def test_a_policy_that_lets_nothing_go_costs_no_connection() -> None:  # EQ2
    rig = Rig()
    rig.policy.says = stopwatch(lambda _: 1_000)
    rig.push(*range(1, 10))
    rig.queue.kick()
    await settle()
    assert (rig.hosts.asked, len(rig.policy.asked), rig.places.total) == (0, 1, 0)
    assert not rig.queue.is_unused
    await rig.end()


async def test_a_connection_that_may_not_be_opened_yet_is_opened_when_its_wait_is_over() -> None:
    rig = Rig(connections=3)
    rig.policy.connection_wait = Wait(UnixMs(rig.clock.now + 50), "the connection_rate of p is 1/s")
    rig.push(1, 2, stream="news")
    await settle()
    assert (rig.hosts.asked, rig.places.total, rig.policy.connects) == (0, 0, 0)
    assert rig.policy.asked == []  # EQ2: no Go is given to what cannot begin
    (told,) = rig.shared.reasons.reasons_of(tenant="t", provider="p", stream="news")
    assert told.reason == "the connection_rate of p is 1/s"
    rig.policy.connection_wait = None
    await until(lambda: rig.taken == 2)  # the wait's timer, and nobody else, kicks
    assert rig.policy.connects == len(rig.hosts.connections)
    await rig.end()


async def test_who_may_open_no_connection_yet_takes_no_idle_one_from_others() -> None:
    rig = Rig(places=1)
    rig.push(1)
    await until(lambda: rig.taken == 1)
    await settle()
    other = EgressQueue(rig.shared, OTHER_PATH, site("mx9"), rig.mover)
    rig.policy.connection_wait = Wait(UnixMs(rig.clock.now + 60_000), "the connection_rate")
    other.push(head(2))
    other.kick()
    await settle()
    assert rig.stages() == ["idle"]
    rig.policy.connection_wait = None
    other.kick()
    await until(lambda: rig.taken == 2)  # now it does
    other.drain()
    await rig.end()


@pytest.mark.parametrize("outcome", [FOR_NOW, LOST])
async def test_what_is_carried_once_more_counts_without_being_asked_for(outcome: Outcome) -> None:
    rig = Rig("a", "b")
    rig.hosts.outcomes = [[outcome]]
    rig.push(1)
    await until(lambda: rig.taken == 1)
    assert len(rig.policy.again) == 1
    assert (len(rig.policy.asked), rig.policy.connects) == (1, len(rig.hosts.connections))
    await rig.end()


async def test_what_waits_goes_when_its_wait_is_over_and_not_before() -> None:
    rig = Rig()
    until_ms = rig.clock.now + 50

    def says(traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        return GO if now >= until_ms else Wait(UnixMs(until_ms), "throttled")

    rig.policy.says = says
    rig.push(1, 2)
    rig.queue.wait_is_over()  # too early, by the clock
    await settle()
    assert len(rig.policy.asked) == 1
    rig.clock.now = until_ms
    rig.queue.wait_is_over()
    await until(lambda: rig.taken == 2)
    await rig.end()


async def test_a_suspended_site_gives_up_what_may_go_and_nothing_that_our_policy_keeps() -> None:
    # Invariant 6: waiting for our own throttle is not an attempt
    rig = Rig()
    rig.policy.says = stopwatch(lambda traffic: 1_000 if traffic.stream == "news" else None)
    rig.hosts.failure = DOWN
    rig.push(1, 2, stream="news")
    rig.push(*range(3, 9))
    await until(lambda: len(rig.undeliverable.heads) == 6)
    assert {each.stream for each in rig.undeliverable.heads} == {"default"}
    assert len(rig.queue.ready) == 2
    assert rig.policy.refusals[0] is DOWN
    assert len(rig.observer.failures) == 1
    rig.push(9)
    assert len(rig.undeliverable.heads) == 7  # without a connection
    assert rig.undeliverable.attempted == [True] * 6 + [False]
    await rig.end()


async def test_a_suspension_ends_when_failures_are_forgotten() -> None:
    rig = Rig()
    rig.hosts.failure = DOWN
    rig.push(1)
    await until(lambda: len(rig.undeliverable.heads) == 1)
    await settle()
    rig.hosts.failure = None
    rig.queue.forget_failures()
    rig.push(2)
    await until(lambda: rig.taken == 1)
    await rig.end()


async def test_a_suspension_ends_by_itself() -> None:
    rig = Rig()
    rig.hosts.failure = DOWN
    rig.push(1)
    await until(lambda: len(rig.undeliverable.heads) == 1)
    await settle()
    rig.hosts.failure = None
    rig.clock.now += FIRST_MS
    rig.push(2)
    await until(lambda: rig.taken == 1)
    await rig.end()


async def test_a_connection_refused_beside_others_defers_nothing() -> None:
    rig = Rig(connections=3)
    rig.hosts.may_carry.clear()
    rig.push(1)
    await until(lambda: rig.stages() == ["transfer"])
    rig.hosts.failure = DOWN
    rig.push(2, 3)
    await until(lambda: bool(rig.observer.failures))
    await settle()
    asked = rig.hosts.asked
    rig.push(4)
    await settle()
    assert (rig.undeliverable.heads, rig.hosts.asked) == ([], asked)  # not asked again at once
    rig.hosts.may_carry.set()
    await until(lambda: rig.taken == 4)
    await rig.end()


async def test_a_full_disk_keeps_what_was_admitted_without_asking_again() -> None:  # AM1
    rig = Rig()
    rig.clerk.full.add(PartitionNumber(0))
    rig.push(1)
    await until(lambda: rig.stages() == ["idle"])
    rig.clerk.full.clear()
    rig.queue.kick()
    await until(lambda: rig.taken == 1)
    assert len(rig.policy.asked) == 1
    await rig.end()


async def test_content_beyond_the_budget_waits_for_octets() -> None:  # Invariant 8
    rig = Rig(octets=20, connections=5)
    rig.hosts.may_carry.clear()
    rig.push(*range(1, 9))
    await settle()
    assert rig.budget.used == 20
    rig.hosts.may_carry.set()
    await until(lambda: "octets" in rig.log)
    while rig.taken < 8:
        rig.queue.kick()
        await asyncio.sleep(0)
    assert len(rig.policy.asked) == 8
    await rig.end()


async def test_nothing_is_claimed_while_outcomes_cannot_be_recorded() -> None:  # Invariant 9
    rig = Rig()
    rig.clerk.open = False
    rig.push(1)
    await settle()
    assert (rig.hosts.asked, rig.clerk.claims, rig.policy.asked) == (0, [], [])
    await rig.end()


async def test_an_idle_connection_makes_room_for_another_provider() -> None:
    rig = Rig(places=1)
    rig.push(1)
    await until(lambda: rig.taken == 1 and rig.stages() == ["idle"])
    other = site()
    other = type(other)(
        name=other.name,
        hosts=other.hosts,
        provider=type(other.provider)(name="q"),
        via="mx",
        final=True,
    )
    beside = EgressQueue(rig.shared, PATH, other, rig.mover)
    beside.push(head(2))
    beside.kick()
    await until(lambda: rig.taken == 2)
    assert [each.provider for each in rig.places.open_connections()] == ["q"]
    beside.drain()
    await rig.end()


async def test_an_idle_connection_makes_room_for_another_site_of_its_provider() -> None:
    rig = Rig(connections=1, idle_s=3_600.0)
    rig.push(1)
    await until(lambda: rig.taken == 1 and rig.stages() == ["idle"])
    beside = rig.beside("s9")
    beside.push(head(2))
    beside.kick()
    await until(lambda: rig.taken == 2)
    assert [each.site for each in rig.places.open_connections()] == ["s9"]
    beside.drain()
    await rig.end()


@pytest.mark.parametrize("carried_before", [0, 1])
async def test_a_connection_whose_work_is_being_claimed_ends_for_nobody(
    carried_before: int,
) -> None:  # CL2
    rig = Rig(connections=1, idle_s=3_600.0)
    rig.push(*range(carried_before))
    await until(lambda: rig.taken == carried_before)
    await settle()
    rig.clerk.may_give.clear()  # as while a disk commits
    rig.push(9)
    await settle()
    beside = rig.beside("s9")
    beside.push(head(10))
    for _ in range(3):  # as every tick does
        beside.kick()
        await settle()
    assert rig.stages() == ["idle"]
    rig.clerk.may_give.set()
    await until(lambda: rig.taken == carried_before + 2)
    assert [each.host.name for each in rig.hosts.connections] == ["mx", "s9"]
    assert rig.hosts.connections[0].transfers == carried_before + 1
    beside.drain()
    await rig.end()


async def test_one_whose_claim_comes_to_nothing_ends_for_who_asked_meanwhile() -> None:
    rig = Rig(connections=1, idle_s=3_600.0)
    rig.clerk.may_give.clear()
    gone = head(1)
    rig.clerk.gone.add(gone.id)
    rig.push(1)
    await settle()
    beside = rig.beside("s9")
    beside.push(head(2))
    beside.kick()  # once: nobody asks again
    rig.clerk.may_give.set()
    await until(lambda: rig.taken == 1)
    assert [each.transfers for each in rig.hosts.connections] == [0, 1]
    beside.drain()
    await rig.end()


async def test_of_several_idle_ones_end_those_for_which_nothing_is_being_claimed() -> None:
    rig = Rig(connections=2, idle_s=3_600.0)
    rig.hosts.may_carry.clear()
    rig.push(1, 2)
    await until(lambda: rig.stages() == ["transfer"] * 2)
    rig.hosts.may_carry.set()
    await until(lambda: rig.stages() == ["idle"] * 2)
    rig.clerk.may_give.clear()
    rig.push(3)
    beside = rig.beside("s9")
    beside.push(head(4))
    beside.push(head(5))
    for _ in range(3):
        beside.kick()
        await settle()
    assert [each.site for each in rig.places.open_connections()] == ["s", "s9"]
    rig.clerk.may_give.set()
    await until(lambda: rig.taken == 5)
    assert [each.host.name for each in rig.hosts.connections] == ["mx", "mx", "s9"]
    beside.drain()
    await rig.end()


async def test_a_claim_that_takes_longer_than_idle_s_costs_no_further_connection() -> None:
    rig = Rig(connections=1, idle_s=0.0)
    rig.clerk.may_give.clear()
    rig.push(1)
    await settle()
    assert rig.stages() == ["idle"]
    rig.clerk.may_give.set()
    await until(lambda: rig.taken == 1 and rig.places.total == 0)
    assert len(rig.hosts.connections) == 1
    await rig.end()


async def test_a_place_is_asked_for_by_the_most_urgent_that_was_claimed() -> None:
    rig = Rig(connections=1)
    first, third = rig.beside("first"), rig.beside("third")
    rig.clerk.may_give.clear()
    rig.queue.push(head(1, priority=1))
    for number in range(2, 6):
        rig.queue.push(head(number, priority=5))
    rig.queue.kick()
    await settle()  # the urgent one, with one more, is being claimed
    for number, queue in enumerate((first, third), 6):
        queue.push(head(number, priority=5))
        queue.kick()
    rig.hosts.may_carry.clear()
    rig.hosts.connections[0].end()
    await until(lambda: len(rig.hosts.connections) == 2)
    rig.clerk.may_give.set()
    await settle()
    rig.hosts.may_carry.set()
    await until(lambda: rig.taken == 7)
    assert [each.host.name for each in rig.hosts.connections] == ["mx", "first", "mx", "third"]
    for queue in (first, third):
        queue.drain()
    await rig.end()


async def test_a_place_is_asked_for_by_the_most_urgent_though_another_ones_turn_is_next() -> None:
    rig = Rig(connections=1)
    first, third = rig.beside("first"), rig.beside("third")
    rig.push(1, priority=5)
    rig.push(*range(2, SHARED_TURN), priority=1)
    await until(lambda: rig.taken == SHARED_TURN - 1)
    rig.hosts.may_carry.clear()
    for number, queue in enumerate((first, third), 20):
        queue.push(head(number, priority=5))
        queue.kick()
    await until(lambda: [each.transfers for each in rig.hosts.connections[1:]] == [1])
    rig.queue.push(head(22, priority=5))
    rig.queue.push(head(23, priority=1))
    shared = rig.queue.ready.first
    assert shared is not None
    assert shared.priority == 5
    rig.queue.kick()
    rig.hosts.may_carry.set()
    await until(lambda: rig.taken == SHARED_TURN + 3)
    assert [each.host.name for each in rig.hosts.connections] == ["mx", "first", "mx", "third"]
    for queue in (first, third):
        queue.drain()
    await rig.end()


async def test_a_busy_connection_yields_after_some_transfers_when_its_place_is_awaited() -> None:
    rig = Rig(places=1, connections=1)
    rig.hosts.may_carry.clear()
    rig.push(*range(1, 3 * YIELD_AFTER))
    await until(lambda: rig.stages() == ["transfer"])
    beside = EgressQueue(rig.shared, PATH, rig.site, rig.mover)
    beside.push(head(99))
    beside.kick()
    rig.hosts.may_carry.set()
    await until(lambda: rig.taken == 3 * YIELD_AFTER)
    assert rig.hosts.connections[0].transfers == YIELD_AFTER
    beside.drain()
    await rig.end()


async def test_a_lost_session_is_replaced_at_once() -> None:
    rig = Rig(connections=1)
    rig.hosts.outcomes = [[LOST]]
    rig.push(1)
    await until(lambda: bool(rig.hosts.connections))
    await until(lambda: rig.taken == 1)
    assert len(rig.policy.asked) == 1  # it is the same attempt
    await rig.end()


async def test_what_a_host_refuses_goes_to_the_next_within_the_ceiling() -> None:  # Invariant 6
    rig = Rig("a", "b", connections=1)
    rig.hosts.outcomes = [[FOR_NOW]]
    rig.push(1)
    await until(lambda: rig.taken == 1)
    assert [each.host.name for each in rig.hosts.connections] == ["a", "b"]
    await rig.end()


async def test_an_idle_connection_can_be_ended() -> None:
    rig = Rig()
    rig.push(1)
    await until(lambda: rig.taken == 1 and rig.stages() == ["idle"])
    (shown,) = rig.places.open_connections()
    assert rig.places.end(shown.id)
    await until(lambda: rig.places.total == 0)
    assert not rig.hosts.connections[0].is_aborted  # in good order
    await rig.end()


async def test_a_connection_without_work_ends_after_idle_s() -> None:
    rig = Rig(idle_s=0.0)
    rig.push(1)
    await until(lambda: rig.taken == 1 and rig.places.total == 0)
    await until(lambda: rig.queue.is_unused)
    await rig.end()


async def test_a_session_that_ends_while_it_waits_leaves_at_once_and_is_given_nothing() -> None:
    rig = Rig(connections=2)
    rig.push(1, 2)
    await until(lambda: rig.taken == 2 and set(rig.stages()) == {"idle"})
    (first, *_) = old = list(rig.hosts.connections)
    first.end()
    await until(lambda: rig.places.total == len(old) - 1)  # nobody had to ask
    for each in old[1:]:
        each.end()
    rig.push(3)
    await until(lambda: rig.taken == 3)
    assert sum(each.transfers for each in old) == 2
    await rig.end()


async def test_a_session_that_ends_when_it_was_woken_leaves_the_work_to_another() -> None:
    rig = Rig(connections=1)
    rig.push(1)
    await until(lambda: rig.taken == 1 and rig.stages() == ["idle"])
    (old,) = rig.hosts.connections
    claims = rig.queue._claims
    rig.queue.push(head(2))
    rig.queue.kick()
    await until(lambda: bool(len(claims)) and not claims.idle)  # woken, and has not run
    old.end()
    await until(lambda: rig.taken == 2)
    assert old.transfers == 1
    await rig.end()


async def test_what_a_dead_session_leaves_does_not_wait_for_its_goodbye() -> None:
    rig = Rig(connections=2)
    rig.hosts.may_carry.clear()
    rig.hosts.outcomes = [[LOST]]
    rig.push(1)
    await until(lambda: rig.stages() == ["transfer"])
    rig.hosts.may_close.clear()
    rig.hosts.connections[0].is_open = False
    rig.hosts.may_carry.set()
    await until(lambda: rig.taken == 1)
    assert "closing" in rig.stages()
    rig.hosts.may_close.set()
    await rig.end()


async def test_sessions_that_end_for_nothing_one_after_the_other_suspend_the_site() -> None:
    rig = Rig(connections=1)
    rig.clerk.may_give.clear()
    rig.push(1)
    for number in range(WASTED):
        await until(lambda opened=number + 1: len(rig.hosts.connections) == opened)
        await settle()
        rig.hosts.connections[-1].end()
    await until(lambda: rig.places.total == 0)
    rig.clerk.may_give.set()
    await settle()
    assert (len(rig.hosts.connections), len(rig.observer.failures)) == (WASTED, 1)
    assert rig.hosts.avoided == ["mx.1"] * WASTED
    await rig.end()


async def test_sessions_that_end_for_nothing_together_suspend_nobody() -> None:
    rig = Rig(connections=WASTED + 1)
    rig.clerk.may_give.clear()
    rig.push(*range(WASTED + 1))
    await until(lambda: len(rig.hosts.connections) == WASTED + 1)
    await settle()
    for each in list(rig.hosts.connections):
        each.end()
    rig.clerk.may_give.set()
    await until(lambda: rig.taken == WASTED + 1)
    assert rig.observer.failures == []
    await rig.end()


@pytest.mark.parametrize("stage", ["opening", "transfer", "idle"])
async def test_draining_gives_back_what_has_not_begun_and_ends_connections(stage: str) -> None:
    rig = Rig(connections=1)
    if stage == "opening":
        rig.hosts.may_open.clear()
    if stage == "transfer":
        rig.hosts.may_carry.clear()
    rig.push(1)
    await until(lambda: rig.stages() == [stage] and rig.taken == (stage == "idle"))
    if stage == "transfer":
        rig.push(2)
        await settle()
        assert [each.message.message_id[-1] for each in rig.queue.drain()] == [2]  # EQ1
    await rig.end()
    assert rig.taken == (0 if stage == "opening" else 1)


# --- the queues of a process


async def test_recipients_of_one_message_and_site_leave_by_one_source_up_to_the_limit() -> None:
    around = Around()
    paths = iter([PATH, OTHER_PATH, PATH])
    around.policy.choose = lambda *_: next(paths)  # type: ignore[method-assign]
    queues, to = EgressQueues(around.shared), site(recipients_per_message=2)
    for index in range(5):
        queues.push(head(1, index), to)
    assert len(queues) == 2
    around.clerk.open = False
    queues.kick_touched()
    assert [len(each) for each in (queues.drop_newest(), queues.drop_newest())] == [1, 2]


async def test_recipients_that_keep_to_their_source_go_by_it_whatever_the_rest_of_the_message_does() -> (
    None
):
    around = Around()
    paths = {"ip1": PATH, "": PATH, "ip2": OTHER_PATH}
    around.policy.choose = lambda head, *_: paths[head.source]  # type: ignore[method-assign]
    queues = EgressQueues(around.shared)
    for index, source in enumerate(("", "ip2", "ip1", "ip2")):
        queues.push(head(1, index, source=source), site())
    waiting = [
        (
            queue.path.source,
            [[each.id.index for each in group.heads] for group in queue.ready.drain()],
        )
        for queue in queues.of_site(site().name)
    ]
    assert waiting == [("ip1", [[0, 2]]), ("ip2", [[1, 3]])]


async def test_a_group_that_goes_elsewhere_is_carried_by_the_other_path() -> None:
    around = Around()

    def says(traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        return GO if path is OTHER_PATH else Elsewhere(OTHER_PATH)

    around.policy.says = says
    queues = EgressQueues(around.shared)
    for number in (1, 2, 3):
        queues.push(head(number), site())
    queues.kick_touched()
    await until(lambda: around.clerk.outcomes == [TAKEN] * 3)
    assert {each.source for each in around.places.open_connections()} == {"ip2"}
    queues.discard_unused()
    assert len(queues) == 1
    queues.drain()
    await asyncio.gather(*around.tasks)


async def test_a_policy_that_turns_a_group_in_circles_makes_it_wait() -> None:
    around = Around()
    around.policy.says = lambda traffic, path, now: Elsewhere(
        PATH if path is OTHER_PATH else OTHER_PATH
    )
    queues = EgressQueues(around.shared)
    queues.push(head(1), site())
    queues.kick_touched()
    await until(lambda: len(around.reasons.reasons_of()) == 1)
    asked = len(around.policy.asked)
    await settle()
    assert len(around.policy.asked) == asked <= 5
    queues.drain()


async def test_who_only_waits_for_its_turn_at_a_place_says_so_until_it_has_it() -> None:
    around = Around(connections=1)
    one, two = (
        EgressQueue(around.shared, path, site(), around.mover) for path in (PATH, OTHER_PATH)
    )
    around.hosts.may_carry.clear()
    one.push(head(1))
    one.kick()
    await settle()
    two.push(head(2))
    assert not two.waits_in_turn  # nobody has asked for a place yet
    two.kick()
    assert (one.waits_in_turn, two.waits_in_turn) == (False, True)
    around.hosts.may_carry.set()
    await until(lambda: len(around.clerk.outcomes) == 2)  # PL1
    assert not two.waits_in_turn
    for each in (one, two):
        each.drain()
