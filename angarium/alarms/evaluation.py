"""When an alarm is raised and when it is over: readings in, transitions out. Pure; start with ``Evaluation.step``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.raised import DETAIL, Raised, new_id
from angarium.alarms.reading import Measured, Measurements, Reading
from angarium.alarms.subject import ALL, Subject
from angarium.queue.model import UnixMs

# Ours: of one alarm, so many subjects; all of them at once would be a storm of one cause
MAX_SUBJECTS: Final = 200
Key = tuple[str, Subject]


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    what: Literal["raised", "ended"]
    raised: Raised


class Step(msgspec.Struct, frozen=True, kw_only=True):
    transitions: Sequence[Transition]
    left_off: Mapping[str, int]  # by alarm: subjects that were not raised, since there are too many


class Evaluation:
    """Invariant AEV1: one time above the level is no alarm: it is raised after ``for_s`` without a break, with volume,
    and where the sure bound is beyond the level; it ends after ``end_for_s`` without a break at ``end_level``.

    Invariant AEV2: what could not be measured stays as it is.

    Invariant AEV3: of one alarm at most MAX_SUBJECTS are raised, the whole before its parts.
    """

    def __init__(self, alarms: Iterable[Alarm], raised: Iterable[Raised] = ()) -> None:
        """``raised``: as it was kept. How long something had been above its level is not: that begins again."""
        self.alarms = {each.name: each for each in alarms}
        self._raised = {each.key: each for each in raised if each.ended_at is None}
        self._above: dict[Key, UnixMs] = {}  # not raised yet: since when
        self._calm: dict[Key, UnixMs] = {}  # raised: since when at the end level

    @property
    def raised(self) -> Mapping[Key, Raised]:
        return self._raised

    def exchange(self, alarms: Iterable[Alarm]) -> None:
        """Go by these from now on; what is raised of others ends with the next step."""
        self.alarms = {each.name: each for each in alarms}

    def put(self, changed: Raised) -> None:
        """Keep what was told of it; nothing if it is over meanwhile."""
        if changed.key in self._raised and self._raised[changed.key].id == changed.id:
            self._raised[changed.key] = changed

    def step(self, measurements: Measurements, now: UnixMs) -> Step:
        """Return what has changed; figures of what stays raised are brought up to date."""
        transitions = [*self._of_none(now)]
        left_off: dict[str, int] = {}
        for name, alarm in self.alarms.items():
            measured = measurements.get(name)
            if measured is None:
                self._lose_sight(name)  # AEV2
                continue
            transitions += self._calmed(alarm, measured, now)
            found, rest = self._risen(alarm, measured, now)
            transitions += found
            if rest:
                left_off[name] = rest
        return Step(transitions=transitions, left_off=left_off)

    # ----------------------------------------------------------------------------------------

    def _of_none(self, now: UnixMs) -> Iterator[Transition]:
        """End what nobody looks for any more."""
        for key in [each for each in self._raised if each[0] not in self.alarms]:
            yield self._end(key, now, "it is turned off")

    def _lose_sight(self, name: str) -> None:
        """Without a break means that each look saw it."""
        for since in (self._above, self._calm):
            for key in [each for each in since if each[0] == name]:
                del since[key]

    def _calmed(self, alarm: Alarm, measured: Measured, now: UnixMs) -> Iterator[Transition]:
        readings = {each.subject: each for each in measured.readings}
        for key in [each for each in self._raised if each[0] == alarm.name]:
            reading = readings.get(key[1])
            if reading is not None:
                self._update(alarm, key, reading)
            if not self._is_calm(alarm, measured, reading):
                self._calm.pop(key, None)
                continue
            since = self._calm.setdefault(key, now)
            if now - since >= alarm.end_for_s * 1000:  # AEV1
                why = "" if reading is not None else "there is nothing of it any more"
                yield self._end(key, now, why)

    def _risen(self, alarm: Alarm, measured: Measured, now: UnixMs) -> tuple[list[Transition], int]:
        over = {
            each.subject: each
            for each in measured.readings
            if each.subject.kind in alarm.about.subjects
            and self._has_volume(alarm, each)
            and alarm.is_over(each.sure)
        }
        for key in [k for k in self._above if k[0] == alarm.name and k[1] not in over]:
            del self._above[key]
        found: list[Transition] = []
        room = MAX_SUBJECTS - sum(each[0] == alarm.name for each in self._raised)
        left_off = 0
        for subject in sorted(over, key=lambda each: (each != ALL, each)):
            key = (alarm.name, subject)
            if key in self._raised:
                continue
            since = self._above.setdefault(key, now)
            if now - since < alarm.for_s * 1000:  # AEV1
                continue
            if room <= 0:
                left_off += 1  # AEV3
                continue
            room -= 1
            found.append(self._raise(alarm, over[subject], since, now))
        return found, left_off

    def _is_calm(self, alarm: Alarm, measured: Measured, reading: Reading | None) -> bool:
        if reading is None or not self._has_volume(alarm, reading):
            return measured.is_whole
        return measured.is_whole and alarm.is_calm(reading.figure)

    def _has_volume(self, alarm: Alarm, reading: Reading) -> bool:
        return alarm.minimum is None or (reading.volume or 0) >= alarm.minimum

    def _update(self, alarm: Alarm, key: Key, reading: Reading) -> None:
        before = self._raised[key]
        self._raised[key] = msgspec.structs.replace(
            before,
            figure=reading.figure,
            worst=alarm.worse(before.worst, reading.figure),
            volume=reading.volume,
            detail=reading.detail[:DETAIL] or before.detail,
        )

    def _raise(self, alarm: Alarm, reading: Reading, since: UnixMs, now: UnixMs) -> Transition:
        raised = Raised(
            id=new_id(alarm.name, reading.subject, now),
            alarm=alarm.name,
            subject=reading.subject,
            severity=alarm.severity,
            unit=alarm.unit,
            level=alarm.level,
            since=since,
            raised_at=now,
            figure=reading.figure,
            worst=reading.figure,
            volume=reading.volume,
            detail=reading.detail[:DETAIL],
        )
        self._above.pop(raised.key, None)
        self._raised[raised.key] = raised
        return Transition(what="raised", raised=raised)

    def _end(self, key: Key, now: UnixMs, why: str) -> Transition:
        self._calm.pop(key, None)
        ended = msgspec.structs.replace(self._raised.pop(key), ended_at=now, why_ended=why)
        return Transition(what="ended", raised=ended)
