"""/v1/alarms: what is raised, what was, and silences. For keys with the scope ``queue``, as all of the whole server."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from angarium.alarms.catalogue import find_about
from angarium.alarms.raised import Raised
from angarium.alarms.silence import REASON, Silence
from angarium.alarms.subject import KINDS, Subject, find_subject
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.operator import Operator
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    Time,
    TimeGiven,
    Wire,
    in_path,
    invalid,
    maybe_time,
    read_query,
    time_text,
    unix_ms,
)
from angarium.api.reading import read_json
from angarium.config.alarms import AlarmUnit, Severity
from angarium.insight.admin.alarms import AlarmsNow, AskAlarms, EndSilence, SilenceAlarms
from angarium.intake.order import FaultKind

_MOST: Final = 500


class SubjectShown(Wire, frozen=True, kw_only=True):
    kind: str  # all, tenant, stream, provider, source, consumer, ...
    name: str  # "" of all


class AlarmShown(Wire, frozen=True, kw_only=True):
    id: str
    alarm: str
    title: str
    severity: Severity
    subject: SubjectShown
    unit: AlarmUnit
    figure: float  # now, or when it ended
    level: float
    worst: float
    volume: int | None  # of how many; null: it is of none
    detail: str
    since: Time  # when it crossed its level
    raised_at: Time
    ended_at: Time | None  # null: it is raised
    why_ended: str
    silenced: bool
    runbook: str
    told: Mapping[str, Time]  # by target, when last


class SilenceShown(Wire, frozen=True, kw_only=True):
    id: int
    alarm: str | None  # null: all of them
    subject: SubjectShown | None  # null: of any
    since: Time
    until: Time
    who: str
    reason: str


class TargetShown(Wire, frozen=True, kw_only=True):
    name: str
    kind: str
    waiting: int  # notices that are to be told
    failures: int  # in a row
    problem: str


class AlarmList(Wire, frozen=True, kw_only=True):
    enabled: bool
    raised: Sequence[AlarmShown]  # the most severe first
    over: Sequence[AlarmShown]  # the latest first
    silences: Sequence[SilenceShown]
    targets: Sequence[TargetShown]


class AlarmsAsked(Asked, frozen=True, kw_only=True):
    over: Annotated[int, Meta(ge=0, le=_MOST)] = 0  # so many of those that are over, too


class SilenceAsked(Asked, frozen=True, kw_only=True):
    """Nobody is told of these until then."""

    alarm: Annotated[str, Meta(max_length=64)] = ""  # omitted: all of them
    # as "tenant acme", "provider gmail"; omitted: of any
    subject: Annotated[str, Meta(max_length=300)] = ""
    until: TimeGiven  # 30 days from now at the latest
    reason: Annotated[str, Meta(max_length=REASON)] = ""


class AlarmResource:
    def __init__(self, premises: Premises, operator: Operator) -> None:
        self._premises = premises
        self._operator = operator

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/alarms",
                handler=self.list,
                summary="List the alarms that are raised, those that are over, silences, and who is told.",
                scope="queue:read",
                query=AlarmsAsked,
                answers={200: AlarmList},
            ),
            Route(
                method="GET",
                path="/v1/alarms/{id}",
                handler=self.show,
                summary="One alarm, raised or over.",
                scope="queue:read",
                answers={200: AlarmShown},
            ),
            Route(
                method="POST",
                path="/v1/alarms/silences",
                handler=self.silence,
                summary="Have nobody told of alarms for a while.",
                scope="queue:act",
                request=SilenceAsked,
                answers={201: SilenceShown},
            ),
            Route(
                method="DELETE",
                path="/v1/alarms/silences/{number}",
                handler=self.end_silence,
                summary="End a silence.",
                scope="queue:act",
                answers={204: None},
            ),
        )

    async def list(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        asked = read_query(request, AlarmsAsked)
        found = await self._operator.ask(AskAlarms(over=asked.over))
        return json_response(
            AlarmList(
                enabled=found.enabled,
                raised=[_shown(each, found) for each in found.raised],
                over=[_shown(each, found) for each in found.over],
                silences=[_silence(each) for each in found.silences],
                targets=[
                    TargetShown(
                        name=each.name,
                        kind=each.kind,
                        waiting=each.waiting,
                        failures=each.failures,
                        problem=each.problem,
                    )
                    for each in found.targets
                ],
            )
        )

    async def show(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        found = await self._operator.ask(AskAlarms(id=in_path(request, "id"), over=1))
        return json_response(_shown((*found.raised, *found.over)[0], found))

    async def silence(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "queue", "act")
        asked = await read_json(request, SilenceAsked)
        question = SilenceAlarms(
            alarm=asked.alarm,
            subject=_subject(asked.subject),
            until=unix_ms(asked.until),
            reason=asked.reason,
            behalf=f"key {caller.key_id}",
        )
        silence = await self._operator.ask(question, "body")
        subject = asked.alarm or "all"
        await self._premises.note(caller, "alarm.silenced", subject, reason=asked.reason)
        return json_response(_silence(silence), 201)

    async def end_silence(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "queue", "act")
        text = in_path(request, "number")
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            raise invalid("number", "There is no such silence", FaultKind.NOT_FOUND)
        question = EndSilence(id=int(text), behalf=f"key {caller.key_id}")
        ended = await self._operator.ask(question)
        alarm = ended.alarm or "all"
        await self._premises.note(caller, "alarm.silence_ended", alarm, silence=str(ended.id))
        return web.Response(status=204)


def _subject(text: str) -> Subject | None:
    """Raises FaultError."""
    if not text:
        return None
    subject = find_subject(text)
    if subject is None:
        kinds = ", ".join(KINDS)
        raise invalid(
            "subject", f"subject: write a kind and a name, as tenant acme; kinds: {kinds}"
        )
    return subject


def _shown(raised: Raised, found: AlarmsNow) -> AlarmShown:
    about = find_about(raised.alarm)
    return AlarmShown(
        id=raised.id,
        alarm=raised.alarm,
        title=raised.alarm if about is None else about.title,
        severity=raised.severity,
        subject=SubjectShown(kind=raised.subject.kind, name=raised.subject.name),
        unit=raised.unit,
        figure=raised.figure,
        level=raised.level,
        worst=raised.worst,
        volume=raised.volume,
        detail=raised.detail,
        since=time_text(raised.since),
        raised_at=time_text(raised.raised_at),
        ended_at=maybe_time(raised.ended_at),
        why_ended=raised.why_ended,
        silenced=raised.id in found.silenced,
        runbook=found.runbooks.get(raised.alarm, ""),
        told={target: time_text(at) for target, at in raised.told.items()},
    )


def _silence(silence: Silence) -> SilenceShown:
    subject = silence.subject
    return SilenceShown(
        id=silence.id,
        alarm=silence.alarm or None,
        subject=None if subject is None else SubjectShown(kind=subject.kind, name=subject.name),
        since=time_text(silence.since),
        until=time_text(silence.until),
        who=silence.who,
        reason=silence.reason,
    )
