"""Mirrors angarium/mta/egress/places.py, openings.py and lease.py."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.mta.egress.lease import (
    HANGS_MS,
    SITES_TOLD,
    Lease,
    PlaceKey,
    hanging_sites,
    opening_text,
)
from angarium.mta.egress.openings import LONG_FOR_PROVIDER_MS, LONG_MS
from angarium.mta.egress.places import Places
from angarium.queue import UnixMs
from tests.mta.egress.fakes import FakeConnection, SetClock, host, work

A = PlaceKey(source="ip1", provider="gmail")
ANN = ("tenant", "ann", "a@sender.example")
B = PlaceKey(source="ip1", provider="yahoo")


class Seeker:
    def __init__(self) -> None:
        self.kicks = 0

    def kick(self) -> None:
        self.kicks += 1


def seek(
    places: Places, key: PlaceKey, limit: int, seeker: object, site: str = "s", **more: Any
) -> Lease | None:
    return places.try_take(key, limit, seeker, site=site, opener=ANN, **more)  # type: ignore[arg-type]


def take(places: Places, key: PlaceKey, limit: int = 5, seeker: Seeker | None = None) -> Lease:
    """Take one for a connection that stands at once."""
    lease = seek(places, key, limit, seeker or Seeker())
    assert lease is not None
    stand(places, lease)
    return lease


def stand(places: Places, lease: Lease) -> None:
    """Its connection stands, before it was slow."""
    with contextlib.suppress(StopIteration):
        places.opened(lease).send(None)


def places_of(limit: int) -> Places:
    return Places(limit, 100, SetClock())


def test_a_throttle_is_a_ceiling_per_source_and_provider() -> None:  # Invariant 6
    places, waits, somebody = places_of(10), Seeker(), Seeker()
    first = take(places, A, 2)
    take(places, A, 2)
    assert seek(places, A, 2, waits) is None
    take(places, B, 2)
    assert places.is_awaited(A, by_other_than=somebody)
    assert not places.is_awaited(A, by_other_than=waits)
    assert not places.is_awaited(B, by_other_than=somebody)
    first.give_back()
    assert waits.kicks == 1  # PL1
    assert not places.is_awaited(A, by_other_than=somebody)


def test_who_has_no_use_for_a_place_any_more_leaves_it_to_the_next() -> None:  # PL1
    places, two, three = places_of(9), Seeker(), Seeker()
    lease = take(places, A, 1)
    for each in (two, three):
        assert seek(places, A, 1, each) is None
    lease.give_back()
    assert (two.kicks, three.kicks) == (1, 1)


def test_who_is_refused_again_keeps_others_from_being_asked_for_nothing() -> None:
    places, other = places_of(9), Seeker()

    class Wants(Seeker):
        def kick(self) -> None:
            super().kick()
            assert seek(places, A, 1, self) is None

    lease, wants = take(places, A, 2), Wants()
    take(places, A, 2)
    for each in (wants, other):
        assert seek(places, A, 2, each) is None
    lease.give_back()  # where the limit is lower by now
    assert (wants.kicks, other.kicks) == (1, 0)


def test_the_limit_over_all_kicks_whoever_waits_for_another_provider() -> None:  # PL1
    places, waits = places_of(1), Seeker()
    lease = take(places, A)
    assert seek(places, B, 5, waits) is None
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
            lease = seek(places, self.key, 3, self)
            if lease is None:
                waiting[self.key] += 1
            else:
                leases[self.key].append(lease)
                stand(places, lease)

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
    assert seek(places, A, 1, waits) is None
    places.forget(A, waits)
    assert not places.is_awaited(A, by_other_than=Seeker())
    lease.give_back()
    assert waits.kicks == 0


@pytest.mark.parametrize("end", ["well", "badly", "cancelled", "before it began"])
async def test_a_place_is_given_back_once_whatever_becomes_of_its_task(end: str) -> None:  # PL2
    places, waits = places_of(1), Seeker()
    lease = take(places, A, 1)
    assert seek(places, A, 1, waits) is None
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
        take(places, A, 3, seeker).idle(wait, lambda: True)
        waits.append(wait)
    assert seek(places, A, 3, mine) is None
    assert [each.done() for each in waits] == [False, True, False]
    assert waits[1].result() is False
    assert seek(places, A, 3, mine, spares_own=False) is None
    assert [each.done() for each in waits] == [True, True, False]


async def test_an_idle_connection_that_work_is_on_its_way_to_makes_no_room() -> None:
    places = places_of(2)
    loop = asyncio.get_running_loop()
    kept, spare = loop.create_future(), loop.create_future()
    take(places, A).idle(kept, lambda: False)
    take(places, A).idle(spare, lambda: True)
    assert seek(places, A, 2, Seeker()) is None
    assert [each.done() for each in (kept, spare)] == [False, True]
    assert seek(places, A, 2, Seeker()) is None
    assert not kept.done()


async def test_below_its_own_ceiling_any_providers_idle_connection_makes_room() -> None:
    places = places_of(1)
    wait = asyncio.get_running_loop().create_future()
    take(places, B).idle(wait, lambda: True)
    assert seek(places, A, 3, Seeker()) is None
    assert wait.done()


async def test_at_its_own_ceiling_only_its_own_idle_connections_do() -> None:
    places = places_of(9)
    wait = asyncio.get_running_loop().create_future()
    take(places, B).idle(wait, lambda: True)
    take(places, A, 1)
    assert seek(places, A, 1, Seeker()) is None
    assert not wait.done()


async def test_what_is_open_can_be_listed_through_its_stages() -> None:
    clock = SetClock(1_000)
    places = Places(9, 100, clock)
    lease = seek(places, A, 1, Seeker(), site="mx.gmail")
    assert lease is not None

    def shown() -> tuple[str, str, str, int]:
        (each,) = places.open_connections()
        return each.stage, each.host, each.address, each.since

    assert shown() == ("opening", "", "", 1_000)
    lease.trying(host("mx2"), "mx2.9")
    assert shown() == ("opening", "mx2", "mx2.9", 1_000)
    clock.now = 2_000
    connection = FakeConnection(host("mx"), [])
    await lease.opened(connection)
    connection.transfers = 7
    assert shown() == ("transfer", "mx", "mx.1", 2_000)
    wait = asyncio.get_running_loop().create_future()
    lease.idle(wait, lambda: True)
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
    await idle.opened(FakeConnection(host(), []))
    idle.idle(wait, lambda: True)
    connection = FakeConnection(host(), [])
    await working.opened(connection)
    for each in places.open_connections():
        assert places.end(each.id)
    await asyncio.wait([task])
    assert task.cancelled()
    assert wait.result() is False
    assert connection.is_aborted
    assert not places.end(opening.id)
    assert not places.end(999)


@pytest.mark.parametrize(
    ("took_s", "content_sent", "is_ended"),
    [
        (60.0, False, False),
        (61.0, False, True),
        (61.0, True, False),  # its last reply may come yet, and would else be in doubt
        (121.0, True, True),
    ],
)
async def test_the_watchdog_ends_a_transaction_that_takes_too_long(
    took_s: float, content_sent: bool, is_ended: bool
) -> None:
    places = places_of(9)
    working, idle = take(places, A), take(places, A)
    stuck, waits = FakeConnection(host(), []), FakeConnection(host(), [])
    await working.opened(stuck)
    working.begins(work().recipients, 1_000.0)
    stuck.content_sent = content_sent
    await idle.opened(waits)
    wait = asyncio.get_running_loop().create_future()
    idle.idle(wait, lambda: True)
    places.end_stuck(60.0, 1_000.0 + took_s)
    assert stuck.is_aborted == is_ended
    assert not wait.done()  # nothing else is touched
    assert not waits.is_aborted


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
    assert seek(places, A, 2, Seeker()) is None


# --- what is being opened, and slow at that


def ann(number: int) -> tuple[str, str, str]:
    return ("tenant", "ann", f"a{number}@sender.example")


def own(number: int) -> PlaceKey:
    return PlaceKey(source="ip1", provider=f"site{number}")


def begin(places: Places, number: int, sender: int = 0, seeker: object = None) -> Lease | None:
    """Open a connection to a site that is its own provider."""
    return places.try_take(
        own(number),
        5,
        seeker or Seeker(),  # type: ignore[arg-type]
        site=f"site{number}",
        opener=ann(sender),
    )


def slow(places: Places, number: int, sender: int = 0) -> Lease:
    lease = begin(places, number, sender)
    assert lease is not None
    assert places.make_slow(lease)
    return lease


def test_what_is_slow_to_open_has_a_ceiling_of_its_own_and_counts_at_its_provider() -> None:
    # Invariant 6, OP1
    places = Places(10, 4, SetClock())
    lease = slow(places, 1)
    assert (places.total, places.taken(own(1))) == (0, 1)
    assert places.try_take(own(1), 1, Seeker(), site="site1", opener=ANN) is None
    slow(places, 2, sender=1)
    others = [begin(places, number, sender=number) for number in range(3, 7)]
    assert sum(places.make_slow(each) for each in others if each is not None) <= 2
    assert places.openings.slow <= 4
    lease.give_back()
    assert places.taken(own(1)) == 0
    assert places.try_take(own(1), 1, Seeker(), site="site1", opener=ANN) is not None


def test_a_thousand_silent_sites_of_a_sender_leave_places_for_all_others() -> None:  # OP2
    clock = SetClock()
    places = Places(200, 1_000, clock)
    silent: list[Lease] = []

    class Silent:
        def __init__(self, number: int) -> None:
            self.number = number

        def kick(self) -> None:
            lease = begin(places, self.number, seeker=self)
            if lease is not None:
                silent.append(lease)

    for number in range(1_000):
        Silent(number).kick()
    for second in range(20):
        good = begin(places, 2_000 + second, sender=1)
        assert good is not None, second
        stand(places, good)
        clock.now += 1_000
        for each in silent:
            places.make_slow(each)
    assert len(silent) > 600
    assert places.total <= 200
    assert places.openings.slow <= 1_000
    another_tenant = places.try_take(
        own(3_000), 5, Seeker(), site="x", opener=("other", "bob", "b@other.example")
    )
    assert another_tenant is not None


def test_sites_that_worked_of_late_do_not_wait_with_those_that_are_new() -> None:  # OP2
    places = Places(20, 10, SetClock())
    good = begin(places, 1)
    assert good is not None
    stand(places, good)
    good.give_back()
    number = 2
    while (begin(places, number)) is not None:
        number += 1
    assert begin(places, 1) is not None  # of the same sender


async def test_who_was_slow_to_open_waits_for_a_place_and_goes_first() -> None:  # PL3
    places, waits = Places(1, 10, SetClock()), Seeker()
    late = slow(places, 1)
    working = begin(places, 2)
    assert working is not None
    stand(places, working)
    assert begin(places, 3, seeker=waits) is None
    standing = asyncio.create_task(late.opened(FakeConnection(host(), [])))
    await asyncio.sleep(0)
    assert not standing.done()
    assert places.is_awaited(own(2), by_other_than=Seeker())
    (shown,) = [each for each in places.open_connections() if each.id == late.id]
    assert shown.stage == "opening"
    working.give_back()
    await standing
    assert (places.total, waits.kicks) == (1, 0)
    late.give_back()
    assert waits.kicks == 1


async def test_who_stops_waiting_to_stand_gives_all_back() -> None:  # PL2
    places = Places(1, 10, SetClock())
    late = slow(places, 1)
    working = begin(places, 2)
    assert working is not None
    stand(places, working)
    standing = asyncio.create_task(late.opened(FakeConnection(host(), [])))
    await asyncio.sleep(0)
    standing.cancel()
    await asyncio.wait([standing])
    late.give_back()
    working.give_back()
    assert (places.total, places.openings.slow, places.taken(own(1))) == (0, 0, 0)
    assert begin(places, 3) is not None


async def opens(lease: Lease) -> str:
    try:
        async with lease.opening():
            await asyncio.Event().wait()
    except TimeoutError:
        return "given up"
    return ""


async def test_the_oldest_goes_when_its_group_has_no_place_for_more_slow_ones() -> None:
    clock = SetClock()
    places = Places(10, 3, clock)
    first = slow(places, 1)
    task = asyncio.create_task(opens(first))
    await asyncio.sleep(0)
    slow(places, 2)
    third = begin(places, 3)
    assert third is not None
    assert not places.make_slow(third)  # it goes on being opened, and counts as the others do
    clock.now += LONG_MS - 1
    assert not places.make_slow(third)
    await asyncio.sleep(0)
    assert not task.done()
    clock.now += 1
    assert not places.make_slow(third)
    assert await task == "given up"
    first.give_back()
    assert places.make_slow(third)


async def test_a_site_that_hangs_gives_way_to_another_of_its_provider() -> None:
    clock = SetClock()
    places = Places(10, 10, clock)
    lease = places.try_take(A, 1, Seeker(), site="silent", opener=ANN)
    assert lease is not None
    assert places.make_slow(lease)
    task = asyncio.create_task(opens(lease))
    await asyncio.sleep(0)
    clock.now += LONG_FOR_PROVIDER_MS
    itself = Seeker()
    assert places.try_take(A, 1, itself, site="silent", opener=ANN) is None
    await asyncio.sleep(0)
    assert not task.done()
    places.forget(A, itself)
    waits = Seeker()
    assert places.try_take(A, 1, waits, site="good", opener=ANN) is None
    assert await task == "given up"
    lease.give_back()
    assert waits.kicks == 1


async def test_what_an_opening_waits_for_is_told() -> None:
    clock = SetClock(1_000)
    places = Places(10, 10, clock)
    lease = begin(places, 1)
    assert lease is not None

    def told(now: int) -> str:
        (each,) = places.open_connections()
        return opening_text(each, UnixMs(now))

    assert told(2_000) == ""
    lease.trying(host("mx"), "192.0.2.1")
    assert told(5_000) == "no answer for 4 s"
    clock.now = 2_000
    lease.awaiting("banner")
    assert told(75_000) == "connected for 73 s, no banner yet"
    await lease.opened(FakeConnection(host(), []))
    assert told(75_000) == ""


def test_kicks_do_not_nest_however_many_want_nothing_any_more() -> None:  # PL1
    places = Places(1, 10, SetClock())
    kicked: list[int] = []

    class Fickle:
        """Takes a place, and gives it back at once."""

        def __init__(self, number: int) -> None:
            self.number = number

        def kick(self) -> None:
            kicked.append(self.number)
            lease = begin(places, self.number, seeker=self)
            assert lease is not None
            lease.give_back()

    first = begin(places, 0)
    assert first is not None
    for number in range(1, 2_000):
        assert begin(places, number, seeker=Fickle(number)) is None
    first.give_back()
    assert sorted(kicked) == list(range(1, 2_000))


def test_an_operator_is_told_which_sites_hang_and_for_how_long() -> None:
    clock = SetClock(0)
    places = Places(100, 100, clock)

    def told() -> list[str]:
        return hanging_sites(places.open_connections(), clock())

    leases = [begin(places, number, sender=number) for number in range(SITES_TOLD + 2)]
    for each in leases:
        assert each is not None
        each.trying(host("mx"), "192.0.2.1")
        each.awaiting("banner")
    clock.now = HANGS_MS - 1
    assert told() == []
    clock.now = HANGS_MS
    (text,) = told()
    assert text.startswith("sites that hang: site0 (connected for 10 s, no banner yet); site1 (")
    assert text.endswith("; and 2 more")
    for each in leases[1:]:
        assert each is not None
        each.give_back()
    assert told() == ["sites that hang: site0 (connected for 10 s, no banner yet)"]
