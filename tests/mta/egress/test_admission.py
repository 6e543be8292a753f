"""Mirrors angarium/mta/egress/admission.py."""

import pytest

from angarium.mta.backlog import Lane
from angarium.mta.egress import admission as module
from angarium.mta.egress.admission import CIRCLE, CIRCLE_MS, MOVES, Admission
from angarium.mta.egress.policy import GO, Elsewhere, Reroute, Traffic, Wait
from angarium.mta.egress.policy import Admission as Verdict
from angarium.mta.egress.ready import MAX_WAIT_MS, ReadyQueue
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import Group
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from tests.mta.egress.fakes import OTHER_PATH, PATH, Around, head, site


class Rig:
    def __init__(self) -> None:
        self.around = Around()
        self.ready = ReadyQueue(10)
        self.woken = 0
        self.admission = Admission(
            self.around.shared, Way(PATH, site()), self.ready, self, self.around.mover
        )

    def wait_is_over(self) -> None:
        self.woken += 1

    def next_number(self) -> int | None:
        group = self.admission.next_group(self.around.clock())
        return None if group is None else group.heads[0].id.message_id[-1]

    @property
    def now(self) -> int:
        return self.around.clock.now


async def test_each_group_that_goes_was_asked_for_once() -> None:  # AM1
    rig = Rig()
    for number in (1, 2):
        rig.ready.push(head(number))
    assert [rig.next_number() for _ in range(3)] == [1, 2, None]
    assert len(rig.around.policy.asked) == 2


async def test_what_has_to_wait_is_passed_by_others_and_not_asked_for_again() -> None:  # AM2
    rig = Rig()

    def says(traffic: Traffic, path: EgressPath, now: UnixMs) -> Verdict:
        return Wait(UnixMs(now + 500), "the warm-up") if traffic.stream == "news" else GO

    rig.around.policy.says = says
    for number in range(1, 50):
        rig.ready.push(head(number, stream="news"))
    rig.ready.push(head(99, stream="receipts"))
    assert [rig.next_number() for _ in range(3)] == [99, None, None]
    assert [each.stream for each in rig.around.policy.asked] == ["news", "receipts"]
    assert len(rig.around.waits) == 1
    (reason,) = rig.around.reasons.reasons_of()
    assert reason.lane == Lane(tenant="t", provider="p", stream="news")
    assert (reason.source, reason.reason, reason.until) == ("ip1", "the warm-up", rig.now + 500)


@pytest.mark.parametrize(("asked", "waited"), [(-5, 1), (0, 1), (500, 500), (10**9, MAX_WAIT_MS)])
async def test_a_wait_is_never_so_short_that_the_loop_spins_nor_longer_than_a_minute(
    asked: int, waited: int
) -> None:
    rig = Rig()
    rig.around.policy.says = lambda *_: Wait(UnixMs(rig.now + asked), "")
    rig.ready.push(head(1))
    assert rig.next_number() is None
    assert rig.ready.next_until == rig.now + waited


async def test_a_group_goes_elsewhere_as_it_is() -> None:
    rig = Rig()
    rig.around.policy.says = lambda *_: Elsewhere(OTHER_PATH)
    rig.ready.push(head(1, 0))
    rig.ready.push(head(1, 1))
    assert rig.next_number() is None
    ((group, path),) = rig.around.mover.groups
    assert (len(group.heads), path, group.moves) == (2, OTHER_PATH, 1)
    assert len(rig.ready) == 0


@pytest.mark.parametrize("case", ["to where it is", "in a circle"])
async def test_a_policy_that_sends_a_group_around_makes_it_wait(case: str) -> None:
    rig = Rig()
    path = PATH if case == "to where it is" else OTHER_PATH
    rig.around.policy.says = lambda *_: Elsewhere(path)
    group = Group([head(1)], moves=0 if case == "to where it is" else MOVES)
    rig.ready.put(group)
    assert rig.next_number() is None
    assert rig.around.mover.groups == []
    assert rig.ready.next_until == rig.now + CIRCLE_MS
    assert rig.around.reasons.reasons_of()[0].reason == CIRCLE


async def test_many_that_go_elsewhere_leave_the_loop_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOVES_AT_ONCE", 3)
    rig = Rig()
    rig.around.policy.says = lambda *_: Elsewhere(OTHER_PATH)
    for number in range(1, 6):
        rig.ready.push(head(number))
    assert rig.next_number() is None
    assert (len(rig.around.mover.groups), len(rig.ready)) == (3, 2)
    assert len(rig.around.waits) == 1  # and goes on then


async def test_what_goes_by_a_smart_host_leaves_the_queue() -> None:
    rig = Rig()
    rerouted = rig.around.rerouter.heads
    rig.around.policy.says = lambda *_: Reroute(via="smtp://10.0.0.5:25", reason="the hour is full")
    for number in range(module.MOVES_AT_ONCE + 1):
        rig.ready.push(head(number))
    assert rig.next_number() is None
    assert len(rerouted) == module.MOVES_AT_ONCE  # the loop gets its turn, and it is asked again
    assert len(rig.around.waits) == 1
    assert rig.next_number() is None
    assert len(rerouted) == module.MOVES_AT_ONCE + 1
    assert rerouted[0] == (head(0), "smtp://10.0.0.5:25", "the hour is full")
    assert not rig.ready


async def test_what_a_rule_has_stopped_is_counted_apart_with_all_that_waits_behind_it() -> None:
    rig = Rig()
    rig.around.lanes.stopped = {"a"}
    rig.around.policy.says = lambda traffic, _, now: (
        Wait(UnixMs(now + 500), "stopped") if traffic.tenant == "a" else GO
    )
    for number, tenant in enumerate("aabab"):
        rig.ready.push(head(number, tenant=tenant))
    assert [rig.next_number() for _ in range(3)] == [2, 4, None]
    assert [each.id.message_id[-1] for each in rig.around.lanes.renewed] == [0, 1, 3]
