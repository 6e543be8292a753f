"""Postmark's form: one object with a RecordType. It has no signature: theirs is a password in the URL. Pure."""

from typing import Any, Final

from angarium.feedback.classes import BounceClass
from angarium.telemetry.timestamp import rfc3339
from angarium.webhooks.formats.written import (
    Sealing,
    Written,
    author_address,
    client_address,
    client_agent,
    client_program,
    client_system,
    encoded,
)
from angarium.webhooks.happening import Happening

_NAMES: Final = {
    "email.sent": "Delivery",
    "email.delivered": "Delivery",
    "email.deferred": "Bounce",
    "email.bounced": "Bounce",
    "email.expired": "Bounce",
    "email.complained": "SpamComplaint",
    "email.opened": "Open",
    "email.clicked": "Click",
    "email.unsubscribed": "SubscriptionChange",
    "email.resubscribed": "SubscriptionChange",
    "webhook.test": "Delivery",
}
_HARD: Final = ("HardBounce", 1)
_TRANSIENT: Final = ("Transient", 2)
_SOFT: Final = ("SoftBounce", 4096)
_COMPLAINT: Final = ("SpamComplaint", 100001)
_TYPES: Final = {
    BounceClass.MAILBOX_FULL: _SOFT,
    BounceClass.EXPIRED: _SOFT,
    BounceClass.SYSTEM_ERROR: _SOFT,
    BounceClass.SYSTEM_FULL: _SOFT,
    BounceClass.NETWORK_ERROR: _SOFT,
    BounceClass.HOST_UNKNOWN: ("DnsError", 256),
    BounceClass.SPAM: ("SpamNotification", 512),
    BounceClass.VIRUS: ("VirusNotification", 2048),
    BounceClass.BLOCKED: ("Blocked", 100006),
    BounceClass.REPUTATION: ("Blocked", 100006),
    BounceClass.AUTH_FAILURE: ("DMARCPolicy", 100009),
}
_SERVER: Final = 1  # they number a customer's servers


def name_of(happening: Happening) -> str | None:
    return None if happening.is_late else _NAMES.get(happening.type)


def write(happening: Happening, _: Sealing) -> Written:
    name = name_of(happening)
    at = rfc3339(happening.at)
    details = happening.details
    body: dict[str, Any] = {
        "RecordType": name,
        "MessageID": happening.email_id,
        "MessageStream": happening.stream,
        "ServerID": _SERVER,
        "Tag": happening.tags[0] if happening.tags else "",
        "Metadata": {key: _text(value) for key, value in happening.metadata.items()},
    }
    match name:
        case "Delivery":
            body |= {
                "Recipient": happening.recipient,
                "DeliveredAt": at,
                "Details": details.smtp_response,
            }
        case "Bounce" | "SpamComplaint":
            body |= _bounce(happening, at)
        case "Open" | "Click":
            body |= {
                "Recipient": happening.recipient,
                "ReceivedAt": at,
                "UserAgent": client_agent(happening),
                "Platform": _platform(happening),
                "Client": {"Name": client_program(happening)},
                "OS": {"Name": client_system(happening)},
                "Geo": {"IP": client_address(happening)},
            }
            body |= {"OriginalLink": details.link} if name == "Click" else {"FirstOpen": False}
        case _:
            body |= {
                "Recipient": happening.recipient,
                "ChangedAt": at,
                "Origin": "Recipient",
                "SuppressSending": happening.type == "email.unsubscribed",
                "SuppressionReason": "ManualSuppression"
                if happening.type == "email.unsubscribed"
                else None,
            }
    return Written(body=encoded(body))


def _bounce(happening: Happening, at: str) -> dict[str, Any]:
    details = happening.details
    kind, code = _kind(happening)
    return {
        "ID": int(happening.id.replace("-", "")[-12:], 16),
        "Type": kind,
        "TypeCode": code,
        "Name": kind,
        "Description": details.bounce_class or details.feedback_type or kind,
        "Details": details.smtp_response or details.reason,
        "Email": happening.recipient,
        "From": author_address(happening),
        "BouncedAt": at,
        "DumpAvailable": False,
        "Inactive": kind in ("HardBounce", "SpamComplaint"),
        "CanActivate": kind != "SpamComplaint",
        "Subject": happening.subject,
    }


def _kind(happening: Happening) -> tuple[str, int]:
    if happening.type == "email.complained":
        return _COMPLAINT
    if happening.type == "email.deferred":
        return _TRANSIENT
    if happening.type == "email.expired":
        return _SOFT
    return _TYPES.get(happening.details.bounce_class, _HARD)  # type: ignore[call-overload,no-any-return]


def _text(value: object) -> str:
    return value if isinstance(value, str) else encoded(value).decode()


def _platform(happening: Happening) -> str:
    """In their words; of a machine it is not known. They have no word for one."""
    if happening.details.human is False:
        return "Unknown"
    system = client_system(happening)
    if not system:
        return "WebMail" if client_program(happening) in ("Gmail", "Yahoo Mail") else "Unknown"
    return "Mobile" if system in ("iPhone", "iPad", "Android") else "Desktop"
