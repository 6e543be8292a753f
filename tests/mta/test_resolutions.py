"""Mirrors angarium/mta/resolutions.py."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import pytest

from angarium.mta.resolutions import RESOLVING, Resolutions, whose_of
from angarium.queue import DeliveryId, DueHead, MessageId, PartitionNumber, UnixMs
from angarium.routing.fair_turns import Whose
from angarium.routing.patient_limit import SLOW
from angarium.routing.resolution import Resolution, Unroutable

FOUND = Unroutable(permanent=True, code=550, enhanced="5.1.2", text="no such domain")


def head(message: int, domain: str, index: int = 0, **more: Any) -> DueHead:
    given = {"tenant": "t", "account": "ann", "sender": "a@sender.example", **more}
    return DueHead(
        partition=PartitionNumber(0),
        due=UnixMs(0),
        id=DeliveryId(MessageId(message.to_bytes(16, "big")), index),
        domain=domain,
        octets=1,
        **given,
    )


class Rig:
    """Domains in ``silent`` are never resolved, unless by somebody in ``heard``."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.heard: set[object] = set()  # senders
        self.asked: list[tuple[str, Whose]] = []
        self.under_way = 0
        self.resolved: list[DueHead] = []
        self.errors: list[BaseException] = []
        self.broken = False
        self.tasks: list[asyncio.Task[None]] = []
        self.resolutions = Resolutions(self, self.spawn, self.take, self.errors.append)

    def find_known(self, domain: str) -> Resolution | None:
        return None

    async def resolve(self, domain: str, whose: Whose) -> Resolution:
        self.asked.append((domain, whose))
        self.under_way += 1
        try:
            if domain in self.silent and whose[2] not in self.heard:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            if self.broken:
                raise LookupError(domain)
        finally:
            self.under_way -= 1
        return FOUND

    def take(self, domain: str, resolution: Resolution, heads: Sequence[DueHead]) -> None:
        assert all(each.domain == domain for each in heads)
        self.resolved += heads

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.get_running_loop().create_task(coroutine))
        return self.tasks[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.001)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.resolutions.close()
    await asyncio.gather(*rig.tasks, return_exceptions=True)
    assert rig.under_way == 0


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_five_thousand_silent_domains_of_a_sender_hold_up_nobody_elses(rig: Rig) -> None:
    for number in range(5_000):
        rig.silent.add(f"{number}.silent.example")
        rig.resolutions.put(head(number // 500, f"{number}.silent.example", number % 500))
    await settle()
    # PA1; who is slow is so by the wall clock
    assert 0 < rig.under_way < RESOLVING * (1 + SLOW)
    others = [
        head(1_001, "good.example", sender="b@sender.example"),
        head(1_002, "better.example", account="bob"),
        head(1_003, "best.example", tenant="u"),
    ]
    for each in others:
        rig.resolutions.put(each)
    await settle()  # no time passes
    assert sorted(each.domain for each in rig.resolved) == sorted(each.domain for each in others)


async def test_a_domain_is_resolved_for_all_by_whoevers_turn_comes_first(rig: Rig) -> None:  # RE2
    rig.silent.update(f"{number}.silent.example" for number in range(1_000))
    for number in range(1_000):
        rig.resolutions.put(head(1, f"{number}.silent.example", number))
    rig.resolutions.put(head(1, "good.example", 1_000))  # behind all of these
    await settle()
    assert rig.resolved == []
    rig.resolutions.put(head(2, "good.example", sender="b@sender.example"))
    await settle()
    assert [each.id.index for each in rig.resolved] == [1_000, 0]
    assert "good.example" not in rig.resolutions


async def test_one_under_way_for_somebody_slow_is_had_by_ones_own_turn(rig: Rig) -> None:  # RE2
    rig.silent.add("slow.example")
    rig.heard.add("b@sender.example")
    rig.resolutions.put(head(1, "slow.example"))
    await settle()
    rig.resolutions.put(head(2, "slow.example", sender="b@sender.example"))
    await settle()
    assert len(rig.resolved) == 2
    rig.resolutions.put(head(3, "slow.example", sender="b@sender.example"))
    await settle()
    assert len(rig.resolved) == 3


async def test_messages_of_one_sender_ask_for_a_domain_once(rig: Rig) -> None:
    for number in range(10):
        rig.resolutions.put(head(number, "good.example"))
    await settle()
    assert rig.asked == [("good.example", whose_of(head(0, "good.example")))]
    assert len(rig.resolved) == 10


async def test_the_account_that_has_most_in_memory_gives_half_back(rig: Rig) -> None:  # RE1
    rig.silent.update(f"{number}.silent.example" for number in range(1_000))
    for number in range(1_000):  # each with a sender of its own
        sender = f"bounce+{number}@sender.example"
        rig.resolutions.put(head(number, f"{number}.silent.example", sender=sender))
    rig.resolutions.put(head(1_001, "0.silent.example", account="bob"))
    await settle()
    dropped = rig.resolutions.drop_half()
    assert {each.account for each in dropped} == {"ann"}
    assert len(dropped) == 500
    assert len(rig.resolutions) == 501
    assert "999.silent.example" not in rig.resolutions
    rig.silent.discard("999.silent.example")
    rig.resolutions.put(dropped[-1])  # read again: it waits once
    await rig.until(lambda: len(rig.resolved) == 1)
    assert [domain for domain, _ in rig.asked].count("999.silent.example") == 1


async def test_a_fault_of_ours_defers_and_is_told(rig: Rig) -> None:
    rig.broken = True
    rig.resolutions.put(head(1, "good.example"))
    await settle()
    assert len(rig.resolved) == len(rig.errors) == 1


async def test_what_is_closed_ends_at_once_and_begins_nothing_more(rig: Rig) -> None:
    for number in range(1_000):
        rig.silent.add(f"{number}.silent.example")
        rig.resolutions.put(head(1, f"{number}.silent.example", number))
    await settle()
    begun = len(rig.tasks)
    rig.resolutions.close()
    await settle()
    assert all(task.done() for task in rig.tasks)
    assert (len(rig.tasks), len(rig.resolutions)) == (begun, 0)
