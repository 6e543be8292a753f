"""Complaints as providers pass them on: ARF (RFC 5965, RFC 6650, RFC 6591, RFC 9477) and its kin. Pure."""

import re
from typing import Final

import msgspec

from angarium.feedback.classes import BounceClass, Effect, Verdict
from angarium.feedback.mail.addresses import addresses_of, first_address, reported_address
from angarium.feedback.mail.fields import Fields, read_fields
from angarium.feedback.mail.original import (
    envelope_recipients,
    header_recipients,
    is_returned,
    original_of,
)
from angarium.feedback.mail.parts import ParsedMail, Part
from angarium.feedback.mail.sns_mail import find_sns
from angarium.feedback.mail.text import octets_of, text_of
from angarium.feedback.report import Action, ReportedRecipient

# Ours: a report names one recipient, or a few
MAX_RECIPIENTS: Final = 50
# RFC 5965 section 7.3, RFC 6591, RFC 6650: these say that a person wants no more of this mail
_SUPPRESSING: Final = frozenset(
    {"abuse", "fraud", "opt-out", "opt-out-list", "optout", "complaint", "unsubscribe"}
)
_FIELDS: Final = re.compile(
    rb"^Feedback-Type:[ \t]*[a-z-]+[ \t]*\r?\n(?:[A-Z][\w-]*:|[ \t])", re.MULTILINE
)
_FEEDBACK_TYPES: Final = frozenset(
    {"message/feedback-report", "text/feedback-report", "application/feedback-report"}
)
_SUBJECT: Final = re.compile(r"\s*complaint about (?:a )?message from\b", re.IGNORECASE)
_FAILURE_SUBJECT: Final = re.compile(
    r"\b(?:dmarc|dkim|spf|authentication)[ -](?:authentication[ -])?"
    r"(?:forensic|failure|fail(?:ed)?)(?:[ -]\w+)? report\b",
    re.IGNORECASE,
)
_FAILURE_WORDS: Final = (
    "dmarc",
    "auth-failure",
    "authentication failure",
    "authentication-failure",
)


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    feedback_type: str
    fields: Fields  # of the report itself; none where it has no such part
    original: Fields
    recipients: tuple[ReportedRecipient, ...]


def is_complaint(feedback_type: str) -> bool:
    """Whether a report of this type says that a person wants no more of this mail."""
    return feedback_type in _SUPPRESSING


def find_complaint(mail: ParsedMail) -> Complaint | None:
    """Return the complaint that ``mail`` is; None where it is none."""
    part = next((each for each in mail.parts if each.content_type in _FEEDBACK_TYPES), None)
    if part is not None:
        fields = _report_fields(part)
        return _complaint(_type_of(fields), fields, original_of(mail))
    subject = mail.fields.text("subject")
    if _SUBJECT.match(subject) and any(is_returned(each.content_type) for each in mail.parts):
        return _complaint("abuse", Fields(), original_of(mail))
    report_type = mail.parameters.get("report-type", "").lower()
    if len(mail.parts) > 1 and any(_has_fields(each) for each in mail.parts):
        # As text, which some gateways make of parts that they do not know
        report_type = report_type or "feedback-report"
    if report_type == "feedback-report" or _FAILURE_SUBJECT.search(subject):
        return _without_part(mail, report_type)
    first = mail.parts[0]
    sns = find_sns(text_of(first)) if first.body[:200].lstrip().startswith(b"{") else None
    if sns is None or not sns.feedback_type:
        return None
    return Complaint(
        feedback_type=sns.feedback_type,
        fields=Fields(),
        original=Fields(),
        recipients=_complained([each.address for each in sns.recipients], sns.feedback_type),
    )


def _has_fields(part: Part) -> bool:
    beginning = part.body[:2000]
    return b"eedback-" in beginning and _FIELDS.search(beginning) is not None


def _without_part(mail: ParsedMail, report_type: str) -> Complaint | None:
    """Read a report that lost its part, or never had it: its fields may stand in a text."""
    for part in mail.parts:
        if not part.content_type.startswith("text/"):
            continue
        text = text_of(part)
        if "feedback-type:" in text.lower():
            fields, _ = read_fields(
                text[text.lower().index("feedback-type:") :].encode("utf-8", "replace")
            )
            return _complaint(_type_of(fields), fields, original_of(mail))
        if has_failure_words(text):
            return _complaint("auth-failure", Fields(), original_of(mail))
    return _complaint("abuse", Fields(), original_of(mail)) if report_type else None


def has_failure_words(text: str) -> bool:
    folded = text[:4000].casefold()
    return any(each in folded for each in _FAILURE_WORDS)


def _report_fields(part: Part) -> Fields:
    octets = octets_of(part).lstrip()
    fields, end = read_fields(octets)
    # Some begin with a blank line, or have one in the midst
    if "feedback-type" not in fields and end < len(octets):
        more, _ = read_fields(octets[end:])
        if "feedback-type" in more:
            return more
    return fields


def _type_of(fields: Fields) -> str:
    kind = re.match(r"[a-z][a-z-]{0,30}", fields.raw("feedback-type").strip().lower())
    return kind[0] if kind else "abuse"


def _complaint(feedback_type: str, fields: Fields, original: Fields) -> Complaint:
    return Complaint(
        feedback_type=feedback_type,
        fields=fields,
        original=original,
        recipients=_complained(_who(fields, original), feedback_type),
    )


def _complained(people: list[str], feedback_type: str) -> tuple[ReportedRecipient, ...]:
    effect = Effect.SUPPRESS if is_complaint(feedback_type) else Effect.NONE
    return tuple(
        ReportedRecipient(
            address=each,
            action=Action.DELIVERED,
            verdict=Verdict(BounceClass.UNDETERMINED, effect),
            reply=f"feedback: {feedback_type}",
        )
        for each in people[:MAX_RECIPIENTS]
    )


def _who(fields: Fields, original: Fields) -> list[str]:
    """Return who complained: as the report says, else whom the envelope named, else the header's one recipient."""
    said = [
        reported_address(value) for value in fields.all_raw("original-rcpt-to", "removal-recipient")
    ]
    known = [each for each in said if each and not is_redacted(each)]
    if known:
        return list(dict.fromkeys(known))
    envelope = [each for each in envelope_recipients(original) if not is_redacted(each)]
    if envelope:
        return envelope[:1]
    header = [each for each in header_recipients(original) if not is_redacted(each)]
    return header if len(header) == 1 else []


def is_redacted(address: str) -> bool:
    """Whether the provider put it in the place of a person's."""
    local, _, domain = address.lower().rpartition("@")
    is_blanked = len(local) > 2 and not local.strip("x*")
    return (
        is_blanked or "redacted" in local or "undisclosed" in local or domain.startswith("redacted")
    )


def sender_of(fields: Fields) -> str:
    return first_address(fields.text("from")) or next(
        iter(addresses_of(fields.raw("return-path"))), ""
    )
