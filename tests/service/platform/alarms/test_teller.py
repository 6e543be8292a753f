"""Mirrors angarium/service/platform/alarms/teller.py and alarms/retry.py: each target in turn, again if it failed."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from angarium.alarms.board import Board
from angarium.alarms.catalogue import alarms_of
from angarium.alarms.grouping import Pace, Target
from angarium.alarms.keepsakes import read_kept
from angarium.alarms.notice import Notice, Words
from angarium.alarms.reading import Measured, plain
from angarium.alarms.retry import GIVEN_UP_MS, LATER_S, SCHEDULE_S, next_attempt
from angarium.config.alarms import Alarms, Notify
from angarium.config.schema import Config, Server
from angarium.queue import UnixMs
from angarium.service.platform.alarms.keeper import BoardKeeper
from angarium.service.platform.alarms.teller import Teller, words_of
from angarium.service.platform.alarms.told import Outcome
from angarium.telemetry.metrics import Metrics

START = UnixMs(1_000_000)


def test_the_schedule_is_quick_at_first_and_ends_after_a_day() -> None:
    waits = [next_attempt(each, START, START) for each in range(1, len(SCHEDULE_S) + 3)]
    assert [(each or 0) - START for each in waits] == [
        *(each * 1000 for each in SCHEDULE_S),
        *[LATER_S * 1000] * 2,
    ]
    assert next_attempt(3, START, UnixMs(START + GIVEN_UP_MS)) is None
    assert next_attempt(1, START, START, 60.0) == START + 60_000
    assert next_attempt(1, START, START, 1e9) == START + 3_600_000


class Memory:
    """Keepsakes without a disk."""

    def read(self, prefix: str) -> dict[str, bytes]:
        return {}

    async def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[object] = ()
    ) -> None:
        pass


class Bench:
    def __init__(self) -> None:
        self.now = START
        notify = tuple(
            Notify(name=name, kind="slack", url="https://a.example") for name in ("one", "two")
        )
        self.config = Config(
            server=Server(hostname="mx1.example.com"), alarms=Alarms(notify=notify)
        )
        targets = [Target(name=each.name) for each in notify]
        board = Board(alarms_of(()), targets, Pace(group_ms=0, remind_ms=0), read_kept({}))
        self.keeper = BoardKeeper(board, Memory())
        self.sent: list[tuple[str, str]] = []
        self.heard = asyncio.Event()
        self.outcomes: dict[str, Outcome] = {}
        self.hung = asyncio.Event()
        self.hung.set()
        self.metrics = Metrics(CollectorRegistry())
        self.teller = Teller(
            self.config,
            self.keeper,
            {"slack": self._send},
            lambda: self.now,
            self.metrics.alarms,
        )

    async def _send(self, notify: Notify, notice: Notice, words: Words) -> Outcome:
        assert words.hostname == "mx1.example.com"
        self.sent.append((notify.name, notice.kind))
        self.heard.set()
        if notify.name == "one":
            await self.hung.wait()
        return self.outcomes.get(notify.name, Outcome())

    def look(self, figure: float) -> None:
        self.now = UnixMs(self.now + 60_000)
        measured = {"disk_full": Measured(readings=[plain(figure)])}
        self.keeper.board.look(measured, self.now, 10)
        self.teller.wake()

    async def until(self, *sent: tuple[str, str]) -> None:
        async with asyncio.timeout(10):
            while not set(sent) <= set(self.sent):
                self.heard.clear()
                await self.heard.wait()

    async def until_settled(self) -> None:
        async with asyncio.timeout(10):
            while self.keeper.board.pending:
                await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_target_that_hangs_keeps_no_other_waiting(bench: Bench) -> None:
    """TLR1."""
    stop = asyncio.Event()
    bench.hung.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.teller.run(stop))
        bench.look(1.0)
        await bench.until(("one", "raised"), ("two", "raised"))
        bench.look(0.0)
        bench.look(0.0)
        await bench.until(("two", "ended"))
        assert ("one", "ended") not in bench.sent
        bench.hung.set()
        await bench.until(("one", "ended"))
        await bench.until_settled()
        stop.set()
    assert sorted(bench.sent) == [
        ("one", "ended"),
        ("one", "raised"),
        ("two", "ended"),
        ("two", "raised"),
    ]


async def test_what_fails_is_tried_again_and_given_up_after_a_day(bench: Bench) -> None:
    stop = asyncio.Event()
    bench.outcomes["two"] = Outcome(problem="HTTP 503")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.teller.run(stop))
        bench.look(1.0)
        async with asyncio.timeout(10):
            while bench.teller.failures() != {"two": (1, "HTTP 503")}:
                await asyncio.sleep(0)
        bench.now = UnixMs(bench.now + 1000)
        bench.teller.wake()
        async with asyncio.timeout(10):
            while bench.teller.failures().get("two", (0, ""))[0] != 2:
                await asyncio.sleep(0)
        bench.now = UnixMs(bench.now + GIVEN_UP_MS)
        bench.teller.wake()
        await bench.until_settled()
        stop.set()
    bench.metrics.flush()
    assert [each for each in bench.sent if each[0] == "two"] == [("two", "raised")] * 3
    text = bench.metrics.render().decode()
    for outcome, number in (("told", 1), ("failed", 2), ("given_up", 1)):
        assert f'angarium_alarm_notices_total{{outcome="{outcome}"}} {number}.0' in text


async def test_a_fault_of_ours_in_one_notice_ends_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object) -> Outcome:
        raise RuntimeError("broken")

    bench.teller._sends = {"slack": broken}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.teller.run(stop))
        bench.look(1.0)
        async with asyncio.timeout(10):
            while len(bench.teller.failures()) < 2:
                await asyncio.sleep(0)
        stop.set()
    assert "a fault of ours" in bench.teller.failures()["one"][1]


def test_an_alarm_that_is_off_by_now_has_its_words_still(tmp_path: Path) -> None:
    config = Config(server=Server(hostname="mx1.example.com"), alarms=Alarms(runbooks="https://w"))
    assert words_of(config, "disk_full").runbook == "https://w/disk_full.md"
    assert words_of(config, "of_another_release").alarm.about.title == "of_another_release"
