"""Our own form, as docs/webhooks.md has it. Pure."""

from typing import Any, Final

from angarium.telemetry.timestamp import rfc3339
from angarium.webhooks.formats.written import Sealing, Written, encoded
from angarium.webhooks.happening import Happening

# The thing that happened, where the type says how the mail stands
_EVENTS: Final = {
    "email.accepted": "acceptance",
    "email.sent": "send",
    "email.delivered": "delivery",
    "email.deferred": "deferral",
    "email.bounced": "bounce",
    "email.complained": "complaint",
    "email.opened": "open",
    "email.clicked": "click",
    "email.unsubscribed": "unsubscribe",
    "email.resubscribed": "resubscribe",
    "email.suppressed": "suppression",
    "email.expired": "expiry",
    "email.cancelled": "cancellation",
    "email.rescheduled": "reschedule",
}


def name_of(happening: Happening) -> str | None:
    return happening.type


def write(happening: Happening, _: Sealing) -> Written:
    if not happening.email_id:
        head = {
            "id": happening.id,
            "type": happening.type,
            "event": happening.type.partition(".")[2],
            "timestamp": rfc3339(happening.at),
            "tenant": happening.tenant,
            "details": happening.facts,
        }
        return Written(body=encoded(head))
    body: dict[str, Any] = {
        "id": happening.id,
        "type": happening.type,
        "emailId": happening.email_id,
        "event": _EVENTS.get(happening.type, happening.type.partition(".")[2]),
        "timestamp": rfc3339(happening.at),
        "recipient": happening.recipient,
        "subject": happening.subject,
        "messageId": happening.message_id,
        "stream": happening.stream,
        "tags": happening.tags,
        "details": happening.details,
        "metadata": happening.metadata,
    }
    if happening.campaign:
        body["campaign"] = happening.campaign
    if happening.variables:
        body["variables"] = happening.variables
    return Written(body=encoded(body))
