"""What Amazon SES says of mail that it took from us: the JSON of its notifications and of its events. Pure.

Start with ``read_notification``. Who may say so is not known here: ``sns`` checks that. Bounded: a notification has at
most so many recipients as are read, and texts are cut.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from angarium.feedback.classes import BounceClass, Effect, Verdict, verdict_of
from angarium.feedback.classifier import classify
from angarium.feedback.report import Action, MailKind, Report, ReportedRecipient

# As ``mta.transport.ses`` sends it along with each message
MESSAGE_TAG: Final = "angarium-message"
# Header fields that refer to our mail, best first
_REFERENCES: Final = ("x-angarium-reference", "cfbl-feedback-id")
MAX_RECIPIENTS: Final = 50  # Amazon's, of one message
MAX_HEADERS: Final = 1_000
MAX_TEXT: Final = 1_000

Kind = Literal[
    "bounce",
    "complaint",
    "delivery",
    "reject",
    "send",
    "delay",
    "rendering-failure",
    "subscription",
    "open",
    "click",
]
_KINDS: Final[Mapping[str, Kind]] = {
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Delivery": "delivery",
    "Reject": "reject",
    "Send": "send",
    "DeliveryDelay": "delay",
    "Rendering Failure": "rendering-failure",
    "RenderingFailure": "rendering-failure",
    "Subscription": "subscription",
    "Open": "open",
    "Click": "click",
}
_PARTS: Final = {"delay": "deliveryDelay", "rendering-failure": "failure"}
_ON_LIST: Final = Verdict(BounceClass.SUPPRESSED, Effect.SUPPRESS)
_PERMANENT: Final = {
    "Suppressed": _ON_LIST,
    "OnAccountSuppressionList": _ON_LIST,
    "UnsubscribedRecipient": _ON_LIST,
}
_TRANSIENT: Final = {
    "MailboxFull": BounceClass.MAILBOX_FULL,
    "MessageTooLarge": BounceClass.MESSAGE_TOO_LARGE,
    "ContentRejected": BounceClass.CONTENT,
    "AttachmentRejected": BounceClass.CONTENT,
    "CustomTimeoutExceeded": BounceClass.EXPIRED,
}


class SesNotification(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    ses_message_id: str  # what SendEmail answered
    message: str = ""  # our own id, as it was sent along; ""
    references: tuple[str, ...] = ()  # our tokens in the header, unverified
    sent_ms: int = 0  # when SES took it, Unix milliseconds; 0: not said
    recipients: tuple[ReportedRecipient, ...] = ()
    everyone: tuple[str, ...] = ()  # whom the message went to
    feedback_type: str = ""  # of a complaint: "abuse", "not-spam", ...
    text: str = ""  # what it says, for people: the SMTP response, the reason, a link
    client: str = ""  # who opened or clicked: the address and the user agent

    @property
    def report(self) -> Report | None:
        """Return it as a report; None: it is none, it tells how far the message has come."""
        kind = _REPORTS.get(self.kind)
        if kind is None:
            return None
        return Report(
            kind=kind,
            recipients=self.recipients,
            feedback_type=self.feedback_type,
            references=self.references,
        )


_REPORTS: Final = {"bounce": MailKind.BOUNCE, "complaint": MailKind.ARF}


def read_notification(text: str | bytes) -> SesNotification | None:
    """Return what the message of an SNS notification says; None: nothing of SES's that we know."""
    try:
        said = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    mail = _table(said, "mail")
    kind = _KINDS.get(_text(said, "eventType") or _text(said, "notificationType"))
    ses_message_id = _text(mail, "messageId")
    if kind is None or not ses_message_id:
        return None
    part = _table(said, _PARTS.get(kind, kind))
    return SesNotification(
        kind=kind,
        ses_message_id=ses_message_id,
        message=_tag(mail),
        references=_references(mail),
        sent_ms=_time_ms(_text(mail, "timestamp")),
        recipients=_recipients(kind, part),
        everyone=_addresses(mail.get("destination")),
        feedback_type=_feedback_type(part) if kind == "complaint" else "",
        text=_words(kind, part),
        client=" ".join(filter(None, (_text(part, "ipAddress"), _text(part, "userAgent"))))[
            :MAX_TEXT
        ],
    )


