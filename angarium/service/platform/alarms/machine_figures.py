"""How the machine and the queue are, measured for alarms: disk, clock, what waits, processes that end."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.reading import Measured, Reading, plain
from angarium.alarms.statistics import seconds_left
from angarium.alarms.subject import Subject
from angarium.insight.units import octets_text
from angarium.queue import QueueSummary, UnixMs

# Of free space: one a minute is kept, for an hour
DISK_EVERY_S: Final = 60.0
# Ours: in less time a single large file looks like the end of the disk
DISK_AT_LEAST_S: Final = 600.0


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    wall: Callable[[], UnixMs]
    # Seconds that never go back, and go on while the machine sleeps: what the wall clock is compared with
    steady: Callable[[], float]


def boot_clock() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class MachineFigures:
    """What is remembered from one look to the next. Belongs to one process."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._began = clocks.steady()
        self._offset: float | None = None  # of the wall clock to the steady one, with the last look
        self._free: deque[tuple[float, float]] = deque()
        self._attempts = 0.0
        self._attempted_at = self._began
        self._pids: dict[str, int] = {}
        self._starts: deque[tuple[float, str]] = deque()

    def measure(
        self,
        alarms: Mapping[str, Alarm],
        *,
        summary: QueueSummary,
        free_mark: int,
        overdue: int,
        attempts: float,
        pids: Mapping[str, int],
    ) -> dict[str, Measured]:
        """``overdue``: recipients that should have been tried some time ago, counted up to some number.

        ``attempts``: so far. ``pids``: of the processes that run, by slot.
        """
        now = self._clocks.steady()
        return {
            "queue_age": self._age(summary),
            "no_deliveries": self._standstill(now, attempts, overdue),
            "disk_full": Measured(readings=[plain(float(summary.low_disk))]),
            "disk_filling": self._forecast(now, summary.free_disk_octets, free_mark, alarms),
            "clock_wrong": self._jump(now),
            "processes_ending": self._ends(now, pids, alarms),
        }

    def _age(self, summary: QueueSummary) -> Measured:
        if summary.oldest_at is None:
            return Measured()
        age_s = max(0, self._clocks.wall() - summary.oldest_at) / 1000
        return Measured(readings=[plain(age_s, volume=summary.recipients)])

    def _standstill(self, now: float, attempts: float, overdue: int) -> Measured:
        if attempts != self._attempts or not overdue:
            self._attempts, self._attempted_at = attempts, now
        return Measured(readings=[plain(now - self._attempted_at, volume=overdue)])

    def _forecast(self, now: float, free: int, mark: int, alarms: Mapping[str, Alarm]) -> Measured:
        alarm = alarms.get("disk_filling")
        reach_s = (alarm.window_s or 0.0) if alarm is not None else 0.0
        if not self._free or now - self._free[-1][0] >= DISK_EVERY_S:
            self._free.append((now, float(free)))
        while self._free and self._free[0][0] < now - reach_s:
            self._free.popleft()
        if not self._free or now - self._free[0][0] < DISK_AT_LEAST_S:
            return Measured(is_whole=False)
        left_s = seconds_left(self._free, float(mark))
        if left_s is None:
            return Measured()
        return Measured(readings=[plain(left_s, detail=f"{octets_text(free)} are free")])

    def _jump(self, now: float) -> Measured:
        offset = self._clocks.wall() / 1000 - now
        before, self._offset = self._offset, offset
        return Measured(readings=[plain(0.0 if before is None else abs(offset - before))])

    def _ends(self, now: float, pids: Mapping[str, int], alarms: Mapping[str, Alarm]) -> Measured:
        alarm = alarms.get("processes_ending")
        reach_s = (alarm.window_s or 0.0) if alarm is not None else 0.0
        for slot, pid in pids.items():
            if self._pids.setdefault(slot, pid) != pid:
                self._pids[slot] = pid
                self._starts.append((now, slot))
        while self._starts and self._starts[0][0] < now - reach_s:
            self._starts.popleft()
        slots = [slot for _, slot in self._starts]
        readings = [
            plain(float(slots.count(slot)), Subject(kind="process", name=slot)) for slot in {*slots}
        ]
        return Measured(readings=readings, is_whole=now - self._began >= reach_s)


def readings_of(found: Mapping[Subject, list[str]]) -> Measured:
    """Return what is there of each subject, with each one's words: raised while there is any."""
    return Measured(
        readings=[
            Reading(
                subject=subject,
                figure=float(len(words)),
                sure=float(len(words)),
                detail=", ".join(words),
            )
            for subject, words in found.items()
        ]
    )
