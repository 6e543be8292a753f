"""Mirrors angarium/mta/egress/places.py and lease.py."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.lease import Lease, PlaceKey
from angarium.mta.egress.places import Places
from tests.mta.egress.fakes import FakeConnection, SetClock, host

A = PlaceKey(source="ip1", provider="gmail")
B = PlaceKey(source="ip1", provider="yahoo")


class Seeker:
    def __init__(self) -> None:
        self.kicks = 0

    def kick(self) -> None:
        self.kicks += 1


def take(places: Places, key: PlaceKey, limit: int = 5, seeker: Seeker | None = None) -> Lease:
    lease = places.try_take(key, limit, seeker or Seeker())
    assert lease is not None
    return lease


def places_of(limit: int) -> Places:
    return Places(limit, SetClock())


def test_a_throttle_is_a_ceiling_per_source_and_provider() -> None:  # Invariant 6
    places, waits, somebody = places_of(10), Seeker(), Seeker()
    first = take(places, A, 2)
    take(places, A, 2)
    assert places.try_take(A, 2, waits) is None
    take(places, B, 2)
    assert places.is_awaited(A, by_other_than=somebody)
    assert not places.is_awaited(A, by_other_than=waits)
    assert not places.is_awaited(B, by_other_than=somebody)
    first.give_back()
    assert waits.kicks == 1  # PL1
    assert not places.is_awaited(A, by_other_than=somebody)


def test_the_limit_over_all_kicks_whoever_waits_for_another_provider() -> None:  # PL1
    places, waits = places_of(1), Seeker()
    lease = take(places, A)
    assert places.try_take(B, 5, waits) is None
    assert places.is_awaited(A, by_other_than=Seeker())  # closing one of A is what B waits for
    lease.give_back()
    assert waits.kicks == 1


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.booleans()), max_size=100))
def test_no_order_of_events_passes_a_limit_or_forgets_a_seeker(
    steps: list[tuple[PlaceKey, bool]],
) -> None:  # Invariant 6, PL1
    places = places_of(4)
    leases: dict[PlaceKey, list[Lease]] = {A: [], B: []}
    waiting = {A: 0, B: 0}

    class Wants:
        def __init__(self, key: PlaceKey) -> None:
            self.key = key

        def kick(self) -> None:
            waiting[self.key] -= 1
            self.attempt()

        def attempt(self) -> None:
            lease = places.try_take(self.key, 3, self)
            if lease is None:
                waiting[self.key] += 1
            else:
                leases[self.key].append(lease)

    for key, opens in steps:
        if opens:
            Wants(key).attempt()
        elif leases[key]:
            leases[key].pop().give_back()
        assert places.taken(A) == len(leases[A]) <= 3
        assert places.taken(B) == len(leases[B]) <= 3
        assert places.total == len(leases[A]) + len(leases[B]) <= 4
        for each in (A, B):
            assert not waiting[each] or len(leases[each]) == 3 or places.total == 4


def test_who_waits_no_longer_keeps_nobody_from_staying() -> None:
    places, waits = places_of(1), Seeker()
    lease = take(places, A, 1)
    assert places.try_take(A, 1, waits) is None
    places.forget(A, waits)
    assert not places.is_awaited(A, by_other_than=Seeker())
    lease.give_back()
    assert waits.kicks == 0


@pytest.mark.parametrize("end", ["well", "badly", "cancelled", "before it began"])
async def test_a_place_is_given_back_once_whatever_becomes_of_its_task(end: str) -> None:  # PL2
    places, waits = places_of(1), Seeker()
    lease = take(places, A, 1)
    assert places.try_take(A, 1, waits) is None
    may_end = asyncio.Event()

    async def live() -> None:
        async with lease:
            await may_end.wait()
            if end == "badly":
                raise RuntimeError

    task = asyncio.create_task(live())
    lease.held_by(task)
    if end == "cancelled":
        await asyncio.sleep(0)
    if end in ("cancelled", "before it began"):
        task.cancel()
    may_end.set()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert (places.total, waits.kicks) == (0, 1)
    lease.give_back()
    assert (places.total, waits.kicks) == (0, 1)


async def test_the_oldest_idle_connection_makes_room_but_none_of_the_seekers_own() -> None:
    places, mine, other = places_of(3), Seeker(), Seeker()
    loop = asyncio.get_running_loop()
    waits = []
    for seeker in (mine, other, other):
        wait = loop.create_future()
        take(places, A, 3, seeker).idle(wait)
        waits.append(wait)
    assert places.try_take(A, 3, mine) is None
    assert [each.done() for each in waits] == [False, True, False]
    assert waits[1].result() is False
    assert places.try_take(A, 3, mine, spares_own=False) is None
    assert [each.done() for each in waits] == [True, True, False]


async def test_below_its_own_ceiling_any_providers_idle_connection_makes_room() -> None:
    places = places_of(1)
    wait = asyncio.get_running_loop().create_future()
    take(places, B).idle(wait)
    assert places.try_take(A, 3, Seeker()) is None
    assert wait.done()


async def test_at_its_own_ceiling_only_its_own_idle_connections_do() -> None:
    places = places_of(9)
    wait = asyncio.get_running_loop().create_future()
    take(places, B).idle(wait)
    take(places, A, 1)
    assert places.try_take(A, 1, Seeker()) is None
    assert not wait.done()


async def test_what_is_open_can_be_listed_through_its_stages() -> None:
    clock = SetClock(1_000)
    places = Places(9, clock)
    lease = places.try_take(A, 1, Seeker(), site="mx.gmail")
    assert lease is not None

    def shown() -> tuple[str, str, str, int]:
        (each,) = places.open_connections()
        return each.stage, each.host, each.address, each.since

    assert shown() == ("opening", "", "", 1_000)
    lease.trying(host("mx2"), "mx2.9")
    assert shown() == ("opening", "mx2", "mx2.9", 1_000)
    clock.now = 2_000
    connection = FakeConnection(host("mx"), [])
    lease.opened(connection)
    connection.transfers = 7
    assert shown() == ("transfer", "mx", "mx.1", 2_000)
    wait = asyncio.get_running_loop().create_future()
    lease.idle(wait)
    assert shown()[0] == "idle"
    lease.busy()
    lease.closing()
    assert shown()[0] == "closing"
    (each,) = places.open_connections()
    assert (each.source, each.provider, each.site, each.transfers) == (
        "ip1",
        "gmail",
        "mx.gmail",
        7,
    )
    lease.give_back()
    assert places.open_connections() == []


async def test_one_of_them_can_be_ended_in_each_stage() -> None:
    places = places_of(9)
    opening, idle, working = take(places, A), take(places, A), take(places, A)

    async def never() -> None:
        async with opening:
            await asyncio.Event().wait()

    task = asyncio.create_task(never())
    opening.held_by(task)
    await asyncio.sleep(0)
    wait = asyncio.get_running_loop().create_future()
    idle.opened(FakeConnection(host(), []))
    idle.idle(wait)
    connection = FakeConnection(host(), [])
    working.opened(connection)
    for each in places.open_connections():
        assert places.end(each.id)
    await asyncio.wait([task])
    assert task.cancelled()
    assert wait.result() is False
    assert connection.is_aborted
    assert not places.end(opening.id)
    assert not places.end(999)


def test_as_many_leave_as_are_over_a_lowered_limit() -> None:
    places = places_of(10)
    taken = [take(places, A, 5) for _ in range(5)]
    assert not any(places.must_leave(each, 5) for each in taken)
    leaving = [each for each in taken if places.must_leave(each, 2)]  # each asks after its transfer
    assert len(leaving) == 3
    for each in leaving:
        each.give_back()
    assert places.taken(A) == 2
    staying = [each for each in taken if each not in leaving]
    assert not places.must_leave(staying[0], 2)
    assert places.must_leave(staying[0], 1)  # none of those that left is counted any more


def test_a_lowered_limit_over_all_makes_connections_leave_too() -> None:
    places = places_of(4)
    first, _, other, _ = [take(places, key, 2) for key in (A, A, B, B)]
    places.limit = 3
    assert places.must_leave(first, 2)
    assert not places.must_leave(other, 2)
    first.give_back()
    assert not places.must_leave(other, 2)
    assert places.try_take(A, 2, Seeker()) is None
