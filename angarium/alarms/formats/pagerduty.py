"""A notice as PagerDuty's Events API v2 takes it: one incident for each alarm of a server. Pure."""

from typing import Any, Final

import msgspec

from angarium.alarms.notice import Notice, Words
from angarium.alarms.wording import commands, figure_line, headline
from angarium.telemetry.timestamp import rfc3339

URL: Final = "https://events.pagerduty.com/v2/enqueue"
_SUMMARY: Final = 1024  # characters; of PagerDuty
_KEY: Final = 255


def pagerduty_bodies(notice: Notice, words: Words, routing_key: str) -> list[bytes]:
    """Return the events, in their order: an incident is open while anything of the alarm is raised.

    A test opens one and resolves it.
    """
    if notice.kind == "test":
        return [_trigger(notice, words, routing_key), _resolve(notice, words, routing_key)]
    if notice.is_open:
        return [_trigger(notice, words, routing_key)]
    return [_resolve(notice, words, routing_key)]


def dedup_key(notice: Notice, words: Words) -> str:
    name = notice.id if notice.kind == "test" else notice.alarm
    return f"angarium/{words.hostname}/{name}"[:_KEY]


def _trigger(notice: Notice, words: Words, routing_key: str) -> bytes:
    alarm = words.alarm
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key(notice, words),
        "client": f"Angarium on {words.hostname}",
        "payload": {
            "summary": headline(notice, words)[:_SUMMARY],
            "source": words.hostname,
            "severity": notice.severity,
            "timestamp": rfc3339(min((each.since for each in notice.raised), default=notice.at)),
            "component": notice.subjects_text or "all",
            "group": "angarium",
            "class": alarm.name,
            "custom_details": {
                "raised": [figure_line(each, alarm) for each in notice.raised],
                "parts": [figure_line(each, alarm) for each in notice.parts],
                "over": [figure_line(each, alarm) for each in notice.ended],
                "details": [each.detail for each in notice.raised if each.detail],
                "measured": alarm.about.figure,
                "means": alarm.about.why,
                "runbook": words.runbook,
                "commands": commands(alarm, notice.raised),
            },
        },
    }
    if words.runbook.startswith(("https://", "http://")):
        document["links"] = [{"href": words.runbook, "text": "Runbook"}]
    return msgspec.json.encode(document)


def _resolve(notice: Notice, words: Words, routing_key: str) -> bytes:
    document = {
        "routing_key": routing_key,
        "event_action": "resolve",
        "dedup_key": dedup_key(notice, words),
    }
    return msgspec.json.encode(document)
