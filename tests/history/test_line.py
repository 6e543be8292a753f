"""Mirrors angarium/history/line.py."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from angarium.history.line import AT_ONCE, Line, Question


class Answering:
    """Answers each question by itself; the first lot waits until it may go on."""

    def __init__(self) -> None:
        self.lots: list[int] = []
        self.go = threading.Event()

    def __call__(self, questions: Sequence[Question]) -> Sequence[Any]:
        self.lots.append(len(questions))
        assert self.go.wait(60)
        return [each(None) for each in questions]


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
async def line(answering: Answering) -> AsyncIterator[Line]:
    line = Line("test", answering)
    yield line
    answering.go.set()
    line.close()


async def first_is_asked(line: Line, answering: Answering) -> "asyncio.Task[int]":
    first = asyncio.create_task(line.ask(lambda _: -1))
    async with asyncio.timeout(60):
        while not answering.lots:
            await asyncio.sleep(0.001)
    return first


async def test_what_came_meanwhile_is_answered_together_and_in_order(
    line: Line, answering: Answering
) -> None:
    """QL1"""
    first = await first_is_asked(line, answering)
    order: list[int] = []
    asked = [
        asyncio.create_task(line.ask(lambda _, number=number: order.append(number) or number))
        for number in range(AT_ONCE + 3)
    ]
    await asyncio.sleep(0)
    assert len(line) == AT_ONCE + 3
    answering.go.set()
    assert await first == -1
    assert await asyncio.gather(*asked) == order == list(range(AT_ONCE + 3))
    assert answering.lots == [1, AT_ONCE, 3]
    assert await line.ask(lambda _: 7) == 7


async def test_who_has_gone_is_not_answered(line: Line, answering: Answering) -> None:
    first = await first_is_asked(line, answering)
    first.cancel()
    gone = asyncio.create_task(line.ask(lambda _: 1))
    stays = asyncio.create_task(line.ask(lambda _: 2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    answering.go.set()
    assert await stays == 2
    assert answering.lots == [1, 1]


async def test_what_fails_fails_for_all_that_were_asked() -> None:
    def fail(_: Sequence[Question]) -> Sequence[Any]:
        raise OSError("away")

    line = Line("test", fail)
    asked = [asyncio.create_task(line.ask(lambda _: 1)) for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(each) for each in found] == ["away"] * 3
    line.close()
