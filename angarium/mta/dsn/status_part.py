"""The part for machines: message/delivery-status (RFC 3464), or message/global-delivery-status (RFC 6533)."""

from collections.abc import Sequence

from angarium.mta.dsn.line import (
    MAX_VALUE_OCTETS,
    clean_ascii,
    clean_ascii_value,
    clean_value,
    field,
    unfolded_field,
)
from angarium.mta.dsn.report import RecipientReport
from angarium.queue.message_id import message_id_text
from angarium.queue.model import ClaimedMessage
from angarium.smtp.date import render_date


def render_status(
    message: ClaimedMessage, reports: Sequence[RecipientReport], hostname: str, *, utf8: bool
) -> bytes:
    """Return the groups of fields, CRLF at the end. ASCII only unless ``utf8``."""
    groups = [_message_fields(message, hostname)]
    groups += [_recipient_fields(message, report, utf8=utf8) for report in reports]
    return "\r\n".join(groups).encode()


def _message_fields(message: ClaimedMessage, hostname: str) -> str:
    """RFC 3464 section 2.2."""
    fields = ""
    if message.envelope.envid is not None:
        # Section 2.2.1: without the xtext encoding. Not folded: it must come back as it was given.
        fields += unfolded_field("Original-Envelope-Id", clean_ascii_value(message.envelope.envid))
    fields += field("Reporting-MTA", f"dns; {hostname}")
    fields += field("X-Angarium-Message-ID", message_id_text(message.message_id))
    return fields + field("Arrival-Date", render_date(message.accepted // 1000))


def _recipient_fields(message: ClaimedMessage, report: RecipientReport, *, utf8: bool) -> str:
    """RFC 3464 section 2.3."""
    recipient, attempt = report.recipient, report.attempt
    fields = ""
    if recipient.orcpt is not None:  # section 2.3.1: only if the sender gave it
        fields += unfolded_field("Original-Recipient", clean_ascii_value(recipient.orcpt))
    address = typed_address(recipient.forward_path, utf8=utf8)
    fields += unfolded_field("Final-Recipient", address)
    fields += field("Action", report.action)
    fields += field("Status", report.status)
    if report.is_peer_reply and attempt.host:
        fields += field("Remote-MTA", f"dns; {clean_ascii(attempt.host)}")
    if report.reply:
        # Section 2.3.6: the type "smtp" is for replies of peers; what we found ourselves is of our own type.
        kind = "smtp" if report.is_peer_reply else "X-Angarium"
        fields += field("Diagnostic-Code", f"{kind}; {clean_ascii(report.reply)}")
    if attempt.at:
        fields += field("Last-Attempt-Date", render_date(attempt.at // 1000))
    if report.action == "delayed" and not report.later:  # until when, only the later host knows
        fields += field("Will-Retry-Until", render_date(message.expires // 1000))
    return fields


def typed_address(address: str, *, utf8: bool) -> str:
    """Return ``rfc822; a@b``, or for one beyond ASCII the ``utf-8`` type of RFC 6533 section 3."""
    cleaned = clean_value(address)
    if cleaned.isascii():
        return f"rfc822; {cleaned}"
    return f"utf-8; {cleaned if utf8 else _utf8_addr_xtext(cleaned)}"


def _utf8_addr_xtext(address: str) -> str:
    """RFC 6533 section 3: all but QCHAR as ``\\x{HEX}``, so that ASCII-only systems can carry it."""
    encoded = "".join(
        each if "!" <= each <= "~" and each not in "+=\\" else f"\\x{{{ord(each):X}}}"
        for each in address
    )
    # A path of at most 256 octets (RFC 5321 section 4.5.3.1.3) is never cut
    return encoded[:MAX_VALUE_OCTETS]
