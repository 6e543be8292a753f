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
            "raised": [shown(each, alarm.about) for each in notice.raised],
            "new": list(notice.new),
            "ended": [shown(each, alarm.about) for each in notice.ended],
            "parts": [shown(each, alarm.about) for each in notice.parts],
            "leftOff": notice.left_off,
            "measured": alarm.about.figure,
            "means": alarm.about.why,
            "runbook": words.runbook,
            "commands": commands(alarm, notice.raised or notice.ended),
        },
    }
    return msgspec.json.encode(document)
