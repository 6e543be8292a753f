"""Mirrors angarium/routing/patient_limit.py."""

import asyncio

from angarium.routing.patient_limit import SLOW, PatientLimit


class Guests:
    """Tasks that hold a place until they are let go."""

    def __init__(self, limit: PatientLimit) -> None:
        self.limit = limit
        self.inside = 0
        self.go = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, count: int) -> None:
        self.tasks += [asyncio.create_task(self._stay()) for _ in range(count)]

    async def _stay(self) -> None:
        async with self.limit.turn():
            self.inside += 1
            try:
                await self.go.wait()
            finally:
                self.inside -= 1

    async def until(self, inside: int) -> None:
        async with asyncio.timeout(5):
            while self.inside != inside:
                await asyncio.sleep(0.001)


async def test_the_quick_are_bounded() -> None:
    guests = Guests(PatientLimit(2, patience_s=60))
    guests.come(10)
    await guests.until(2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert guests.inside == 2
    guests.go.set()
    await asyncio.gather(*guests.tasks)


async def test_the_slow_make_room_and_are_bounded_too() -> None:
    guests = Guests(PatientLimit(2, patience_s=0.01))
    guests.come(30)
    most = 2 + SLOW * 2
    await guests.until(most)
    await asyncio.sleep(0.05)
    assert guests.inside == most
    guests.go.set()
    await asyncio.gather(*guests.tasks)
    guests.go.clear()
    guests.tasks.clear()
    guests.come(30)  # every place was given back
    await guests.until(most)
    guests.go.set()
    await asyncio.gather(*guests.tasks)


async def test_who_is_cancelled_gives_its_place_back() -> None:
    guests = Guests(PatientLimit(1, patience_s=0.01))
    guests.come(3)
    await guests.until(3)
    for task in guests.tasks:
        task.cancel()
    await asyncio.gather(*guests.tasks, return_exceptions=True)
    guests.tasks.clear()
    guests.come(10)
    await guests.until(1 + SLOW)
    guests.go.set()
    await asyncio.gather(*guests.tasks)
