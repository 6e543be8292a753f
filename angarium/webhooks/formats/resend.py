"""Resend's form: ``{"type", "created_at", "data"}``, signed by svix-* headers, which every form has. Pure."""

from typing import Any, Final

import msgspec

from angarium.feedback.classes import BounceClass
from angarium.telemetry.timestamp import rfc3339
from angarium.webhooks.formats.written import (
    Sealing,
    Written,
    client_address,
    client_agent,
    encoded,
    tag_pairs,
)
from angarium.webhooks.happening import Happening

_NAMES: Final = {
    "email.accepted": "email.sent",  # they mean: taken in, and to be delivered
    "email.sent": "email.delivered",
    "email.delivered": "email.delivered",
    "email.deferred": "email.delivery_delayed",
    "email.bounced": "email.bounced",
    "email.expired": "email.bounced",
    "email.complained": "email.complained",
    "email.opened": "email.opened",
    "email.clicked": "email.clicked",
    "email.suppressed": "email.suppressed",
    "email.cancelled": "email.failed",
    "email.rescheduled": "email.scheduled",
    "domain.verified": "domain.updated",
    "domain.failed": "domain.updated",
    "domain.recovered": "domain.updated",
    "webhook.test": "email.sent",
}
_SUB_TYPES: Final = {
    BounceClass.USER_UNKNOWN: "NoEmail",
    BounceClass.MOVED: "NoEmail",
    BounceClass.MAILBOX_FULL: "MailboxFull",
    BounceClass.MESSAGE_TOO_LARGE: "MessageTooLarge",
    BounceClass.CONTENT: "ContentRejected",
    BounceClass.CONTENT_RFC: "ContentRejected",
    BounceClass.SPAM: "ContentRejected",
    BounceClass.VIRUS: "AttachmentRejected",
}


def name_of(happening: Happening) -> str | None:
    return None if happening.is_late else _NAMES.get(happening.type)


def write(happening: Happening, _: Sealing) -> Written:
    at = rfc3339(happening.at)
    if happening.type.startswith("domain."):
        data: dict[str, Any] = {"created_at": at, **happening.facts}
    else:
        data = _data(happening, at)
    answer = {"type": name_of(happening), "created_at": at, "data": data}
    return Written(body=encoded(answer))


def _data(happening: Happening, at: str) -> dict[str, Any]:
    details = happening.details
    data: dict[str, Any] = {
        "email_id": happening.email_id,
        "message_id": happening.message_id,
        "from": happening.author,
        "to": [happening.recipient],
        "subject": happening.subject,
        "created_at": rfc3339(happening.created or happening.at),
        "tags": tag_pairs(happening),
    }
    if happening.metadata:  # where their customers keep it: a header field of the mail
        value = msgspec.json.encode(happening.metadata).decode()
        data["headers"] = [{"name": "X-Metadata", "value": value}]
    match name_of(happening):
        case "email.bounced":
            data["bounce"] = _bounce(happening)
        case "email.clicked" | "email.opened" as name:
            seen = {
                "ipAddress": client_address(happening),
                "timestamp": at,
                "userAgent": client_agent(happening),
            }
            key = name.removeprefix("email.").removesuffix("ed")
            data[key] = {**seen, "link": details.link} if details.link else seen
        case "email.suppressed":
            complained = details.cause == "complaint"
            data["suppressed"] = {
                "diagnosticCode": [],
                "message": "Angarium has suppressed sending to this address",
                "reason": "previous_complaint" if complained else "previous_bounce",
                "type": "OnAccountSuppressionList",
            }
        case "email.failed":
            data["failed"] = {"reason": details.reason or "cancelled"}
        case _:
            pass
    return data


def _bounce(happening: Happening) -> dict[str, Any]:
    """Their words for a bounce hold "bounce message": clients tell by that what kind of failure it is."""
    details = happening.details
    is_over = happening.type == "email.expired"
    sub_type = _SUB_TYPES.get(details.bounce_class, "General")  # type: ignore[call-overload]
    said = details.smtp_response or details.reason or "it gave no reason"
    return {
        "diagnosticCode": [f"smtp; {said}"],
        "message": f"The recipient's email provider sent a bounce message: {said}",
        "subType": "Undetermined" if is_over else sub_type,
        "type": "Transient" if is_over or sub_type == "MailboxFull" else "Permanent",
    }
