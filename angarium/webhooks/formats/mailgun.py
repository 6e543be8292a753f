"""Mailgun's form: ``{"signature", "event-data"}``; the signature covers a time and a token, not the event. Pure."""

import hashlib
import hmac
from typing import Any, Final

from angarium.webhooks.formats.written import (
    Sealing,
    Written,
    author_address,
    client_address,
    client_agent,
    encoded,
    reply_code,
    tag_words,
)
from angarium.webhooks.happening import Happening

_NAMES: Final = {
    "email.accepted": "accepted",
    "email.sent": "delivered",
    "email.delivered": "delivered",
    "email.deferred": "failed",
    "email.bounced": "failed",
    "email.expired": "failed",
    "email.suppressed": "failed",
    "email.cancelled": "rejected",
    "email.complained": "complained",
    "email.opened": "opened",
    "email.clicked": "clicked",
    "email.unsubscribed": "unsubscribed",
    "webhook.test": "accepted",
}
_TOKEN_DIGITS: Final = 50
# Their words for programs that fetch before anybody reads
_BOTS: Final = {"apple_mpp": "apple", "gmail_prefetch": "gmail"}


def name_of(happening: Happening) -> str | None:
    """For filters, failures have a name by their severity."""
    name = None if happening.is_late else _NAMES.get(happening.type)
    if name == "failed":
        return "temporary_fail" if happening.type == "email.deferred" else "permanent_fail"
    return name


def write(happening: Happening, sealing: Sealing) -> Written:
    timestamp = str(sealing.now // 1000)
    token = hashlib.sha256(f"{happening.id} {sealing.now}".encode()).hexdigest()[:_TOKEN_DIGITS]
    signed = hmac.digest(sealing.secret.encode(), f"{timestamp}{token}".encode(), "sha256")
    signature = {"timestamp": timestamp, "token": token, "signature": signed.hex()}
    return Written(body=encoded({"signature": signature, "event-data": event_data(happening)}))


def event_data(happening: Happening) -> dict[str, Any]:
    """Return the event as it is in webhooks, and in lists."""
    details = happening.details
    name = _NAMES.get(happening.type)
    event: dict[str, Any] = {
        "id": happening.id,
        "event": name,
        "timestamp": happening.at / 1000,
        "log-level": {"failed": "error", "rejected": "error", "complained": "warn"}.get(
            name or "", "info"
        ),
        "recipient": happening.recipient,
        "recipient-domain": happening.recipient.rpartition("@")[2],
        "envelope": {"sender": author_address(happening), "targets": happening.recipient},
        "message": {
            "headers": {
                "message-id": happening.message_id.strip("<>"),
                "from": happening.author,
                "to": happening.recipient,
                "subject": happening.subject,
            }
        },
        "flags": {"is-test-mode": happening.type == "webhook.test"},
        "tags": tag_words(happening),
        "user-variables": happening.metadata,
    }
    if name == "failed":
        temporary = happening.type == "email.deferred"
        event["severity"] = "temporary" if temporary else "permanent"
        suppressed = happening.type == "email.suppressed"
        event["reason"] = "suppress-bounce" if suppressed else "generic" if temporary else "bounce"
    if name == "rejected":
        event["reject"] = {"reason": details.reason or "cancelled"}
    if name in ("failed", "delivered"):
        event["delivery-status"] = {
            "code": reply_code(happening),
            "enhanced-code": details.enhanced_status,
            "message": details.smtp_response,
            "description": details.reason or details.bounce_class,
            "attempt-no": max(1, details.attempt),
            "mx-host": details.reporting_mta,
            "tls": bool(details.tls),
        }
    if name in ("opened", "clicked"):
        event["ip"] = client_address(happening)
        event["client-info"] = _client_info(happening)
    if details.link:
        event["url"] = details.link
    return event


def _client_info(happening: Happening) -> dict[str, str]:
    details = happening.details
    info = {"user-agent": client_agent(happening)}
    if details.human is not None:
        word = next((_BOTS[each] for each in details.reasons if each in _BOTS), "generic")
        info["bot"] = "" if details.human else word
        if not details.human:
            info["client-type"] = "robot"
    return info
