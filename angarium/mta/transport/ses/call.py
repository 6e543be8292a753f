"""The calls of SES's API v2 as octets, and what their answers mean for recipients. Pure.

Start with ``send_email`` and ``meaning``. Errors get the codes that SES's own SMTP interface answers with, so that
rules and classes read both alike.
"""

import base64
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec

from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.reply_meaning import Where, attempt, in_doubt
from angarium.mta.transport.transfer import Transfer
from angarium.queue.model import UnixMs
from angarium.smtp.reply import clean_text

SEND_PATH: Final = "/v2/email/outbound-emails"
ACCOUNT_PATH: Final = "/v2/email/account"
# Of Amazon: destinations of one call, and octets of a raw message (API v2, 40 MB after base64)
MAX_RECIPIENTS: Final = 50
MAX_CONTENT_OCTETS: Final = 40 * 1024 * 1024 // 4 * 3
# By it a notification names our message (``feedback.ses``)
MESSAGE_TAG: Final = "angarium-message"
# Of an answer that is read; ours: they have a few hundred octets
MAX_ANSWER_OCTETS: Final = 65_536

# What the account may not do now, whoever the mail is for: it waits, and the smart host is left alone
_ACCOUNT: Final = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "AccountSendingPausedException",
        "AccessDeniedException",
        "AccessDenied",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "ExpiredTokenException",
        "ExpiredToken",
        "OptInRequired",
        "NotAuthorized",
    }
)
_THROTTLING: Final = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "LimitExceeded",
        "SlowDown",
    }
)
# Of the message or its sender: for ever, and the sender is told
_REFUSED: Final = {
    "MessageRejected": (554, "5.6.0"),
    "MailFromDomainNotVerifiedException": (550, "5.7.1"),
    "MailFromDomainNotVerified": (550, "5.7.1"),
    "BadRequestException": (554, "5.5.4"),
    "InvalidParameterValue": (554, "5.5.4"),
    "ValidationException": (554, "5.5.4"),
}
# Of the configuration: a configuration set that does not exist, a path that is not SES's
_OURS: Final = frozenset(
    {"NotFoundException", "ConfigurationSetDoesNotExist", "UnknownOperationException"}
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer, as much of it as matters."""

    status: int
    error_type: str  # of the header x-amzn-ErrorType; ""
    body: bytes  # at most MAX_ANSWER_OCTETS


def send_email(transfer: Transfer, configuration_set: str | None) -> bytes:
    """Return the body of SendEmail. The recipients are the envelope's; the content is sent as it is.

    A null reverse path is left out: SES knows none, and takes the content's Return-Path or From.
    """
    to = [each.forward_path for each in transfer.recipients]
    call: dict[str, Any] = {"Destination": {"ToAddresses": to}}
    if transfer.reverse_path:
        call["FromEmailAddress"] = transfer.reverse_path
    if transfer.reference:
        call["EmailTags"] = [{"Name": MESSAGE_TAG, "Value": transfer.reference}]
    if configuration_set is not None:
        call["ConfigurationSetName"] = configuration_set
    raw = base64.b64encode(b"".join((transfer.header, transfer.body)))
    # Beside the encoder: it would have the content twice more in memory
    return b"".join((b'{"Content":{"Raw":{"Data":"', raw, b'"}},', msgspec.json.encode(call)[1:]))


def room_for(transfer: Transfer) -> int:
    """Return how many octets of memory its call takes, besides the content."""
    return (len(transfer.header) + len(transfer.body)) * 3


def find_refusal(transfer: Transfer, where: Where, at: UnixMs) -> Permanent | None:
    """Return why SES would not take it, known before it is asked."""
    if len(transfer.header) + len(transfer.body) > MAX_CONTENT_OCTETS:
        text = f"SES takes no message of over {MAX_CONTENT_OCTETS} octets"
        return Permanent(attempt(where, at, "mail", enhanced="5.3.4", reason=text), Scope.MESSAGE)
    paths = [transfer.reverse_path, *(each.forward_path for each in transfer.recipients)]
    if not all(each.rpartition("@")[0].isascii() for each in paths):
        text = "SES takes no address with a local part that is not ASCII"
        return Permanent(attempt(where, at, "mail", enhanced="5.6.7", reason=text), Scope.MESSAGE)
    return None


def meaning(answer: Answer, where: Where, at: UnixMs) -> Outcome:
    """Return the outcome of all recipients of a SendEmail: SES decides about a call as a whole."""
    said = _read(answer.body)
    if 200 <= answer.status < 300:
        id_ = said.get("MessageId")
        if not isinstance(id_, str) or not id_:
            return in_doubt(where, at, "4.5.0", "an answer without a MessageId")
        text = clean_text(f"Ok {id_}")
        return Taken(attempt(where, at, "final_dot", code=250, enhanced="2.0.0", reason=text))
    kind = error_of(answer)
    words = said.get("message") or said.get("Message") or ""
    text = clean_text(f"{kind or f'HTTP status {answer.status}'}: {words}".rstrip(": "))

    def transient(code: int, enhanced: str, scope: Scope) -> Transient:
        return Transient(
            attempt(where, at, "data", code=code, enhanced=enhanced, reason=text), scope
        )

    if kind in _ACCOUNT or (not kind and answer.status in (401, 403)):
        return transient(454, "4.7.0", Scope.SITE)
    if is_throttling(answer):
        return transient(454, "4.7.0", Scope.MESSAGE)
    if kind in _OURS or answer.status == 404:
        # RFC 3463 section 3.4: system incorrectly configured
        return transient(451, "4.3.5", Scope.SITE)
    if answer.status == 413:
        return Permanent(
            attempt(where, at, "data", code=552, enhanced="5.3.4", reason=text), Scope.MESSAGE
        )
    if kind in _REFUSED:
        code, enhanced = _REFUSED[kind]
        return Permanent(
            attempt(where, at, "data", code=code, enhanced=enhanced, reason=text), Scope.MESSAGE
        )
    if answer.status in (
        502,
        504,
    ):  # of somebody before it, who does not know what became of the call
        return in_doubt(where, at, "4.3.0", text)
    return transient(451, "4.3.0" if answer.status >= 500 else "4.5.0", Scope.MESSAGE)


def account_of(body: bytes) -> tuple[float, float, float, bool] | None:
    """Return what GetAccount says: recipients in 24 hours, how many of them were sent to, recipients a second, and
    whether the account may send; None: it says nothing of the kind.
    """
    said = _read(body)
    quota = said.get("SendQuota")
    if not isinstance(quota, dict):
        return None
    numbers = [quota.get(each) for each in ("Max24HourSend", "SentLast24Hours", "MaxSendRate")]
    per_day, sent, per_second = (
        float(each) if isinstance(each, int | float) and isfinite(each) else None
        for each in numbers
    )
    if per_day is None or per_second is None:
        return None
    return per_day, sent or 0.0, per_second, said.get("SendingEnabled", True) is not False


def is_throttling(answer: Answer) -> bool:
    return answer.status == 429 or error_of(answer) in _THROTTLING


def error_of(answer: Answer) -> str:
    """Return the name of the error, without what stands around it; "" if it has none."""
    said = _read(answer.body)
    for name in (answer.error_type, said.get("__type"), said.get("code"), said.get("Code")):
        if isinstance(name, str) and name:
            return name.partition(":")[0].rpartition("#")[2].strip()[:100]
    return ""


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
