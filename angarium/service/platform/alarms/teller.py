"""Tells what is to be told of alarms: each target its notices, one after the other, again where it failed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from angarium.alarms.alarm import RUNBOOKS
from angarium.alarms.catalogue import alarms_of, find_alarm
from angarium.alarms.keepsakes import Pending
from angarium.alarms.notice import Notice, Words
from angarium.alarms.retry import next_attempt
from angarium.config.alarms import Notify
from angarium.config.schema import Config
from angarium.queue import UnixMs
from angarium.service.platform.alarms.keeper import BoardKeeper
from angarium.service.platform.alarms.told import Outcome
from angarium.telemetry import log, log_exception
from angarium.telemetry.alarm_metrics import AlarmMetrics

POLL_S: Final = 0.5
# What is under way when the server stops has so long; it is told again after the start otherwise
GRACE_S: Final = 2.0
Send = Callable[[Notify, Notice, Words], Awaitable[Outcome]]


class Teller:
    """Invariant TLR1: a target is told one notice at a time, and what fails at one keeps no other waiting."""

    def __init__(
        self,
        config: Config,
        keeper: BoardKeeper,
        sends: Mapping[str, Send],
        clock: Callable[[], UnixMs],
        metrics: AlarmMetrics,
    ) -> None:
        """``sends``: by kind of target."""
        self._config = config
        self._keeper = keeper
        self._sends = sends
        self._clock = clock
        self._metrics = metrics
        self._busy: set[str] = set()
        self._woken = asyncio.Event()

    def exchange(self, config: Config) -> None:
        self._config = config
        self.wake()

    def wake(self) -> None:
        self._woken.set()

    def failures(self) -> dict[str, tuple[int, str]]:
        """Return how often each target that fails did so in a row, and what came of its last attempt."""
        found: dict[str, tuple[int, str]] = {}
        for each in self._keeper.board.pending.values():
            if each.attempts > found.get(each.notice.target, (0, ""))[0]:
                found[each.notice.target] = (each.attempts, each.problem)
        return found

    async def try_once(self, notify: Notify, notice: Notice) -> Outcome:
        """Tell now what is not kept, and return what came of it."""
        return await self._sends[notify.kind](notify, notice, self._words(notice))

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop``."""
        async with asyncio.TaskGroup() as tasks:
            under_way: set[asyncio.Task[None]] = set()
            while not stop.is_set():
                for notify, pending in self._due():
                    self._busy.add(notify.name)
                    task = tasks.create_task(self._tell(notify, pending))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                await self._rest(stop)
            if under_way:
                await asyncio.wait(under_way, timeout=GRACE_S)
            for task in under_way:
                task.cancel()

    def _due(self) -> list[tuple[Notify, Pending]]:
        """The first that is due of each target that is told nothing now."""
        now = self._clock()
        targets = {each.name: each for each in self._config.alarms.notify}
        found: dict[str, Pending] = {}
        for each in sorted(self._keeper.board.pending.values(), key=lambda pending: pending.due):
            name = each.notice.target
            if each.due <= now and name in targets and name not in self._busy:  # TLR1
                found.setdefault(name, each)
        return [(targets[name], each) for name, each in found.items()]

    async def _tell(self, notify: Notify, pending: Pending) -> None:
        notice = pending.notice
        try:
            outcome = await self._sends[notify.kind](notify, notice, self._words(notice))
        except Exception as error:  # noqa: BLE001 - a task boundary: the next attempt may do
            log_exception("internal_error", error, where="alarm notices")
            outcome = Outcome(problem="a fault of ours: the server's log says more")
        finally:
            self._busy.discard(notify.name)
        try:
            await self._conclude(pending, outcome)
        except Exception as error:  # noqa: BLE001 - a queue that has failed ends its process by itself
            log_exception("internal_error", error, where="alarm notices")
        self.wake()

    async def _conclude(self, pending: Pending, outcome: Outcome) -> None:
        notice, board = pending.notice, self._keeper.board
        about = {"target": notice.target, "alarm": notice.alarm, "notice": notice.id}
        if not outcome.problem:
            self._metrics.notices["told"].add()
            log("alarm_notice_told", **about, kind=notice.kind)
            await self._keeper.write(board.was_told(notice))
            return
        now = self._clock()
        due = next_attempt(pending.attempts + 1, notice.at, now, outcome.retry_after_s)
        if due is None:
            self._metrics.notices["given_up"].add()
            log("alarm_notice_given_up", "error", **about, problem=outcome.problem)
            await self._keeper.write(board.was_told(notice))
            return
        self._metrics.notices["failed"].add()
        level = "warning" if pending.attempts == 0 else "info"
        log("alarm_notice_failed", level, **about, problem=outcome.problem)
        await self._keeper.write(board.has_failed(notice, due, outcome.problem))

    def _words(self, notice: Notice) -> Words:
        return words_of(self._config, notice.alarm)

    async def _rest(self, stop: asyncio.Event) -> None:
        waiter = asyncio.create_task(self._woken.wait())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                (waiter, stopping), timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiter.cancel()
            stopping.cancel()
        self._woken.clear()


def words_of(config: Config, alarm: str) -> Words:
    """What a notice of an alarm is written with; one that is off by now has its shipped limits."""
    found = next((each for each in alarms_of(config.alarm) if each.name == alarm), None)
    return Words(
        alarm=found or find_alarm(alarm),
        hostname=config.server.hostname,
        runbooks=config.alarms.runbooks or RUNBOOKS,
    )
