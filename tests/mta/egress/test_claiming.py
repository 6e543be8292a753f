"""Mirrors angarium/mta/egress/claiming.py."""

import asyncio
from collections.abc import Sequence

from angarium.mta.egress.claiming import Claims
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import Group
from angarium.queue import PartitionNumber
from tests.mta.egress.fakes import OCTETS, PATH, Around, head, settle, site


class Rig:
    """The egress queue, and what it is told."""

    def __init__(self, recipients: int = 100) -> None:
        self.around = Around()
        way = Way(PATH, site(recipients_per_message=recipients))
        self.claims = Claims(self.around.shared, way, self)
        self.done = 0
        self.given_back: list[Group] = []

    def begin(self, *groups: Group) -> None:
        for each in groups:
            assert self.around.budget.reserve(each.octets)
        self.claims.begin(groups)

    def claims_are_done(self) -> None:
        self.done += 1

    def not_claimed(self, groups: Sequence[Group]) -> None:
        self.given_back += groups

    def kick(self) -> None: ...


async def test_groups_become_parcels_in_one_claim_per_partition() -> None:
    rig = Rig()
    rig.begin(Group([head(1), head(1, 1)]), Group([head(2)]), Group([head(3, partition=1)]))
    assert (len(rig.claims), rig.claims.expects_connection) == (3, True)  # CL1
    await settle()
    assert [len(each) for each in rig.around.clerk.claims] == [3, 1]
    assert (len(rig.claims), rig.claims.expects_connection, rig.done) == (3, False, 1)
    parcels = [rig.claims.take() for _ in range(4)]
    assert [len(each.work.recipients) for each in parcels if each is not None] == [2, 1, 1]
    assert (parcels[3], len(rig.claims)) == (None, 0)
    assert rig.around.budget.used == 3 * OCTETS  # until they are carried


async def test_what_is_not_due_any_more_holds_no_octets() -> None:
    rig = Rig()
    gone = head(2)
    rig.around.clerk.gone.add(gone.id)
    rig.begin(Group([head(1)]), Group([gone]))
    await settle()
    assert (len(rig.claims), rig.around.budget.used) == (1, OCTETS)


async def test_more_recipients_than_the_limit_are_several_transactions() -> None:
    rig = Rig(recipients=2)
    rig.begin(Group([head(1, each) for each in range(5)]))
    await settle()
    assert (len(rig.claims), rig.around.budget.used) == (3, 3 * OCTETS)


async def test_on_a_full_disk_groups_wait_as_before_but_those_that_were_claimed() -> None:
    # Invariant 9
    rig = Rig()
    rig.around.clerk.full.add(PartitionNumber(1))
    groups = Group([head(1)]), Group([head(2, partition=1)]), Group([head(3, partition=2)])
    rig.begin(*groups)
    await settle()
    assert rig.given_back == [groups[1], groups[2]]
    assert (len(rig.claims), rig.around.budget.used) == (1, OCTETS)


async def test_a_defect_in_packing_is_recorded_and_holds_nothing() -> None:
    rig = Rig()
    rig.around.packer.error = RuntimeError()
    rig.begin(Group([head(1), head(1, 1)]))
    await settle()
    assert [each.attempt.stage for each in rig.around.clerk.outcomes] == ["internal"] * 2
    assert (len(rig.claims), rig.around.budget.used, rig.done) == (0, 0, 1)


async def test_what_is_put_first_is_taken_next_and_drained_with_the_rest() -> None:
    rig = Rig()
    rig.begin(Group([head(1)]), Group([head(2)]))
    await settle()
    first = rig.claims.take()
    assert first is not None
    rig.claims.put_first(first)
    drained = rig.claims.drain()
    assert [each.message.message_id[-1] for each in drained] == [1, 2]
    assert len(rig.claims) == 0


async def test_what_is_not_to_begin_any_more_is_due_as_before_and_the_rest_goes() -> None:
    rig = Rig()
    rig.begin(*(Group([head(each, tenant=tenant)]) for each, tenant in enumerate("aba")))
    await settle()
    rig.around.policy.stopped = {"a"}
    taken = rig.claims.take()
    assert taken is not None
    assert taken.work.message.tenant == "b"
    assert rig.claims.take() is None
    back = rig.around.clerk.given_back
    assert [each.message.message_id[-1] for each in back] == [0, 2]
    assert rig.around.clerk.outcomes == []
    assert rig.around.budget.used == OCTETS  # of what was taken
    assert len(rig.around.waits) == 0


async def test_an_idle_connection_is_woken_by_a_parcel_and_one_by_each() -> None:
    rig = Rig()
    loop = asyncio.get_running_loop()
    waits = [loop.create_future() for _ in range(4)]
    waits[0].set_result(False)  # ended in the same moment
    rig.claims.idle.extend(waits)
    rig.begin(Group([head(1)]), Group([head(2)]))
    await settle()
    assert [each.done() and each.result() for each in waits] == [False, True, True, False]
    rig.claims.end_idle()
    assert waits[3].result() is False


async def test_each_claim_under_way_keeps_an_idle_connection() -> None:  # CL2
    rig = Rig()
    loop = asyncio.get_running_loop()
    waits = [loop.create_future() for _ in range(3)]
    rig.claims.idle.extend(waits)
    rig.around.clerk.may_give.clear()
    gone = head(2)
    rig.around.clerk.gone.add(gone.id)
    rig.begin(Group([head(1)]), Group([gone]))
    assert not rig.claims.expects_connection
    assert rig.claims.may_end_one()
    waits[0].set_result(False)
    assert not rig.claims.may_end_one()
    rig.around.clerk.may_give.set()
    await settle()  # one takes the parcel, and one looks again
    assert [each.result() for each in waits[1:]] == [True, True]
