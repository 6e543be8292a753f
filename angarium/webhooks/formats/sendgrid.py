"""SendGrid's form: an array of flat events, signed by ECDSA over time and body. No I/O."""

import base64
import functools
import hashlib
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from angarium.webhooks.formats.written import (
    Sealing,
    Written,
    client_address,
    client_agent,
    encoded,
    tag_words,
)
from angarium.webhooks.happening import Happening

SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
_NAMES: Final = {
    "email.accepted": "processed",
    "email.sent": "delivered",
    "email.delivered": "delivered",
    "email.deferred": "deferred",
    "email.bounced": "bounce",
    "email.expired": "bounce",
    "email.suppressed": "dropped",
    "email.cancelled": "dropped",
    "email.opened": "open",
    "email.clicked": "click",
    "email.complained": "spamreport",
    "email.unsubscribed": "unsubscribe",
    "webhook.test": "processed",
}
# Of a topic whose name is a number, as they call groups
_GROUP_NAMES: Final = {
    "email.unsubscribed": "group_unsubscribe",
    "email.resubscribed": "group_resubscribe",
}
_DROPPED: Final = {
    "complaint": "Spam Reporting Address",
    "unsubscribe": "Unsubscribed Address",
}
# Of P-256: private keys are below it
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def name_of(happening: Happening) -> str | None:
    if happening.is_late:
        return None
    if happening.type in _GROUP_NAMES and _group(happening) is not None:
        return _GROUP_NAMES[happening.type]
    return _NAMES.get(happening.type)


def write(happening: Happening, sealing: Sealing) -> Written:
    body = encoded([_event(happening)])
    timestamp = str(sealing.now // 1000)
    signature = private_key(sealing.secret).sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return Written(
        body=body,
        headers={SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp},
    )


def public_key(secret: str) -> str:
    """Return what verifies signatures: one line of base64, as their page shows it."""
    public = private_key(secret).public_key()
    octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(octets).decode()


@functools.lru_cache(maxsize=1024)  # of pure values
def private_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """Return the key that an endpoint's secret stands for."""
    number = int.from_bytes(hashlib.sha512(b"sendgrid " + secret.encode()).digest(), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def _event(happening: Happening) -> dict[str, Any]:
    details = happening.details
    # What the sender gave along stands beside the event's own fields, which win
    event: dict[str, Any] = {name: _scalar(value) for name, value in happening.metadata.items()}
    event |= {
        "email": happening.recipient,
        "timestamp": happening.at // 1000,
        "event": name_of(happening),
        "sg_event_id": happening.id,
        "sg_message_id": happening.email_id,
        "smtp-id": happening.message_id,
    }
    if happening.tags:
        event["category"] = tag_words(happening)
    match event["event"]:
        case "delivered":
            event["response"] = details.smtp_response
        case "deferred":
            event["response"] = details.smtp_response
            event["attempt"] = str(details.attempt)
        case "bounce":
            event["reason"] = details.smtp_response or details.reason
            event["status"] = details.enhanced_status
            event["type"] = "expired" if happening.type == "email.expired" else "bounce"
        case "dropped":
            event["reason"] = _DROPPED.get(details.cause, "Bounced Address")
            if happening.type == "email.cancelled":
                event["reason"] = details.reason or "Cancelled"
        case "group_unsubscribe" | "group_resubscribe":
            event["asm_group_id"] = _group(happening)
        case "open" | "click":
            event["ip"] = client_address(happening)
            event["useragent"] = client_agent(happening)
            if details.link:
                event["url"] = details.link
            elif details.human is not None:
                event["sg_machine_open"] = not details.human
        case _:
            pass
    if details.tls:
        event["tls"] = 1
    return event


def _group(happening: Happening) -> int | None:
    name = happening.details.scope.partition("/topic:")[2]
    return int(name) if name.isascii() and name.isdecimal() else None


def _scalar(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else encoded(value).decode()
