"""A notice as JSON, for webhooks of the operator's own (docs/alarms.md has the fields). Pure."""

from typing import Any

import msgspec

from angarium.alarms.notice import Notice, Words
from angarium.alarms.shown import shown
from angarium.alarms.wording import commands, headline, text
from angarium.telemetry.timestamp import rfc3339


def webhook_body(notice: Notice, words: Words) -> bytes:
    """Return what Standard Webhooks call a payload: type, timestamp, data."""
    alarm = words.alarm
    document: dict[str, Any] = {
        "type": f"alarm.{notice.kind}",
        "timestamp": rfc3339(notice.at),
        "data": {
            "id": notice.id,
            "server": words.hostname,
            "alarm": notice.alarm,
            "title": alarm.about.title,
            "severity": notice.severity,
            "headline": headline(notice, words),
            "text": text(notice, words),
            "raised": [_in_camel_case(shown(each, alarm.about)) for each in notice.raised],
            "new": list(notice.new),
            "ended": [_in_camel_case(shown(each, alarm.about)) for each in notice.ended],
            "parts": [_in_camel_case(shown(each, alarm.about)) for each in notice.parts],
            "leftOff": notice.left_off,
            "measured": alarm.about.figure,
            "means": alarm.about.why,
            "runbook": words.runbook,
            "commands": commands(alarm, notice.raised or notice.ended),
        },
    }
    return msgspec.json.encode(document)


def _in_camel_case(shown_: dict[str, Any]) -> dict[str, Any]:
    """As all JSON that goes out by HTTP."""
    return {_camel(name): each for name, each in shown_.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
