"""Notifications as Amazon SNS sends them, signed by a certificate of our own; and what SES says in them."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

TOPIC: Final = "arn:aws:sns:eu-central-1:123456789012:ses"
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}


class SnsSigner:
    """A key and its certificate."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def message(
        self,
        message: str,
        *,
        certificate_url: str,
        kind: str = "Notification",
        topic: str = TOPIC,
        version: str = "1",
        subscribe_url: str = "",
        at: datetime | None = None,
        **more: str,
    ) -> dict[str, str]:
        """Return a signed one; ``more`` are fields of it, changed before it is signed."""
        moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        fields = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "TopicArn": topic,
            "Message": message,
            "Timestamp": moment,
            "SignatureVersion": version,
            "SigningCertURL": certificate_url,
        }
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if kind != "Notification":
            fields |= {"SubscribeURL": subscribe_url, "Token": uuid.uuid4().hex}
            names = [
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ]
        fields |= more
        text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        algorithm = _HASHES[version]()
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return {**fields, "Signature": base64.b64encode(signature).decode()}


def mail(message_id: str, *to: str, sender: str = "a@example.org", **more: Any) -> dict[str, Any]:
    """What SES says of the mail that an event is about."""
    return {
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "messageId": message_id,
        "source": sender,
        "sourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/example.org",
        "sendingAccountId": "123456789012",
        "destination": list(to),
        **more,
    }


def bounce(
    about: dict[str, Any],
    *to: str,
    kind: str = "Permanent",
    subtype: str = "General",
    reply: str = "smtp; 550 5.1.1 user unknown",
    key: str = "notificationType",
) -> str:
    status = reply.removeprefix("smtp; ").split(" ")[1] if reply else ""
    recipients = [
        {"emailAddress": each, "action": "failed", "status": status, "diagnosticCode": reply}
        for each in to
    ]
    part = {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": recipients,
        "reportingMTA": "dns; b224-1.smtp-out.eu-central-1.amazonses.com",
        "feedbackId": "0107-stub",
        "timestamp": about["timestamp"],
    }
    return json.dumps({key: "Bounce", "bounce": part, "mail": about})


def complaint(about: dict[str, Any], *to: str, kind: str = "abuse") -> str:
    part = {
        "complainedRecipients": [{"emailAddress": each} for each in to],
        "complaintFeedbackType": kind,
        "feedbackId": "0107-stub",
        "timestamp": about["timestamp"],
    }
    return json.dumps({"notificationType": "Complaint", "complaint": part, "mail": about})


def event(about: dict[str, Any], kind: str, part: str, **fields: Any) -> str:
    """Any other one, as SES publishes events."""
    return json.dumps({"eventType": kind, part: fields, "mail": about})
