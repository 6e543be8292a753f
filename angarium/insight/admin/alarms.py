"""What is raised, what was, and what nobody is told of for a while. Answered by the platform process."""

from typing import Literal

import msgspec

from angarium.alarms.raised import Raised
from angarium.alarms.silence import Silence
from angarium.alarms.subject import Subject
from angarium.insight.admin.protocol import Question
from angarium.queue import UnixMs


class TargetNow(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told."""

    name: str
    kind: str
    waiting: int = 0  # notices that are to be told
    failures: int = 0  # in a row
    problem: str = ""  # of the last of them


class AlarmsNow(msgspec.Struct, frozen=True, kw_only=True):
    at: UnixMs
    enabled: bool
    raised: tuple[Raised, ...]  # the most severe first
    silenced: tuple[str, ...]  # ids of those of which nobody is told now
    over: tuple[Raised, ...] = ()  # the latest first, if it was asked for
    silences: tuple[Silence, ...] = ()
    targets: tuple[TargetNow, ...] = ()
    runbooks: dict[str, str] = {}  # of the alarms that are named: path or URL


class AskAlarms(Question[AlarmsNow, None], frozen=True, kw_only=True, tag="alarms"):
    over: int = 0  # so many of those that are over
    id: str = ""  # of this one only, raised or over; not_found: there is none


class SilenceAlarms(Question[Silence, None], frozen=True, kw_only=True, tag="silence_alarms"):
    """Nobody is told of these until then. invalid: there is no such alarm, or it would be too long."""

    alarm: str = ""  # "": all
    subject: Subject | None = None  # None: any
    until: UnixMs
    reason: str = ""
    behalf: str = ""  # for whom the asker does it: a key of the API; named before the asker


class EndSilence(Question[Silence, None], frozen=True, kw_only=True, tag="end_silence"):
    """not_found: there is none of this number."""

    id: int
    behalf: str = ""


class TriedTarget(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    outcome: Literal["told", "failed"]
    problem: str = ""


class TriedTargets(msgspec.Struct, frozen=True, kw_only=True):
    targets: tuple[TriedTarget, ...]


class TryTargets(Question[TriedTargets, None], frozen=True, kw_only=True, tag="try_targets"):
    """Sends each target, or the one of this name, a notice that nothing is wrong, at once and once. not_found."""

    name: str = ""
