"""All that is known of alarms at a moment, and what each step changes of it and of the disk. Pure.

Start with ``Board.look``: readings in, keepsakes and transitions out. Whoever has a board writes what it says before
anything else is asked of it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.alarms.alarm import Alarm
from angarium.alarms.evaluation import Evaluation, Transition
from angarium.alarms.grouping import Due, Group, Pace, Target, due_notices, is_owed, told
from angarium.alarms.keepsakes import (
    Changes,
    Kept,
    Pending,
    Told,
    forget_now,
    forget_over,
    forget_pending,
    forget_silence,
    forget_told,
    now_changes,
    over_changes,
    pending_changes,
    silence_changes,
    told_changes,
)
from angarium.alarms.notice import Notice
from angarium.alarms.raised import Raised
from angarium.alarms.reading import Measurements
from angarium.alarms.silence import MAX_SILENCES, Silence
from angarium.queue.model import UnixMs

# Ours: figures of what stays raised are written so often, not with each look
FRESHEN_MS: Final = 60_000


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, all or nothing, with an event for each transition."""

    keepsakes: Changes
    transitions: Sequence[Transition] = ()
    notices: Sequence[Notice] = ()
    left_off: int = 0  # subjects that were not raised, since there are too many


class Board:
    """Invariant BRD1: what is raised, who was told of it, and what is to be told are written together, so
    that a restart neither forgets nor repeats a notice; only one that was under way may be told twice.

    Invariant BRD2: of what is over at most ``keep`` are kept, and of one target and alarm one notice waits at most.
    """

    def __init__(self, alarms: Sequence[Alarm], targets: Sequence[Target], pace: Pace, kept: Kept):
        self._set(alarms, targets, pace)
        self.evaluation = Evaluation(alarms, kept.now)
        # Over, and to be told of to whom was told that it is raised
        self._owed = {each.id: each for each in kept.now if each.ended_at is not None}
        self.over = list(kept.over)
        self.silences = list(kept.silences)
        self._told = {Group(target=each.target, alarm=each.alarm): each for each in kept.told}
        self.pending = {_key(each.notice): each for each in kept.pending}
        self._freshened = UnixMs(0)

    def exchange(self, alarms: Sequence[Alarm], targets: Sequence[Target], pace: Pace) -> None:
        """Go by these from now on."""
        self._set(alarms, targets, pace)
        self.evaluation.exchange(alarms)

    @property
    def raised(self) -> list[Raised]:
        """The most severe first, then by name."""
        found = self.evaluation.raised.values()
        return sorted(found, key=lambda each: (each.severity, each.alarm, each.subject))

    def find(self, id_: str) -> Raised | None:
        known = [*self.evaluation.raised.values(), *self._owed.values(), *reversed(self.over)]
        return next((each for each in known if each.id == id_), None)

    def silenced(self, raised: Raised, now: UnixMs) -> Silence | None:
        return next((each for each in self.silences if each.covers(raised, now)), None)

    def look(self, measurements: Measurements, now: UnixMs, keep: int) -> Change:
        """Take what was measured, and say what follows of it."""
        step = self.evaluation.step(measurements, now)
        keepsakes: Changes = {}
        ended = [each.raised for each in step.transitions if each.what == "ended"]
        for each in ended:
            if self._is_owed(each):
                self._owed[each.id] = each
        self.over += ended
        keepsakes |= over_changes(ended)
        keepsakes |= forget_now(each for each in ended if each.id not in self._owed)
        changed = {each.raised.id for each in step.transitions}
        dues = self._notices(now)
        for due in dues:
            keepsakes |= self._tell(due)
            changed |= due.told | due.told_end
        keepsakes |= self._now_changes(changed, now)
        keepsakes |= self._tidy(now, keep)
        return Change(
            keepsakes=keepsakes,
            transitions=step.transitions,
            notices=[each.notice for each in dues],
            left_off=sum(step.left_off.values()),
        )

    def add_pending(self, notice: Notice) -> Changes:
        """Have a notice told that is none of an alarm: a test."""
        pending = Pending(notice=notice, due=notice.at)
        self.pending[_key(notice)] = pending
        return pending_changes(pending)

    def was_told(self, notice: Notice) -> Changes:
        """A notice has arrived, or is given up. One that came in its place meanwhile stays."""
        pending = self.pending.get(_key(notice))
        if pending is None or pending.notice.id != notice.id:
            return {}
        del self.pending[_key(notice)]
        return forget_pending(notice)

    def has_failed(self, notice: Notice, due: UnixMs, problem: str) -> Changes:
        """It is tried again at ``due``."""
        pending = self.pending.get(_key(notice))
        if pending is None:
            return {}
        # One that came in its place is as hard to tell as it was
        later = msgspec.structs.replace(
            pending, due=due, attempts=pending.attempts + 1, problem=problem
        )
        self.pending[_key(notice)] = later
        return pending_changes(later)

    def silence(self, silence: Silence) -> Changes:
        assert len(self.silences) < MAX_SILENCES
        self.silences.append(silence)
        return silence_changes(silence)

    def end_silence(self, number: int) -> Changes:
        self.silences = [each for each in self.silences if each.id != number]
        return forget_silence(number)

    # ----------------------------------------------------------------------------------------

    def _set(self, alarms: Sequence[Alarm], targets: Sequence[Target], pace: Pace) -> None:
        self.targets = list(targets)
        self._pace = pace
        self._explained_by = {each.name: each.about.explained_by for each in alarms}

    def _is_owed(self, raised: Raised) -> bool:
        return any(is_owed(raised, each.name) for each in self.targets)

    def _notices(self, now: UnixMs) -> list[Due]:
        return due_notices(
            self._known(),
            self.targets,
            {group: each.at for group, each in self._told.items()},
            self.silences,
            self._explained_by,
            self._pace,
            now,
        )

    def _known(self) -> list[Raised]:
        return [*self.evaluation.raised.values(), *self._owed.values()]

    def _tell(self, due: Due) -> Changes:
        """BRD1."""
        notice = due.notice
        for each in told(due, self._known()):
            if each.id in self._owed:
                self._owed[each.id] = each
            else:
                self.evaluation.put(each)
        group = Group(target=notice.target, alarm=notice.alarm)
        self._told[group] = Told(target=notice.target, alarm=notice.alarm, at=notice.at)
        before = self.pending.get(_key(notice))
        # BRD2: what is told now says all that the one before would have said
        later = Pending(
            notice=notice,
            due=notice.at if before is None else before.due,
            attempts=0 if before is None else before.attempts,
            problem="" if before is None else before.problem,
        )
        self.pending[_key(notice)] = later
        return told_changes(self._told[group]) | pending_changes(later)

    def _now_changes(self, changed: set[str], now: UnixMs) -> Changes:
        if now - self._freshened >= FRESHEN_MS:
            self._freshened = now
            changed = changed | {each.id for each in self.evaluation.raised.values()}
        return now_changes(each for each in self._known() if each.id in changed)

    def _tidy(self, now: UnixMs, keep: int) -> Changes:
        keepsakes: Changes = {}
        settled = [each for each in self._owed.values() if not self._is_owed(each)]
        for each in settled:
            del self._owed[each.id]
        keepsakes |= forget_now(settled)
        gone = self.over[: max(0, len(self.over) - keep)]
        self.over = self.over[len(gone) :]
        keepsakes |= forget_over(gone)
        for silence in [each for each in self.silences if now >= each.until]:
            keepsakes |= self.end_silence(silence.id)
        return keepsakes | self._forget_targets(now)

    def _forget_targets(self, now: UnixMs) -> Changes:
        """Forget what is of targets that are no more, and paces that keep nothing back any more."""
        keepsakes: Changes = {}
        names = {each.name for each in self.targets}
        for group, each in list(self._told.items()):
            if group.target not in names or now - each.at > 2 * self._pace.group_ms:
                keepsakes |= forget_told(self._told.pop(group))
        for key, pending in list(self.pending.items()):
            if pending.notice.target not in names:
                del self.pending[key]
                keepsakes |= forget_pending(pending.notice)
        return keepsakes


def _key(notice: Notice) -> tuple[str, str]:
    return notice.target, notice.id if notice.kind == "test" else notice.alarm
