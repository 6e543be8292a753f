"""A fault as SendGrid's clients know it: a status, and ``{"errors": [{message, field, help}]}``. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import renamed
from angarium.intake.order import Fault, FaultKind

# Python's client has classes for these; 422 would have none
_STATUS: Final[dict[FaultKind, int]] = {
    FaultKind.MALFORMED: 400,
    FaultKind.MISSING: 400,
    FaultKind.INVALID: 400,
    FaultKind.UNKNOWN_FIELD: 400,
    FaultKind.UNSUPPORTED: 400,
    FaultKind.NO_KEY: 401,
    FaultKind.WRONG_KEY: 401,
    FaultKind.NO_SCOPE: 403,
    FaultKind.DOMAIN: 403,
    FaultKind.SUPPRESSED: 400,
    FaultKind.NOT_FOUND: 404,
    FaultKind.METHOD: 405,
    FaultKind.CONFLICT: 400,
    FaultKind.TOO_LARGE: 413,
    FaultKind.MEDIA_TYPE: 415,
    FaultKind.KEY_REUSED: 400,
    FaultKind.UNDER_WAY: 429,
    FaultKind.RATE: 429,
    FaultKind.QUOTA: 429,
    FaultKind.BUSY: 503,
    FaultKind.DISK_FULL: 503,
    FaultKind.INTERNAL: 500,
}
_WORDS: Final = {
    FaultKind.NO_KEY: "Permission denied, wrong credentials",
    FaultKind.WRONG_KEY: "The provided authorization grant is invalid, expired, or revoked",
}
_MAIL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "replyTo": "reply_to_list",
        "bodyText": "content",
        "bodyHtml": "content",
        "bodyAmp": "content",
        "tags": "categories",
        "metadata": "custom_args",
        "sendAt": "send_at",
        "stream": "ip_pool_name",
        "topic": "asm.group_id",
        "templateId": "template_id",
        "templateData": "dynamic_template_data",
        ".contentType": ".type",
        ".contentId": ".content_id",
        "tracking.opens": "tracking_settings.open_tracking.enable",
        "tracking.clicks": "tracking_settings.click_tracking.enable",
    }
)
_INDEX: Final = re.compile(r"\[(\d+)\]")
_PLACED: Final = re.compile(r"(?:personalizations\[(\d+)\]\.?)?(.*)", re.DOTALL)
# What a personalization has of its own; all else is the mail's
_OF_ADDRESS: Final = re.compile(r"(to|cc|bcc)(?:\[(\d+)\])?(?:\.(name))?")


def status_of(fault: Fault) -> int:
    return _STATUS[fault.kind]


def fault_body(fault: Fault) -> dict[str, Any]:
    message = _WORDS.get(fault.kind, fault.message)
    # ``personalizations[0].to[0].email`` as SendGrid writes it
    field = _INDEX.sub(r".\1", fault.field) or None
    return {"errors": [{"message": message, "field": field, "help": None}]}


def in_sendgrids_names(fault: Fault) -> Fault:
    """Return what was said of an order with the field that SendGrid's request has for it."""
    own = renamed(fault, _MAIL, "personalizations")
    found = _PLACED.fullmatch(own.field)
    assert found is not None  # it matches anything
    index, field = found.groups()
    if (of_address := _OF_ADDRESS.fullmatch(field)) is not None:
        group, at, part = of_address.groups()
        field = f"personalizations[{index or 0}].{group}[{at or 0}].{part or 'email'}"
    elif field.startswith("dynamic_template_data"):
        field = f"personalizations[{index or 0}].{field}"
    elif not field and index is not None:
        field = f"personalizations[{index}]"
    return msgspec.structs.replace(own, field=field)
