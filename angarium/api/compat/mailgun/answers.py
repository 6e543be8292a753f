"""Mailgun's answers: one sentence for people, with its status. Pure values, encoded here."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from angarium.intake.order import Fault, FaultKind, Sent

# Clients look at how it begins
QUEUED: Final = "Queued. Thank you."
_STATUSES: Final = {
    FaultKind.NO_KEY: 401,
    FaultKind.WRONG_KEY: 401,
    FaultKind.NO_SCOPE: 403,
    FaultKind.DOMAIN: 404,
    FaultKind.NOT_FOUND: 404,
    FaultKind.METHOD: 405,
    FaultKind.CONFLICT: 409,
    FaultKind.TOO_LARGE: 413,
    FaultKind.MEDIA_TYPE: 415,
    FaultKind.UNDER_WAY: 429,
    FaultKind.RATE: 429,
    FaultKind.QUOTA: 429,
    FaultKind.BUSY: 503,
    FaultKind.DISK_FULL: 503,
    FaultKind.INTERNAL: 500,
}
_OTHERS: Final = 400
# Of native fields, Mailgun's
_NAMES: Final = {
    "bodyText": "text",
    "bodyHtml": "html",
    "bodyAmp": "amp-html",
    "replyTo": "h:Reply-To",
    "attachments": "attachment",
    "tags": "o:tag",
    "sendAt": "o:deliverytime",
    "templateId": "template",
    "templateVersion": "t:version",
    "templateData": "t:variables",
}
_FIELD: Final = re.compile(r"(?:messages\[\d+\]\.)?([A-Za-z]+)(.*)", re.DOTALL)


def queued(sent: Sequence[Sent]) -> dict[str, Any]:
    """Of several messages of one request, the first is told of."""
    return {"id": sent[0].message_id, "message": QUEUED}


def status_of(fault: Fault) -> int:
    return _STATUSES.get(fault.kind, _OTHERS)


def message_of(fault: Fault) -> str:
    # By these words clients know it
    return f"Domain not found: {fault.message}" if fault.kind is FaultKind.DOMAIN else fault.message


def in_mailguns_names(fault: Fault) -> Fault:
    """Return a native fault with Mailgun's name of its field, also in its text."""
    field = _mailgun_field(fault.field)
    if field == fault.field:
        return fault
    message = fault.message.replace(fault.field, field, 1)
    return msgspec.structs.replace(fault, field=field, message=message)


def _mailgun_field(field: str) -> str:
    found = _FIELD.fullmatch(field)
    if found is None:
        return field
    name, rest = found[1], found[2]
    if name == "headers":
        return f"h:{rest.removeprefix('.')}"
    if name == "metadata":
        return f"v:{rest.removeprefix('.')}"
    if name == "tracking":
        return f"o:tracking-{rest.removeprefix('.')}"
    return _NAMES.get(name, name) + rest