def _recipients(kind: Kind, part: Mapping[str, Any]) -> tuple[ReportedRecipient, ...]:
    match kind:
        case "bounce":
            return tuple(_bounced(part, each) for each in _tables(part, "bouncedRecipients"))
        case "complaint":
            verdict = Verdict(BounceClass.SPAM, Effect.SUPPRESS)
            return tuple(
                ReportedRecipient(address=address, action=Action.FAILED, verdict=verdict)
                for each in _tables(part, "complainedRecipients")
                if (address := _text(each, "emailAddress"))
            )
        case "delivery":
            verdict = verdict_of(BounceClass.UNDETERMINED)
            return tuple(
                ReportedRecipient(address=each, action=Action.DELIVERED, verdict=verdict)
                for each in _addresses(part.get("recipients"))
            )
        case "delay":
            return tuple(
                ReportedRecipient(
                    address=_text(each, "emailAddress"),
                    action=Action.DELAYED,
                    status=_text(each, "status"),
                    verdict=classify(_text(each, "diagnosticCode") or _text(each, "status")),
                    reply=_text(each, "diagnosticCode"),
                )
                for each in _tables(part, "delayedRecipients")
            )
        case _:
            return ()


def _bounced(part: Mapping[str, Any], each: Mapping[str, Any]) -> ReportedRecipient:
    reply, status = _text(each, "diagnosticCode"), _text(each, "status")
    return ReportedRecipient(
        address=_text(each, "emailAddress"),
        action=Action.FAILED,
        status=status,
        verdict=_verdict(_text(part, "bounceType"), _text(part, "bounceSubType"), reply, status),
        reply=reply or _text(part, "bounceSubType"),
        remote_host=_text(part, "reportingMTA").rpartition(";")[2].strip(),
    )


def _verdict(kind: str, subtype: str, reply: str, status: str) -> Verdict:
    """SES's own word says whether it is for ever; the reply says why, and that it is about us and not the address."""
    words = reply.removeprefix("smtp;").strip() or status
    found = classify(words) if words else verdict_of(BounceClass.UNDETERMINED)
    if kind == "Permanent":
        if subtype in _PERMANENT:
            return _PERMANENT[subtype]
        unknown = found.bounce_class is BounceClass.UNDETERMINED
        return verdict_of(BounceClass.USER_UNKNOWN) if unknown else found
    if subtype in _TRANSIENT:
        return verdict_of(_TRANSIENT[subtype])
    if found.hard:
        return Verdict(found.bounce_class, Effect.RETRY)
    return found


def _feedback_type(part: Mapping[str, Any]) -> str:
    """Without a type it is a complaint: what is none says so."""
    return _text(part, "complaintFeedbackType") or "abuse"


def _words(kind: Kind, part: Mapping[str, Any]) -> str:
    names = {
        "delivery": ("smtpResponse",),
        "reject": ("reason",),
        "delay": ("delayType",),
        "rendering-failure": ("errorMessage",),
        "click": ("link",),
        "subscription": ("source",),
    }
    return next((text for name in names.get(kind, ()) if (text := _text(part, name))), "")


def _tag(mail: Mapping[str, Any]) -> str:
    values = _table(mail, "tags").get(MESSAGE_TAG)
    first = values[0] if isinstance(values, list) and values else ""
    return first[:100] if isinstance(first, str) else ""


def _references(mail: Mapping[str, Any]) -> tuple[str, ...]:
    headers = _tables(mail, "headers", MAX_HEADERS)
    found = [
        _text(each, "value") for name in _REFERENCES for each in headers if _name(each) == name
    ]
    return tuple(dict.fromkeys(each for each in found if each))[:5]


def _name(header: Mapping[str, Any]) -> str:
    return _text(header, "name").lower()


def _time_ms(text: str) -> int:
    try:
        moment = msgspec.convert(text, type=datetime)
    except msgspec.ValidationError:
        return 0
    return max(0, int(moment.timestamp() * 1000))


def _table(of: Any, key: str) -> Mapping[str, Any]:
    found = of.get(key) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _tables(
    of: Mapping[str, Any], key: str, limit: int = MAX_RECIPIENTS
) -> Sequence[Mapping[str, Any]]:
    found = of.get(key)
    if not isinstance(found, list):
        return ()
    return [each for each in found[:limit] if isinstance(each, dict)]


def _addresses(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    return tuple(each[:320] for each in found[:MAX_RECIPIENTS] if isinstance(each, str))


def _text(of: Any, key: str) -> str:
    """Printable, bounded; "" for anything else."""
    found = of.get(key) if isinstance(of, dict) else None
    if not isinstance(found, str):
        return ""
    cut = found[:MAX_TEXT]
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)
