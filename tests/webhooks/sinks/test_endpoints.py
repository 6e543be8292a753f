"""Mirrors angarium/webhooks/sinks/endpoints.py: who is told in which way, and what stays open."""

import asyncio
from typing import Any

import pytest

from angarium.webhooks.caller import Answered, Caller
from angarium.webhooks.courier import Letter
from angarium.webhooks.guard import Guard
from angarium.webhooks.sinks import endpoints as module
from angarium.webhooks.sinks.endpoints import IDLE_S, Endpoints
from angarium.webhooks.sinks.sink import Place, SinkError
from tests.webhooks.sinks.world import letter

OPEN = Guard(["127.0.0.0/8"])


class ToldSink:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.told: list[str] = []
        self.failure: BaseException | None = None
        self.hangs = False
        self.is_closed = False

    async def tell(self, letter: Letter) -> str:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        self.told.append(letter.event_id)
        return "told\x1b"

    async def close(self) -> None:
        self.is_closed = True


class Web(Caller):
    def __init__(self) -> None:
        self.posted: list[str] = []

    async def post(self, url: str, headers: Any, body: bytes) -> Answered:
        self.posted.append(url)
        return Answered(status=204)

    async def close(self) -> None: ...


class World:
    def __init__(self, timeout_s: float = 20.0) -> None:
        self.now = 1000.0
        self.made: list[ToldSink] = []
        self.web = Web()
        self.endpoints = Endpoints(
            self.web, OPEN, self._make, timeout_s=timeout_s, clock=lambda: self.now
        )

    def _make(self, place: Place) -> ToldSink:
        self.made.append(ToldSink(place))
        return self.made[-1]

    async def post(self, host: str = "127.0.0.1", number: int = 1) -> Answered:
        return await self.endpoints.post(letter(f"syslog+tcp://{host}", number))


async def test_what_is_no_sink_is_called() -> None:
    world = World()
    answered = await world.endpoints.post(letter("https://hooks.example.com/"))
    assert (answered.status, world.web.posted) == (204, ["https://hooks.example.com/"])
    assert not world.made


async def test_a_sink_is_kept_for_its_url() -> None:
    world = World()
    assert await world.post() == Answered(status=200, text="told?")
    await world.post(number=2)
    await world.post("127.0.0.2")
    assert [each.told for each in world.made] == [["event-1", "event-2"], ["event-1"]]
    await world.endpoints.close()
    assert all(each.is_closed for each in world.made)


@pytest.mark.parametrize(
    ("failure", "text", "is_made_anew"),
    [
        (SinkError("not now"), "not now", False),
        (ConnectionResetError("gone"), "gone", True),
        (TimeoutError(), "no answer within 20 s", True),
    ],
)
async def test_what_could_not_be_reached_is_opened_anew(
    failure: Exception, text: str, is_made_anew: bool
) -> None:
    """SK2"""
    world = World()
    await world.post()
    world.made[0].failure = failure
    assert await world.post(number=2) == Answered(status=0, text=text)
    assert world.made[0].is_closed is is_made_anew
    world.made[0].failure = None
    assert (await world.post(number=3)).is_success
    assert world.made[-1].told[-1] == "event-3"
    assert len(world.made) == 1 + is_made_anew


async def test_telling_ends_within_the_time_out() -> None:
    """SK2"""
    world = World(timeout_s=0.05)
    await world.post()
    world.made[0].hangs = True
    assert (await world.post()).text == "no answer within 0.05 s"
    assert (await world.post()).is_success


async def test_what_may_not_be_told_any_more_is_not_p1() -> None:
    world = World()
    answered = await world.post("10.0.0.5")
    assert (answered.status, world.made) == (0, [])
    assert "not public" in answered.text


async def test_what_is_idle_is_closed_and_no_more_are_open_than_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    world = World()
    for number in (1, 2, 3, 4):
        world.now += 1
        await world.post(f"127.0.0.{number}")
    assert [each.is_closed for each in world.made] == [True, False, False, False]
    world.now += IDLE_S
    await world.post("127.0.0.5")
    assert [each.is_closed for each in world.made] == [True, True, True, True, False]
