"""SES's answers: what its clients read of a send, and the type and words of each error. Pure values, encoded here."""

from typing import Any, Final

import msgspec

from angarium.api.compat.faults import renamed
from angarium.intake.order import Fault, FaultKind, Sent
from angarium.intake.template_filling import NO_TEMPLATE

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
ALREADY: Final = "already_exists"
LIMIT: Final = "limit"
TYPE_BY_CONSTRAINT: Final = {
    ALREADY: "AlreadyExistsException",
    LIMIT: "LimitExceededException",
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
NO_SET: Final = "configuration_set"
_STATUS_BY_CONSTRAINT: Final = {
    NO_TEMPLATE: "TEMPLATE_NOT_FOUND",
    NO_SET: "CONFIGURATION_SET_NOT_FOUND",
}
# Of a variable that the template writes and that is not given
LACKING: Final = "required"
_TEMPLATE_DATA: Final = "TemplateData"
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
    "topic": "ListManagementOptions.TopicName",
    "tracking": "ConfigurationOverrides.Tracking",
    "templateId": "Content.Template.TemplateName",
    "templateData": "Content.Template.TemplateData",
    _STREAM: "ConfigurationSetName",
}
# The same where a bulk request has it: in the entry, or for all
_OF_ENTRY: Final = {
    "to": "Destination.ToAddresses",
    "cc": "Destination.CcAddresses",
    "bcc": "Destination.BccAddresses",
    "headers": "ReplacementHeaders",
    "tags": "ReplacementTags",
    "templateData": "ReplacementEmailContent.ReplacementTemplate.ReplacementTemplateData",
}
_OF_BULK: Final = {
    "templateId": "DefaultContent.Template.TemplateName",
    "attachments": "DefaultContent.Template.Attachments",
}


class Error(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    type: str
    message: str


def error_of(fault: Fault) -> Error:
    status, type_ = _TYPES.get(fault.kind, _OTHERS)
    type_ = TYPE_BY_CONSTRAINT.get(fault.constraint, type_)
    if fault.constraint == NO_TEMPLATE:
        status, type_ = _TYPES[FaultKind.NOT_FOUND]
    message = fault.message
    if fault.kind is FaultKind.INVALID and fault.field.startswith(_ADDRESSES):
        type_ = "MessageRejected"
    if fault.kind is FaultKind.DOMAIN:
        # The first words are Amazon's, by which programs know it
        message = f"Email address is not verified. {message}"
    return Error(status=status, type=type_, message=message)


def in_sess_names(fault: Fault, template: str = "") -> Fault:
    """Return a native fault with SES's name of its field; a stream is what SES calls a configuration set.

    ``template``: by what name one was asked for.
    """
    if fault.field == _STREAM and fault.kind is FaultKind.INVALID:
        fault = msgspec.structs.replace(fault, kind=FaultKind.NOT_FOUND)
    return _of_template(renamed(fault, _NAMES), template)


def in_bulk_names(fault: Fault, entry: int, template: str) -> Fault:
    """The same of one entry of several."""
    if fault.field == _STREAM and fault.kind is FaultKind.INVALID:
        fault = msgspec.structs.replace(fault, kind=FaultKind.NOT_FOUND, constraint=NO_SET)
    at = f"BulkEmailEntries[{entry}]."
    names = {**_NAMES, **{name: f"{at}{each}" for name, each in _OF_ENTRY.items()}, **_OF_BULK}
    return _of_template(renamed(fault, names), template)


def _of_template(fault: Fault, name: str) -> Fault:
    """With Amazon's own words before ours, where there is no such template."""
    if fault.constraint != NO_TEMPLATE:
        return fault
    message = f"Template {name[:64]} does not exist. {fault.message}"
    return msgspec.structs.replace(fault, message=message)


def entry_result(outcome: Sent | Fault) -> dict[str, Any]:
    """Return what came of one entry of a bulk request."""
    if isinstance(outcome, Sent):
        return {"Status": "SUCCESS", "MessageId": outcome.email_id}
    status = _STATUSES.get(outcome.kind, "INVALID_PARAMETER")
    if outcome.constraint == LACKING and _TEMPLATE_DATA in outcome.field:
        status = "FAILED"
    status = _STATUS_BY_CONSTRAINT.get(outcome.constraint, status)
    return {"Status": status, "Error": outcome.message}
