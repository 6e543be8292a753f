"""What Postmark says, in the sentences that its clients read addresses out of, and a fault in its form. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from angarium.intake.order import Fault, FaultKind
from angarium.intake.template_filling import NO_TEMPLATE

KEY_FIELD: Final = "X-Postmark-Server-Token"
OK: Final = "OK"
_INACTIVE: Final = (
    "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual"
    " suppression."
)
# HTTP status and ErrorCode, by both of which clients choose a class
_CODES: Final[dict[FaultKind, tuple[int, int]]] = {
    FaultKind.MALFORMED: (422, 402),
    FaultKind.MISSING: (422, 300),
    FaultKind.INVALID: (422, 300),
    FaultKind.UNKNOWN_FIELD: (422, 300),
    FaultKind.UNSUPPORTED: (422, 300),
    FaultKind.NO_KEY: (401, 10),
    FaultKind.WRONG_KEY: (401, 10),
    FaultKind.NO_SCOPE: (403, 10),
    FaultKind.DOMAIN: (422, 400),
    FaultKind.SUPPRESSED: (422, 406),
    FaultKind.NOT_FOUND: (404, 404),
    FaultKind.METHOD: (405, 405),
    FaultKind.CONFLICT: (422, 300),
    FaultKind.TOO_LARGE: (413, 300),
    FaultKind.MEDIA_TYPE: (415, 409),
    FaultKind.KEY_REUSED: (422, 300),
    FaultKind.UNDER_WAY: (429, 429),
    FaultKind.RATE: (429, 429),
    FaultKind.QUOTA: (429, 429),
    FaultKind.BUSY: (503, 100),
    FaultKind.DISK_FULL: (503, 100),
    FaultKind.INTERNAL: (500, 500),
}
# ``constraint`` of the faults that have an ErrorCode of their own: a batch is too large, a message is not found
MAX_ITEMS: Final = "max_batch"
UNKNOWN_MESSAGE: Final = "unknown_message"
INCOMPATIBLE: Final = "incompatible_json"
_OWN_CODES: Final = {MAX_ITEMS: 410, UNKNOWN_MESSAGE: 701, INCOMPATIBLE: 403, NO_TEMPLATE: 1101}
_NO_TEMPLATE: Final = (
    "The Template's 'TemplateId' or 'TemplateAlias' associated with this request"
    " is not valid or was not found."
)
_ADDRESSES: Final = ("From", "To", "Cc", "Bcc", "ReplyTo")


def status_of(fault: Fault) -> int:
    return _CODES[fault.kind][0]


def fault_body(fault: Fault) -> dict[str, Any]:
    return {"ErrorCode": _code(fault), "Message": _sentence(fault)}


def not_delivered_to(addresses: Sequence[str]) -> str:
    """Of a message that others get."""
    return (
        "Message OK, but will not deliver to these inactive addresses:"
        f" {', '.join(addresses)}. {_INACTIVE}"
    )


def _code(fault: Fault) -> int:
    return _OWN_CODES.get(fault.constraint, _CODES[fault.kind][1])


def _sentence(fault: Fault) -> str:
    if fault.constraint == NO_TEMPLATE:
        return f"{_NO_TEMPLATE} {fault.message}".rstrip()
    match fault.kind:
        case FaultKind.SUPPRESSED:
            return (
                "You tried to send to recipient(s) that have been marked as inactive."
                f" Found inactive addresses: {', '.join(fault.addresses)}. {_INACTIVE}"
            )
        case FaultKind.INVALID if fault.addresses and _is_of_address(fault.field):
            name = fault.field.partition("[")[0].replace("ReplyTo", "Reply-To")
            return f"Invalid '{name}' address: '{fault.addresses[0]}'.{_reason(fault)}"
        case FaultKind.DOMAIN:
            return (
                f"The 'From' address you supplied is not a Sender Signature here: {fault.message}"
            )
        case FaultKind.NO_KEY | FaultKind.WRONG_KEY:
            return "Request does not contain a valid Server token."
        case _:
            return fault.message


def _is_of_address(field: str) -> bool:
    return field.partition("[")[0] in _ADDRESSES


def _reason(fault: Fault) -> str:
    """Clients take what is between the first apostrophe and the last one for the address."""
    return "" if "'" in fault.message else f" {fault.message}"
