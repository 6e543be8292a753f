"""Mirrors angarium/routing/patient_limit.py."""

import asyncio

from angarium.routing.patient_limit import SLOW, PatientLimit


class Guests:
    """Tasks that hold a place until they are let go."""

    def __init__(self, limit: PatientLimit, sender: str = "a") -> None:
        self.limit = limit
        self.sender = sender
        self.inside = 0
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, count: int) -> None:
        self.tasks += [asyncio.create_task(self._stay(number)) for number in range(count)]

    async def _stay(self, number: int) -> None:
        async with self.limit.turn((self.sender, f"{number}")):
            self.inside += 1
            try:
                await self.go.wait()
            finally:
                self.inside -= 1

    async def until(self, inside: int) -> None:
        async with asyncio.timeout(5):
            while self.inside != inside:
                await asyncio.sleep(0.001)


async def test_the_quick_are_bounded() -> None:  # PA1
    limit = PatientLimit(2, patience_s=60)
    guests = [Guests(limit, sender) for sender in "abcdef"]
    for each in guests:
        each.come(1)
    await guests[0].until(1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sum(each.inside for each in guests) == 2
    for each in guests:
        each.go.set()
        await asyncio.gather(*each.tasks)


async def test_the_slow_make_room_and_are_bounded_too() -> None:  # PA1
    limit = PatientLimit(2, patience_s=0.01)
    for _ in range(2):  # every place was given back
        guests = [Guests(limit, f"{number}") for number in range(30)]
        for each in guests:
            each.come(1)
        async with asyncio.timeout(5):
            while sum(each.inside for each in guests) < 2 + SLOW * 2:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert sum(each.inside for each in guests) == 2 + SLOW * 2
        for each in guests:
            each.go.set()
            await asyncio.gather(*each.tasks)


async def test_however_many_slow_ones_somebody_has_others_get_places() -> None:  # PA2
    limit = PatientLimit(4, patience_s=0.01)
    many, few = Guests(limit, "many"), Guests(limit, "few")
    many.come(1000)
    async with asyncio.timeout(5):
        while many.inside < 10:  # two thirds of the slow places
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    assert many.inside < 4 + SLOW * 4
    few.come(1)
    await few.until(1)
    for each in (many, few):
        each.go.set()
        await asyncio.gather(*each.tasks)


async def test_who_is_cancelled_gives_its_place_back() -> None:
    limit = PatientLimit(1, patience_s=0.01)
    for _ in range(2):
        guests = [Guests(limit, f"{number}") for number in range(10)]
        for each in guests:
            each.come(1)
        async with asyncio.timeout(5):
            while sum(each.inside for each in guests) < 1 + SLOW:
                await asyncio.sleep(0.001)
        for each in guests:
            each.tasks[0].cancel()
            await asyncio.wait(each.tasks)


async def test_a_turn_that_comes_as_its_waiter_is_cancelled_is_given_back() -> None:
    limit = PatientLimit(1, patience_s=60)
    first = await limit.take(("a", "1"))
    waiter = asyncio.create_task(limit.take(("b", "1")))
    await asyncio.sleep(0)
    first.end()
    waiter.cancel()
    await asyncio.wait([waiter])
    (await limit.take(("c", "1"))).end()
