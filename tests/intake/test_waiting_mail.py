"""Mirrors angarium/intake/waiting_mail.py, on the queue in memory."""

from collections.abc import Awaitable, Iterator
from typing import Any

import msgspec
import pytest

from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.intake.waiting_mail import WaitingMail
from angarium.queue import Cancelled, PartitionNumber, Rescheduled, UnixMs, message_id_text
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import Submission
from tests.queue.samples import START, FakeClock, make_ids, submission

HOUR_MS = 3_600_000
P0 = PartitionNumber(0)


class Bench:
    """A queue with one message of the shop's, in an hour, to two recipients."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.spool = MemorySpool(self.clock, 4)
        self.waiting = WaitingMail(self.spool.administration)
        self.shop = caller("shop")
        self._ids = make_ids(self.clock)

    async def accepted(self, **changes: Any) -> str:
        mail: Submission = submission(
            self._ids(),
            ["a@example.net", "b@example.net"],
            tenant="shop",
            not_before=START + HOUR_MS,
        )
        await self.spool.accept([msgspec.structs.replace(mail, **changes)])
        return message_id_text(mail.message_id)

    def events(self, kind: type) -> list[Any]:
        found = [each.event for each in self.spool.events.read(0, 1000)]
        return [each for each in found if isinstance(each, kind)]

    async def claim_all(self) -> None:
        partition = await self.spool.own(P0, "here")
        await partition.claim(partition.due(UnixMs(START + 2 * HOUR_MS), 9).heads)


def caller(tenant: str) -> Caller:
    return Caller(tenant=tenant, key_id="k7", domains=(), address="192.0.2.1", listener="")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.spool.close()


async def fault(asked: Awaitable[object]) -> Fault:
    with pytest.raises(FaultError) as caught:
        await asked
    return caught.value.fault


async def test_what_waits_is_cancelled_by_whoever_sent_it(bench: Bench) -> None:
    id_ = await bench.accepted()
    assert await bench.waiting.cancel(bench.shop, id_) == 2
    assert [each.actor for each in bench.events(Cancelled)] == ["key k7", "key k7"]
    assert (await fault(bench.waiting.cancel(bench.shop, id_))).kind is FaultKind.CONFLICT


async def test_what_is_being_tried_is_not_cancelled(bench: Bench) -> None:
    id_ = await bench.accepted()
    await bench.claim_all()
    found = await fault(bench.waiting.cancel(bench.shop, id_))
    assert found.kind is FaultKind.CONFLICT
    assert "right now" in found.message
    assert not bench.events(Cancelled)


async def test_it_gets_another_start(bench: Bench) -> None:
    id_ = await bench.accepted()
    start = UnixMs(START + 5 * HOUR_MS)
    assert (await bench.waiting.reschedule(bench.shop, id_, start)).due == start
    assert [each.due for each in bench.events(Rescheduled)] == [start, start]
    await bench.claim_all()  # it is not due yet
    await bench.waiting.reschedule(bench.shop, id_, UnixMs(START))
    await bench.claim_all()
    found = await fault(bench.waiting.reschedule(bench.shop, id_, start))
    assert found.kind is FaultKind.CONFLICT


async def test_but_none_after_its_end(bench: Bench) -> None:
    end = UnixMs(START + 2 * HOUR_MS)
    id_ = await bench.accepted(expires=end, expires_is_given=True)
    found = await fault(bench.waiting.reschedule(bench.shop, id_, end))
    assert (found.kind, found.field) == (FaultKind.CONFLICT, "sendAt")
    found = await fault(bench.waiting.reschedule(bench.shop, id_, UnixMs(1 << 60)))
    assert (found.kind, found.field) == (FaultKind.INVALID, "sendAt")


@pytest.mark.parametrize("id_", ["", "x", "00000000-0000-7000-8000-000000000000", "%2F"])
async def test_an_id_that_is_none_is_not_found(bench: Bench, id_: str) -> None:
    for asked in (
        bench.waiting.cancel(bench.shop, id_),
        bench.waiting.reschedule(bench.shop, id_, UnixMs(START)),
    ):
        assert (await fault(asked)).kind is FaultKind.NOT_FOUND


async def test_nor_is_another_tenants(bench: Bench) -> None:
    id_ = await bench.accepted()
    other = caller("other")
    for _ in range(2):  # waiting, and ended
        for asked in (
            bench.waiting.cancel(other, id_),
            bench.waiting.reschedule(other, id_, UnixMs(START)),
        ):
            assert (await fault(asked)).kind is FaultKind.NOT_FOUND
        if not bench.events(Cancelled):
            await bench.waiting.cancel(bench.shop, id_)
    found = await fault(bench.waiting.reschedule(bench.shop, id_, UnixMs(START)))
    assert found.kind is FaultKind.CONFLICT
