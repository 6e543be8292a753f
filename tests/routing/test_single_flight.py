"""Mirrors angarium/routing/single_flight.py."""

import asyncio

import pytest

from angarium.routing.single_flight import SingleFlight


async def test_sf1_the_result_outlives_a_cancelled_waiter() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    go = asyncio.Event()
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await go.wait()
        return 7

    first = asyncio.ensure_future(flight.run("a", work))
    second = asyncio.ensure_future(flight.run("a", work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await second == 7
    assert first.cancelled()
    assert runs == 1
    assert len(flight) == 0
    assert await flight.run("a", work) == 7
    assert runs == 2


async def test_all_waiters_see_what_the_run_raised() -> None:
    flight: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise KeyError("x")

    results = await asyncio.gather(
        *(flight.run("a", fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in results] == [KeyError] * 3


async def test_closing_ends_what_runs() -> None:
    flight: SingleFlight[str, None] = SingleFlight()
    waiter = asyncio.ensure_future(flight.run("a", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await flight.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert len(flight) == 0
