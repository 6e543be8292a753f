"""Endpoints and deliveries as JSON has them, for the API and for commands. Pure."""

from collections.abc import Sequence
from typing import Any

from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.delivery import AttemptRecord, Delivery
from angarium.webhooks.formats.sendgrid import public_key
from angarium.webhooks.happening import decode_happening


def webhook_row(webhook: Webhook, secret: str = "") -> dict[str, Any]:
    """``secret``: the newest one, for who has just made it; "": it is not shown."""
    row: dict[str, Any] = {
        "id": webhook.id,
        "tenant": webhook.tenant,
        "url": webhook.url,
        "events": webhook.events,
        "streams": webhook.streams,
        "tags": webhook.tags,
        "format": webhook.format,
        "enabled": webhook.enabled,
        "createdAt": rfc3339(webhook.created),
    }
    if webhook.reason:
        row["disabledReason"] = webhook.reason
    if secret:
        row["secret"] = secret
        if webhook.format == "sendgrid":
            row["publicKey"] = public_key(secret)
    return row


def delivery_row(
    delivery: Delivery, attempts: Sequence[AttemptRecord] | None = None
) -> dict[str, Any]:
    """``attempts``: with what was sent and answered; None: without."""
    row: dict[str, Any] = {
        "id": str(delivery.id),
        "webhookId": delivery.endpoint,
        "eventId": delivery.event_id,
        "type": delivery.type,
        "status": delivery.state.status,
        "attempts": delivery.attempts,
        "createdAt": rfc3339(delivery.created),
    }
    if delivery.email_id:
        row |= {"emailId": delivery.email_id, "recipient": delivery.recipient}
    if delivery.due is not None:
        row["nextAttempt"] = rfc3339(delivery.due)
    if delivery.done is not None:
        row["endedAt"] = rfc3339(delivery.done)
    if delivery.attempts or delivery.text:
        row |= {"httpStatus": delivery.http_status, "response": delivery.text}
    if attempts is not None:
        row["event"] = decode_happening(delivery.happening)
        row["log"] = [
            {
                "attempt": each.number,
                "timestamp": rfc3339(each.at),
                "durationMillis": each.duration_ms,
                "url": each.url,
                "httpStatus": each.http_status,
                "response": each.text,
            }
            for each in attempts
        ]
    return row
