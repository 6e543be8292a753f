"""Mirrors angarium/mta/egress/carriage.py."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from angarium.mta.egress.carriage import Carriage
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import Parcel, Told, Work
from angarium.mta.transport.outcome import Again, Outcome, Scope, Transient
from tests.mta.egress.fakes import (
    FOR_NOW,
    LOST,
    NO_USER,
    OCTETS,
    PATH,
    TAKEN,
    TOO_MANY,
    Around,
    FakeConnection,
    attempt,
    host,
    parcel,
    settle,
    site,
    work,
)


class Rig:
    """Takes what is to be carried again, or referred."""

    def __init__(self, octets: int = 1_000) -> None:
        self.around = Around(octets=octets)
        self.way = Way(PATH, site("a", "b"))
        self.carriage = Carriage(self.around.shared, self.way, self, self)
        self.connection = FakeConnection(host("a"), self.around.log)
        self.others = True
        self.again: list[Parcel] = []
        self.referred: list[tuple[Sequence[Told], frozenset[str]]] = []

    def put_first(self, parcel: Parcel) -> None:
        self.again.append(parcel)

    def has_others(self, refused_by: frozenset[str]) -> bool:
        return self.others

    def refer(self, parcel: Parcel, refused: Sequence[Told], refused_by: frozenset[str]) -> None:
        self.referred.append((refused, refused_by))

    async def carry(self, *outcomes: Outcome) -> None:
        assert self.around.budget.reserve(OCTETS)
        self.connection.outcomes = [outcomes]
        await self.carriage.carry(self.connection, parcel(work(1, len(outcomes))))


async def test_what_is_taken_is_recorded_and_its_octets_are_free() -> None:  # CG1
    rig = Rig()
    await rig.carry(TAKEN, TAKEN)
    assert rig.around.clerk.outcomes == [TAKEN, TAKEN]
    assert (rig.around.budget.used, rig.carriage.busy) == (0, 0)


async def test_the_last_look_leaves_out_who_is_suppressed_by_now() -> None:  # CG1
    rig = Rig()
    of = work(1, 3)
    rig.around.clerk.suppressed = {of.recipients[1].id}
    assert rig.around.budget.reserve(OCTETS)
    rig.connection.outcomes = [(TAKEN, FOR_NOW)]
    await rig.carriage.carry(rig.connection, parcel(of))
    (sent,) = rig.connection.carried
    assert [each.forward_path for each in sent.recipients] == ["u0@d.example", "u2@d.example"]
    assert rig.around.clerk.spared == [of.recipients[1].id]
    assert [concluded.recipients for concluded, _ in rig.around.clerk.concluded] == [
        (of.recipients[0],)
    ]
    ((refused, _),) = rig.referred
    assert [each.recipient for each in refused] == [of.recipients[2]]
    assert rig.around.policy.heard == [TAKEN, FOR_NOW]


async def test_no_transaction_begins_where_everybody_is_suppressed() -> None:  # CG1
    rig = Rig()
    of = work(1, 2)
    rig.around.clerk.suppressed = {each.id for each in of.recipients}
    assert rig.around.budget.reserve(OCTETS)
    assert await rig.carriage.carry(rig.connection, parcel(of)) == ()
    assert (rig.connection.carried, rig.around.policy.heard) == ([], [])
    assert (rig.around.budget.used, rig.carriage.busy) == (0, 0)


async def test_the_policy_is_told_each_outcome() -> None:
    rig = Rig()
    await rig.carry(TAKEN, FOR_NOW)
    assert rig.around.policy.heard == [TAKEN, FOR_NOW]


async def test_each_recipient_goes_where_its_outcome_says() -> None:  # CG1
    rig = Rig()
    await rig.carry(TAKEN, NO_USER, FOR_NOW, TOO_MANY)
    assert rig.around.clerk.outcomes == [TAKEN, NO_USER]
    ((refused, by),) = rig.referred
    assert ([each.outcome for each in refused], by) == ([FOR_NOW], {"a"})
    (again,) = rig.again
    assert (len(again.work.recipients), again.work.tries) == (1, 0)  # something was gained
    assert rig.around.budget.used == 2 * OCTETS  # both hold the content


async def test_a_content_that_memory_has_once_waits_at_one_place() -> None:  # Invariant 8
    rig = Rig(octets=OCTETS)
    await rig.carry(FOR_NOW, TOO_MANY)
    assert (len(rig.again), rig.referred) == (1, [])
    assert rig.around.clerk.outcomes == [FOR_NOW]
    assert rig.around.budget.used == OCTETS


async def test_a_host_that_broke_off_is_avoided_and_the_try_counts() -> None:
    rig = Rig()
    rig.connection.is_open = False
    await rig.carry(LOST)
    assert (rig.around.hosts.avoided, rig.again[0].work.tries) == (["a.1"], 1)


async def test_after_replies_that_were_not_understood_it_goes_step_by_step() -> None:
    rig = Rig()
    await rig.carry(LOST, TAKEN)
    await rig.carry(Transient(attempt(0, "4.5.0", "rcpt"), Scope.SESSION), TAKEN)
    assert [each.transfer.in_steps for each in rig.again] == [False, True]


async def test_an_old_session_that_was_gone_is_no_try_and_says_nothing_of_its_host() -> None:
    rig = Rig()
    rig.connection.is_open = False
    await rig.carry(Transient(attempt(0, "4.4.2", "mail"), Scope.SESSION, again=Again.GONE))
    (again,) = rig.again
    assert (rig.around.hosts.avoided, again.work.tries, again.work.detours) == ([], 0, 1)


@pytest.mark.parametrize("outcome", [LOST, FOR_NOW])
async def test_a_process_that_drains_records_what_it_would_try_again(outcome: Outcome) -> None:
    rig = Rig()
    rig.way.is_draining = True
    await rig.carry(outcome)
    assert (rig.around.clerk.outcomes, rig.again, rig.referred) == ([outcome], [], [])
    assert rig.around.budget.used == 0


def eight_bit(of: Work) -> Parcel:
    whole = parcel(of)
    return msgspec.structs.replace(
        whole, transfer=msgspec.structs.replace(whole.transfer, body_8bit=True)
    )


async def test_a_host_without_8bitmime_gets_it_converted_and_another_one_as_it_is() -> None:
    rig = Rig()
    rig.around.budget.reserve(OCTETS)
    given = eight_bit(work())
    converted = rig.around.packer.converted = msgspec.structs.replace(
        given.transfer, body=b"c" * 30, body_8bit=False
    )
    rig.connection.offers_8bit = False
    rig.connection.outcomes = [[LOST]]
    await rig.carriage.carry(rig.connection, given)
    assert rig.connection.carried == [converted]
    assert rig.around.budget.used == OCTETS  # less the copy's
    assert rig.again[0].transfer.body == given.transfer.body  # the next host may have 8BITMIME
    rig.connection.offers_8bit = True
    await rig.carriage.carry(rig.connection, given)
    assert rig.connection.carried[1:] == [given.transfer]


async def test_what_cannot_be_converted_is_refused_by_the_connection() -> None:
    rig = Rig()
    rig.around.budget.reserve(OCTETS)
    rig.connection.offers_8bit = False
    given = eight_bit(work())
    await rig.carriage.carry(rig.connection, given)
    assert rig.connection.carried == [given.transfer]


async def test_a_copy_that_memory_has_no_room_for_waits_for_its_next_attempt() -> None:
    # Invariant 8
    rig = Rig(octets=OCTETS + 20)
    rig.around.budget.reserve(OCTETS)
    given = eight_bit(work())
    rig.around.packer.converted = msgspec.structs.replace(given.transfer, body=b"c" * 30)
    rig.connection.offers_8bit = False
    await rig.carriage.carry(rig.connection, given)
    (outcome,) = rig.around.clerk.outcomes
    assert (rig.connection.carried, rig.around.budget.used) == ([], 0)
    assert (outcome.attempt.enhanced, outcome.attempt.stage) == ("4.3.1", "internal")


@pytest.mark.parametrize(("octets", "sent"), [(30, 1), (29, 0)])
async def test_a_copy_of_the_transport_s_own_has_its_room_too(octets: int, sent: int) -> None:
    # Invariant 8
    rig = Rig(octets=OCTETS + octets)
    rig.around.budget.reserve(OCTETS)
    rig.connection.room = 30
    rig.connection.outcomes = [[TAKEN]]
    await rig.carriage.carry(rig.connection, parcel(work()))
    (outcome,) = rig.around.clerk.outcomes
    assert (len(rig.connection.carried), rig.around.budget.used) == (sent, 0)
    assert outcome.attempt.enhanced == ("2.0.0" if sent else "4.3.1")


async def test_a_defect_defers_the_message_and_is_told() -> None:
    rig = Rig()
    rig.around.budget.reserve(OCTETS)
    rig.connection.outcomes = [RuntimeError()]
    await rig.carriage.carry(rig.connection, parcel(work()))
    assert [each.attempt.stage for each in rig.around.clerk.outcomes] == ["internal"]
    assert len(rig.around.observer.errors) == 1


async def test_a_cancelled_transfer_records_nothing_and_holds_no_octets() -> None:  # Invariant 3
    rig = Rig()
    rig.connection.may_end = asyncio.Event()
    task = asyncio.create_task(rig.carry(TAKEN))
    await settle()
    assert rig.carriage.busy == 1
    task.cancel()
    await asyncio.wait([task])
    assert (rig.around.clerk.concluded, rig.around.budget.used, rig.carriage.busy) == ([], 0, 0)
