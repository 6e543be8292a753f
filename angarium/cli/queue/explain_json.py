"""An explanation as JSON: stable names, ids and times as text."""

from typing import Any

from angarium.cli.queue.as_json import attempt_json
from angarium.cli.suppress.text import suppression_json
from angarium.insight.admin.live import LiveFact
from angarium.insight.explanation import (
    Explanation,
    Happened,
    NextStep,
    RecipientExplanation,
    RouteFacts,
)
from angarium.queue import UnixMs, delivery_id_text, message_id_text
from angarium.telemetry.timestamp import rfc3339


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Of everything but ``id``, which is as it was asked for."""
    acceptance = explanation.acceptance
    return {
        "message": message_id_text(explanation.message_id),
        "at": rfc3339(explanation.at),
        "accepted": {
            "at": rfc3339(acceptance.at),
            "listener": acceptance.listener,
            "client": acceptance.client,
            "user": acceptance.user,
            "sender": acceptance.sender,
            "size_octets": acceptance.size_octets,
            "recipients": acceptance.recipients,
            "message_id": acceptance.message_id_header,
            "repairs": list(acceptance.repairs),
        },
        "unsigned": explanation.unsigned,
        "recipients": [_recipient(each) for each in explanation.recipients],
    }


def _recipient(recipient: RecipientExplanation) -> dict[str, Any]:
    return {
        "id": delivery_id_text(recipient.id),
        "recipient": recipient.recipient,
        "domain": recipient.domain,
        "route": _route(recipient.route),
        "history": [_happened(each) for each in recipient.history],
        "next": None if recipient.next is None else _next(recipient.next),
        "suppressed": None
        if recipient.suppressed is None
        else suppression_json(recipient.suppressed),
        "live": None if recipient.live is None else _live(recipient.live),
    }


def _route(route: RouteFacts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "chosen": route.is_chosen,
        "by_policy": route.is_by_policy,
        "rule": route.rule,
        "via": route.via,
        "pool": route.pool,
    }
    if not route.site:
        return {**found, "site": None}
    return {
        **found,
        "site": route.site,
        "provider": route.provider,
        "partition": route.partition,
        "connections": route.connections,
        "messages_per_connection": route.messages_per_connection,
        "tls": route.tls,
    }


def _happened(happened: Happened) -> dict[str, Any]:
    return {
        "at": rfc3339(happened.at),
        "event": happened.event,
        "attempts": happened.attempts,
        "attempt": None if happened.attempt is None else attempt_json(happened.attempt),
        "who": happened.who,
        "reason": happened.reason,
        "rule": happened.rule,
        "via": happened.via,
    }


def _next(step: NextStep) -> dict[str, Any]:
    return {
        "state": step.state,
        "due_at": rfc3339(step.due),
        "attempts": step.attempts,
        "why": step.why,
        "schedule": step.schedule or None,
        "waited_ms": step.waited_ms,
        "step_ms": step.step_ms,
        "jitter": step.jitter,
        "rule": step.rule,
        "held_until": _time(step.held_until),
        "expires_at": rfc3339(step.expires),
        "tells_sender": step.tells_sender,
    }


def _live(fact: LiveFact) -> dict[str, Any]:
    return {
        "state": fact.state,
        "text": fact.text,
        "source": fact.source,
        "host": fact.host,
        "connection": fact.connection,
        "since": _time(fact.since),
        "until": _time(fact.until),
    }


def _time(at: UnixMs | None) -> str | None:
    return None if at is None else rfc3339(at)
