"""An alarm that is raised or over as commands write it in JSON, and notices in their style. Pure."""

from typing import Any

from angarium.alarms.alarm import About
from angarium.alarms.raised import Raised
from angarium.alarms.silence import Silence
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339


def shown(raised: Raised, about: About | None) -> dict[str, Any]:
    """``about`` None: an alarm that this Angarium does not know any more."""
    return {
        "id": raised.id,
        "alarm": raised.alarm,
        "title": raised.alarm if about is None else about.title,
        "severity": raised.severity,
        "subject": {"kind": raised.subject.kind, "name": raised.subject.name},
        "unit": raised.unit,
        "figure": raised.figure,
        "level": raised.level,
        "worst": raised.worst,
        "volume": raised.volume,
        "detail": raised.detail,
        "since": rfc3339(raised.since),
        "raised_at": rfc3339(raised.raised_at),
        "ended_at": _moment(raised.ended_at),
        "why_ended": raised.why_ended,
        "told": {target: rfc3339(at) for target, at in raised.told.items()},
    }


def _moment(at: UnixMs | None) -> str | None:
    return None if at is None else rfc3339(at)


def silence_shown(silence: Silence) -> dict[str, Any]:
    subject = silence.subject
    return {
        "id": silence.id,
        "alarm": silence.alarm or None,
        "subject": None if subject is None else {"kind": subject.kind, "name": subject.name},
        "since": rfc3339(silence.since),
        "until": rfc3339(silence.until),
        "who": silence.who,
        "reason": silence.reason,
    }
