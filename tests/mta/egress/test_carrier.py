"""Mirrors angarium/mta/egress/carrier.py."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
import pytest

from angarium.mta.egress.carrier import Carrier
from angarium.mta.egress.shared import Way
from angarium.mta.egress.work import NOBODY, Parcel
from angarium.mta.transport.outcome import Outcome, Transient
from angarium.mta.transport.transfer import Connection
from angarium.routing.resolution import Site
from tests.mta.egress.fakes import DOWN, PATH, Around, parcel, settle, site, work


class FakeRound:
    """Work for one connection, from a list."""

    refused_by: frozenset[str] = frozenset()

    def __init__(self, log: list[str], parcels: int, limits: Site) -> None:
        self.log = log
        self.site = limits
        self.parcels = deque(parcel(work(n)) for n in range(1, parcels + 1))
        self.failure: Transient | None = None

    def opened(self, connection: Connection) -> None:
        self.log.append("used")

    def not_opened(self, failure: Transient) -> None:
        self.failure = failure

    async def next_work(self, connection: Connection) -> Parcel | None:
        return self.parcels.popleft() if self.parcels else None

    def ended(self) -> None:
        self.log.append("ended")


class FakeCarriage:
    def __init__(self) -> None:
        self.carried: list[Parcel] = []
        self.error: BaseException | None = None
        self.closes = False  # the peer does, after a transfer

    async def carry(self, connection: Connection, parcel: Parcel) -> Sequence[Outcome]:
        if self.error is not None:
            raise self.error
        self.carried.append(parcel)
        if self.closes:
            connection.abort()
        return await connection.transfer(parcel.transfer)


class Rig:
    def __init__(self, parcels: int = 1, **limits: int) -> None:
        self.around = Around()
        self.way = Way(PATH, site("mx1", "mx2", **limits))
        self.round = FakeRound(self.around.log, parcels, self.way.site)
        self.carriage = FakeCarriage()
        lease = self.around.places.try_take(self.way.key, 1, self, site="s", opener=NOBODY)
        assert lease is not None
        self.carrier = Carrier(self.around.shared, self.way, lease, self.round, self.carriage)

    def kick(self) -> None:
        self.around.log.append(f"kicked with {self.around.places.total}")


async def lived(rig: Rig) -> None:
    rig.carrier.start()
    await asyncio.wait(rig.around.tasks, timeout=5)
    await settle()


async def test_a_connection_carries_work_until_there_is_none_and_is_closed_before_its_place_goes() -> (
    None
):
    # Invariant 6
    rig = Rig(3)
    await lived(rig)
    assert len(rig.carriage.carried) == 3
    assert rig.around.log == ["opened", "used", "ended", "closed", "kicked with 0"]
    assert (rig.around.observer.opened, rig.around.observer.closed) == (1, 1)


async def test_it_ends_at_the_limit_of_transfers() -> None:  # Invariant 6
    rig = Rig(5, messages_per_connection=2)
    await lived(rig)
    assert len(rig.carriage.carried) == 2


async def test_it_ends_when_the_peer_has_closed() -> None:
    rig = Rig(5)
    rig.carriage.closes = True
    await lived(rig)
    assert len(rig.carriage.carried) == 1
    assert "closed" in rig.around.log


async def test_a_site_that_takes_no_connection_costs_none() -> None:
    rig = Rig()
    rig.around.hosts.failure = DOWN
    await lived(rig)
    assert rig.round.failure is DOWN
    assert rig.around.log == ["ended", "kicked with 0"]


async def test_hosts_that_refused_are_not_asked() -> None:
    rig = Rig()
    rig.round.refused_by = frozenset({"mx1"})
    await lived(rig)
    assert [each.host.name for each in rig.around.hosts.connections] == ["mx2"]


@pytest.mark.parametrize("where", ["opening", "carrying"])
async def test_a_defect_ends_the_connection_is_told_and_leaves_no_place(where: str) -> None:
    rig = Rig()
    if where == "opening":
        rig.around.hosts.failure = RuntimeError()
    else:
        rig.carriage.error = RuntimeError()
    await lived(rig)
    assert [type(each) for each in rig.around.observer.errors] == [RuntimeError]
    assert rig.around.observer.opened == rig.around.observer.closed
    assert rig.around.log[-1] == "kicked with 0"


@pytest.mark.parametrize("stage", ["before it began", "opening", "transfer", "closing"])
async def test_a_place_is_never_leaked_by_cancellation(stage: str) -> None:  # PL2
    rig = Rig(parcels=0 if stage == "closing" else 1)
    if stage == "opening":
        rig.around.hosts.may_open.clear()
    rig.around.hosts.may_carry.clear()
    if stage == "closing":
        rig.around.hosts.may_close.clear()
    rig.carrier.start()
    if stage != "before it began":
        await settle()
        (shown,) = rig.around.places.open_connections()
        assert shown.stage == stage
    (task,) = rig.around.tasks
    task.cancel()
    await asyncio.wait([task], timeout=5)
    await settle()
    assert rig.around.places.total == 0


async def test_a_process_that_ends_begins_no_connection_and_keeps_no_place() -> None:
    rig = Rig()

    def refuse(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        coroutine.close()
        raise RuntimeError

    shared = msgspec.structs.replace(rig.around.shared, spawn=refuse)
    lease = rig.around.places.try_take(rig.way.key, 9, rig, site="s", opener=NOBODY)
    assert lease is not None
    with pytest.raises(RuntimeError):
        Carrier(shared, rig.way, lease, rig.round, rig.carriage).start()
    assert rig.around.places.total == 1  # the rig's own
    assert "ended" in rig.around.log
