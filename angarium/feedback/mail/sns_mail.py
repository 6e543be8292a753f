"""Amazon SES's notifications as SNS mails them: JSON in a text. Pure."""

import json
from typing import Any, Final

import msgspec

from angarium.feedback.mail.addresses import reported_address
from angarium.feedback.report import Action

MAX_RECIPIENTS: Final = 50
_KINDS: Final = {
    "Bounce": Action.FAILED,
    "Delivery": Action.DELIVERED,
    "DeliveryDelay": Action.DELAYED,
}


class SnsRecipient(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    action: Action
    status: str
    diagnostic: str


class SnsNotice(msgspec.Struct, frozen=True, kw_only=True):
    recipients: tuple[SnsRecipient, ...]
    feedback_type: str  # of a complaint: "abuse"; "": it is none


def find_sns(text: str) -> SnsNotice | None:
    """Return the notification at the beginning of ``text``; None where it is none."""
    start = text.lstrip()
    if not start.startswith("{") or not ('"notificationType"' in start or '"eventType"' in start):
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(start)
    except (ValueError, RecursionError):
        return None
    kind = value.get("notificationType") or value.get("eventType")
    if kind == "Complaint":
        section = value.get("complaint")
        people = _people(section, "complainedRecipients")
        named = section.get("complaintFeedbackType") if isinstance(section, dict) else None
        return SnsNotice(
            recipients=_recipients(people, Action.DELIVERED),
            feedback_type=named[:40] if isinstance(named, str) and named else "abuse",
        )
    action = _KINDS.get(kind) if isinstance(kind, str) else None
    if action is None:
        return None
    names = {
        Action.FAILED: ("bounce", "bouncedRecipients"),
        Action.DELAYED: ("deliveryDelay", "delayedRecipients"),
    }
    section, key = names.get(action, ("delivery", "recipients"))
    people = _people(value.get(section), key)
    return SnsNotice(recipients=_recipients(people, action), feedback_type="")


def _recipients(people: list[dict[str, Any]], action: Action) -> tuple[SnsRecipient, ...]:
    found = (_recipient(each, action) for each in people)
    return tuple(each for each in found if each.address)


def _people(section: Any, key: str) -> list[dict[str, Any]]:
    people = section.get(key) if isinstance(section, dict) else None
    if not isinstance(people, list):
        return []
    as_objects = [
        {"emailAddress": each} if isinstance(each, str) else each
        for each in people[:MAX_RECIPIENTS]
    ]
    return [
        each
        for each in as_objects
        if isinstance(each, dict) and isinstance(each.get("emailAddress"), str)
    ]


def _recipient(value: dict[str, Any], action: Action) -> SnsRecipient:
    def text(key: str) -> str:
        found = value.get(key)
        return found[:4000] if isinstance(found, str) else ""

    diagnostic = text("diagnosticCode")
    kind, separator, rest = diagnostic.partition(";")
    return SnsRecipient(
        address=reported_address(text("emailAddress")),
        action=action,
        status=text("status"),
        diagnostic=rest.strip() if separator and kind.strip().lower() == "smtp" else diagnostic,
    )
