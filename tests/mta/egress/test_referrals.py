"""Mirrors angarium/mta/egress/referrals.py."""

from collections.abc import Sequence

from angarium.mta.egress.carriage import Carriage
from angarium.mta.egress.referrals import CONNECTIONS, Referrals
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import NOBODY, Parcel, Told
from angarium.mta.transport.outcome import Outcome
from tests.mta.egress.fakes import (
    DOWN,
    FOR_NOW,
    LOST,
    OCTETS,
    PATH,
    TAKEN,
    Around,
    parcel,
    settle,
    site,
    work,
)


class Owner:
    """The egress queue."""

    def __init__(self, *hosts: str, places: int = 10, limit: int = 5) -> None:
        self.around = Around(connections=places)
        self.way = Way(PATH, site(*hosts, connections=limit))
        self.referrals = Referrals(self.around.shared, self.way, self)
        self.carriage = Carriage(self.around.shared, self.way, self, self.referrals)
        self.connections = 0
        self.again: list[Parcel] = []

    def put_first(self, parcel: Parcel) -> None:
        self.again.append(parcel)
        self.around.budget.free(parcel.work.octets)

    def connection_beside(self, change: int) -> None:
        self.connections += change

    def kick(self) -> None:
        if not self.way.is_draining:
            self.referrals.seek()

    def refer(self, number: int, *refused_by: str) -> None:
        of = parcel(work(number))
        assert self.around.budget.reserve(OCTETS)
        told = [Told(each, FOR_NOW) for each in of.work.recipients]
        self.referrals.refer(of, told, frozenset(refused_by))

    def asked(self) -> list[str]:
        return [each.host.name for each in self.around.hosts.connections]

    def ended(self) -> bool:
        around = self.around
        return (
            self.referrals.is_unused
            and not (around.places.total or around.budget.used or self.connections)
            and around.observer.opened == around.observer.closed
        )


async def outcomes_of(owner: Owner) -> Sequence[Outcome]:
    await settle()
    assert not owner.around.observer.errors
    assert owner.ended()  # RF1
    return owner.around.clerk.outcomes


async def test_what_one_host_refused_goes_to_the_next_over_a_connection_that_ends_with_it() -> None:
    owner = Owner("a", "b")
    for number in (1, 2, 3):
        owner.refer(number, "a")
    assert await outcomes_of(owner) == [TAKEN] * 3
    assert set(owner.asked()) == {"b"}
    assert len(owner.asked()) <= CONNECTIONS


async def test_it_goes_on_until_a_host_takes_it() -> None:
    owner = Owner("a", "b", "c")
    owner.around.hosts.outcomes = [[FOR_NOW]]
    owner.refer(1, "a")
    assert await outcomes_of(owner) == [TAKEN]
    assert owner.asked() == ["b", "c"]


async def test_what_the_last_host_said_stands_when_no_other_takes_a_connection() -> None:
    owner = Owner("a", "b")
    owner.around.hosts.failure = DOWN
    for number in (1, 2, 3):
        owner.refer(number, "a")
    assert await outcomes_of(owner) == [FOR_NOW] * 3
    assert owner.around.hosts.asked <= CONNECTIONS


async def test_nor_when_the_site_has_no_other_any_more() -> None:
    owner = Owner("a", "b", places=1)
    lease = owner.around.places.try_take(owner.way.key, 5, owner, site="s", opener=NOBODY)
    assert lease is not None
    owner.refer(1, "a")
    assert owner.referrals.wants_place
    owner.way.site = site("a")
    lease.give_back()
    assert await outcomes_of(owner) == [FOR_NOW]
    assert owner.asked() == []


async def test_it_waits_for_a_place_within_the_same_ceiling() -> None:  # Invariant 6
    owner = Owner("a", "b", limit=1)
    lease = owner.around.places.try_take(owner.way.key, 1, owner, site="s", opener=NOBODY)
    assert lease is not None
    owner.refer(1, "a")
    await settle()
    assert (owner.asked(), owner.around.places.total) == ([], 1)
    lease.give_back()
    assert await outcomes_of(owner) == [TAKEN]


async def test_a_process_that_drains_records_what_waits_and_what_it_has_not_begun() -> None:
    owner = Owner("a", "b", limit=1)
    owner.around.hosts.may_open.clear()
    owner.refer(1, "a")
    owner.refer(2, "a")
    await settle()
    owner.way.is_draining = True
    owner.referrals.drain()
    owner.around.hosts.may_open.set()
    assert await outcomes_of(owner) == [FOR_NOW] * 2


async def test_a_connection_that_is_lost_has_its_work_carried_again() -> None:
    owner = Owner("a", "b")
    owner.around.hosts.outcomes = [[LOST]]
    owner.refer(1, "a")
    await outcomes_of(owner)
    (again,) = owner.again
    assert again.work.refused_by == {"a"}
