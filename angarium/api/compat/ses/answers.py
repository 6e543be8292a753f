"""SES's answers: what its clients read of a send, and the type and words of each error. Pure values, encoded here."""

from typing import Any, Final

import msgspec

from angarium.api.compat.faults import renamed
from angarium.intake.order import Fault, FaultKind

ERROR_TYPE: Final = "x-amzn-ErrorType"
# Whose key it is cannot be said: Amazon's own words, since people look for them
UNKNOWN_KEY: Final = "The security token included in the request is invalid."
MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
# What SES would try again by itself is 429 and 5xx alone: nothing of a request that is wrong
_TYPES: Final = {
    FaultKind.NO_KEY: (403, "MissingAuthenticationTokenException"),
    FaultKind.WRONG_KEY: (403, "InvalidSignatureException"),
    FaultKind.NO_SCOPE: (403, "AccessDeniedException"),
    FaultKind.DOMAIN: (400, "MessageRejected"),
    FaultKind.SUPPRESSED: (400, "MessageRejected"),
    FaultKind.NOT_FOUND: (404, "NotFoundException"),
    FaultKind.METHOD: (405, "BadRequestException"),
    FaultKind.CONFLICT: (409, "ConflictException"),
    FaultKind.TOO_LARGE: (413, "BadRequestException"),
    FaultKind.MEDIA_TYPE: (415, "BadRequestException"),
    # The first attempt of the same call: its client asks again, and gets the first answer
    FaultKind.UNDER_WAY: (429, "TooManyRequestsException"),
    FaultKind.RATE: (429, "TooManyRequestsException"),
    FaultKind.QUOTA: (429, "TooManyRequestsException"),
    FaultKind.BUSY: (503, "ServiceUnavailableException"),
    FaultKind.DISK_FULL: (503, "ServiceUnavailableException"),
    FaultKind.INTERNAL: (500, "InternalServiceErrorException"),
}
_OTHERS: Final = (400, "BadRequestException")
# Constraint of a fault, for what has a type of its own
TYPE_BY_CONSTRAINT: Final = {
    "unknown_key": "UnrecognizedClientException",
    "incomplete_signature": "IncompleteSignatureException",
}
# Of one entry of several
_STATUSES: Final = {
    FaultKind.DOMAIN: "MAIL_FROM_DOMAIN_NOT_VERIFIED",
    FaultKind.SUPPRESSED: "MESSAGE_REJECTED",
    FaultKind.NOT_FOUND: "TEMPLATE_NOT_FOUND",
    FaultKind.RATE: "ACCOUNT_THROTTLED",
    FaultKind.QUOTA: "ACCOUNT_DAILY_QUOTA_EXCEEDED",
    FaultKind.BUSY: "TRANSIENT_FAILURE",
    FaultKind.DISK_FULL: "TRANSIENT_FAILURE",
    FaultKind.INTERNAL: "FAILED",
}
# A wrong address is what nodemailer's verify() takes for a server that works
_ADDRESSES: Final = ("FromEmailAddress", "Destination.")
_SIMPLE: Final = "Content.Simple"
_STREAM: Final = "stream"
# Of native fields, SES's
_NAMES: Final = {
    "from": "FromEmailAddress",
    "to": "Destination.ToAddresses",
    "cc": "Destination.CcAddresses",
    "bcc": "Destination.BccAddresses",
    "replyTo": "ReplyToAddresses",
    "subject": f"{_SIMPLE}.Subject.Data",
    "bodyText": f"{_SIMPLE}.Body.Text.Data",
    "bodyHtml": f"{_SIMPLE}.Body.Html.Data",
    "headers": f"{_SIMPLE}.Headers",
    "attachments": f"{_SIMPLE}.Attachments",
    "content": "Content.Raw.Data",
    "raw": "Content.Raw.Data",
    "tags": "EmailTags",
    "campaign": "EmailTags",
    "tracking": "ConfigurationOverrides.Tracking",
    _STREAM: "ConfigurationSetName",
}


class Error(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    type: str
    message: str


def error_of(fault: Fault) -> Error:
    status, type_ = _TYPES.get(fault.kind, _OTHERS)
    type_ = TYPE_BY_CONSTRAINT.get(fault.constraint, type_)
    message = fault.message
    if fault.kind is FaultKind.INVALID and fault.field.startswith(_ADDRESSES):
        type_ = "MessageRejected"
    if fault.kind is FaultKind.DOMAIN:
        # The first words are Amazon's, by which programs know it
        message = f"Email address is not verified. {message}"
    return Error(status=status, type=type_, message=message)


def in_sess_names(fault: Fault) -> Fault:
    """Return a native fault with SES's name of its field; a stream is what SES calls a configuration set."""
    if fault.field == _STREAM and fault.kind is FaultKind.INVALID:
        fault = msgspec.structs.replace(fault, kind=FaultKind.NOT_FOUND)
    return renamed(fault, _NAMES)


def entry_result(fault: Fault) -> dict[str, Any]:
    """Return what came of one entry of a bulk request."""
    status = _STATUSES.get(fault.kind, "INVALID_PARAMETER")
    return {"Status": status, "Error": fault.message}
