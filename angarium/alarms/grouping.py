"""Whom to tell what, and when: one notice for many subjects of an alarm, and no storm. Pure.

Start with ``due_notices``.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from angarium.alarms.notice import NAMED, Notice, NoticeKind
from angarium.alarms.raised import Raised
from angarium.alarms.silence import Silence
from angarium.config.alarms import SEVERITIES, Severity
from angarium.queue.model import UnixMs


class Target(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    severity: Severity = "warning"
    only: tuple[str, ...] = ()

    def wants(self, raised: Raised) -> bool:
        if self.only and raised.alarm not in self.only:
            return False
        return SEVERITIES.index(raised.severity) >= SEVERITIES.index(self.severity)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    group_ms: int  # between two notices of one alarm to one target
    remind_ms: int  # 0: never


class Group(msgspec.Struct, frozen=True, kw_only=True):
    target: str
    alarm: str


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A notice, and which ones it tells of, also those that it does not name.

    Invariant GRP1: of one alarm a target gets one notice in ``group_ms`` at most.
    Invariant GRP2: of a part nobody is told while its whole is raised, nor of an effect while its cause is.
    Invariant GRP3: who was told that it is raised is told that it is over, also when it is silenced by then.
    """

    notice: Notice
    told: frozenset[str]
    told_end: frozenset[str]


def due_notices(
    known: Collection[Raised],
    targets: Sequence[Target],
    last: Mapping[Group, UnixMs],
    silences: Sequence[Silence],
    explained_by: Mapping[str, Sequence[str]],
    pace: Pace,
    now: UnixMs,
) -> list[Due]:
    """Return what is to be told now, one notice for each target and alarm at most.

    ``known``: what is raised, and what is over and not told of to all who had been told that it is raised. ``last``:
    when each group was told of last.
    """
    by_alarm: dict[str, list[Raised]] = {}
    for each in known:
        by_alarm.setdefault(each.alarm, []).append(each)
    told_of = [each for each in known if each.ended_at is None]
    found = []
    for target in targets:
        for alarm, members in by_alarm.items():
            before = last.get(Group(target=target.name, alarm=alarm))
            if before is not None and now - before < pace.group_ms:
                continue  # GRP1
            causes = [each for each in told_of if each.alarm in explained_by.get(alarm, ())]
            due = _due(target, alarm, members, causes, silences, pace, now)
            if due is not None:
                found.append(due)
    return found


def _due(
    target: Target,
    alarm: str,
    members: Sequence[Raised],
    causes: Sequence[Raised],
    silences: Sequence[Silence],
    pace: Pace,
    now: UnixMs,
) -> Due | None:
    active = [each for each in members if each.ended_at is None]
    ended = [each for each in members if each.ended_at is not None and is_owed(each, target.name)]
    wanted = [
        each
        for each in active
        if target.wants(each) and not any(silence.covers(each, now) for silence in silences)
    ]
    shown = [each for each in wanted if not _is_implied(each, active, causes)]
    parts = [each for each in wanted if each not in shown and not _is_effect(each, causes)]
    new = [each for each in shown if target.name not in each.told]
    old = [
        each
        for each in shown
        if pace.remind_ms and now - each.told.get(target.name, now) >= pace.remind_ms
    ]
    if not new and not old and not ended:
        return None
    kind: NoticeKind = "raised" if new else "reminder" if old else "ended"
    shown.sort(key=lambda each: (target.name in each.told, each.subject))
    notice = Notice(
        id=_notice_id(target.name, alarm, now),
        target=target.name,
        alarm=alarm,
        kind=kind,
        at=now,
        raised=tuple(shown[:NAMED]),
        new=tuple(each.id for each in new[:NAMED]),
        ended=tuple(ended[:NAMED]),
        parts=tuple(parts[:NAMED]),
        left_off=sum(max(0, len(each) - NAMED) for each in (shown, ended, parts)),
        is_open=bool(wanted),
    )
    return Due(
        notice=notice,
        told=frozenset(each.id for each in shown),
        told_end=frozenset(each.id for each in ended),
    )


def told(due: Due, known: Collection[Raised]) -> Iterator[Raised]:
    """Yield what has changed of those that it tells of."""
    target, now = due.notice.target, due.notice.at
    for each in known:
        if each.id in due.told_end:
            yield msgspec.structs.replace(each, told_end=(*each.told_end, target))
        elif each.id in due.told:
            yield msgspec.structs.replace(each, told={**each.told, target: now})


def is_owed(raised: Raised, target: str) -> bool:
    """Whether a target was told that it is raised, and not that it is over (GRP3)."""
    return target in raised.told and target not in raised.told_end


def _is_implied(raised: Raised, active: Sequence[Raised], causes: Sequence[Raised]) -> bool:
    """GRP2."""
    if any(raised.subject.is_part_of(each.subject) for each in active):
        return True
    return _is_effect(raised, causes)


def _is_effect(raised: Raised, causes: Sequence[Raised]) -> bool:
    return any(
        raised.subject == each.subject or raised.subject.is_part_of(each.subject) for each in causes
    )


def _notice_id(target: str, alarm: str, now: UnixMs) -> str:
    octets = f"{target}\0{alarm}\0{now}".encode()
    return f"an_{hashlib.blake2b(octets, digest_size=8).hexdigest()}"
