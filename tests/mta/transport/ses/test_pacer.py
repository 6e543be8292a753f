"""Mirrors angarium/mta/transport/ses/pacer.py."""

import asyncio

import pytest

from angarium.config.quantity import Rate
from angarium.mta.transport.ses.pacer import Pacer


async def test_calls_that_come_together_leave_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, slept = asyncio.get_running_loop(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    monkeypatch.setattr(loop, "time", lambda: 100.0)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    pacer = Pacer(lambda: Rate(count=10, period_s=1))
    for recipients in (1, 3, 1):
        await pacer.turn(recipients)
    monkeypatch.setattr(loop, "time", lambda: 200.0)
    await pacer.turn(1)
    assert slept == [0.1, 0.4]
