"""Puts a DSN together and makes a submission of it (RFC 3464 section 2, RFC 6522)."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from angarium.mta.dsn.line import clean_value, field, unfolded_field
from angarium.mta.dsn.report import Action, RecipientReport, is_wanted
from angarium.mta.dsn.returned_part import MimePart, returned_part
from angarium.mta.dsn.status_part import render_status
from angarium.mta.dsn.text_part import render_text
from angarium.queue.message_id import message_id_text
from angarium.queue.model import (
    ClaimedMessage,
    MessageId,
    Origin,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.smtp.address import Address, AddressSyntaxError, parse_mailbox
from angarium.smtp.date import render_date
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.transfer_encoding import quoted_printable

_SUBJECT: Final[dict[Action, str]] = {
    "failed": "Delivery Status Notification (Failure)",
    "delayed": "Delivery Status Notification (Delay)",
    "relayed": "Delivery Status Notification (Relayed)",
    "expanded": "Delivery Status Notification (Expanded)",
    "delivered": "Delivery Status Notification (Success)",
}  # the first of these that occurs names the whole
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,250}>")


def dsn_for(
    message: ClaimedMessage,
    reports: Sequence[RecipientReport],
    *,
    hostname: str,
    now: UnixMs,
    lifetime_ms: int,
    new_message_id: Callable[[], MessageId],
    partition_of: Callable[[str], PartitionNumber],
) -> Submission | None:
    """Return the one DSN that tells the sender of all ``reports``; None when there is nothing, or nobody, to tell.

    Not of what came by the HTTP API: who sent it is told by events, and its author may be nobody's mailbox. A5: never
    for a null reverse-path; itself sent from one, so nothing is ever sent about it. ``partition_of`` is given the
    sender's domain; ``lifetime_ms`` is how long the DSN itself may wait.
    """
    told = [each for each in reports if is_wanted(each)]
    if not told or not message.envelope.reverse_path or message.origin.kind == "api":
        return None
    try:
        sender = parse_mailbox(message.envelope.reverse_path)
    except AddressSyntaxError:  # C1: no way to name it in a header or a command
        return None
    message_id = new_message_id()
    header, body = _render(message, told, sender, hostname, now, message_id)
    utf8 = not sender.text.isascii()
    return Submission(
        message_id=message_id,
        tenant=message.tenant,
        stream=message.stream,
        priority=message.priority,
        envelope=Envelope(
            reverse_path="",
            recipients=(Recipient(forward_path=sender.text, domain=sender.domain),),
            smtputf8=utf8,
            body_8bit=not body.isascii(),
        ),
        content=header + body,
        header_octets=len(header),
        header_from=hostname,
        message_id_header=_message_id_header(message_id, hostname),
        accepted=now,
        expires=UnixMs(now + lifetime_ms),
        origin=Origin(kind="dsn"),
        partitions=(partition_of(sender.domain),),
    )


def _render(
    message: ClaimedMessage,
    reports: Sequence[RecipientReport],
    sender: Address,
    hostname: str,
    now: UnixMs,
    message_id: MessageId,
) -> tuple[bytes, bytes]:
    # Then the DSN itself needs SMTPUTF8, and may be as UTF-8 as it likes
    utf8 = not sender.text.isascii()
    failed = any(each.action == "failed" for each in reports)
    kind = "global-delivery-status" if utf8 else "delivery-status"
    status = render_status(message, reports, hostname, utf8=utf8)
    parts = (
        _text_part(render_text(message, reports, hostname)),
        MimePart(
            content_type=f"message/{kind}",
            encoding="7bit" if status.isascii() else "8bit",
            body=status,
        ),
        returned_part(message, full=failed, utf8=utf8),
    )
    boundary = _boundary(message_id, parts)
    header = (
        field("From", f"Mail Delivery System <postmaster@{hostname}>")
        + unfolded_field("To", f"<{sender.text}>")
        + field("Subject", _subject(reports))
        + field("Date", render_date(now // 1000))
        + unfolded_field("Message-ID", _message_id_header(message_id, hostname))
        + _references(message.message_id_header)
        + field("Auto-Submitted", "auto-replied")  # RFC 3834 section 5
        + field("MIME-Version", "1.0")
        + f"Content-Type: multipart/report; report-type={kind};\r\n"
        + f' boundary="{boundary}"\r\n\r\n'
    )
    return header.encode(), _join(parts, boundary)


def _text_part(text: str) -> MimePart:
    if text.isascii():
        return MimePart(
            content_type="text/plain; charset=us-ascii", encoding="7bit", body=text.encode()
        )
    return MimePart(
        content_type="text/plain; charset=utf-8",
        encoding="quoted-printable",
        body=quoted_printable(text.encode()),
    )


def _join(parts: Sequence[MimePart], boundary: str) -> bytes:
    pieces = [b"This is a MIME message: a report in three parts.\r\n"]
    for part in parts:
        pieces.append(
            f"\r\n--{boundary}\r\nContent-Type: {part.content_type}\r\n"
            f"Content-Transfer-Encoding: {part.encoding}\r\n\r\n".encode()
        )
        pieces.append(part.body)
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return b"".join(pieces)


def _boundary(message_id: MessageId, parts: Sequence[MimePart]) -> str:
    """Return one that occurs in no part (RFC 2046 section 5.1.1), though nobody could have guessed the id."""
    boundary = f"=_{message_id.hex()}"
    while any(boundary.encode() in part.body for part in parts):
        boundary += "_"
    return boundary


def _subject(reports: Sequence[RecipientReport]) -> str:
    actions = {each.action for each in reports}
    return next(subject for action, subject in _SUBJECT.items() if action in actions)


def _references(message_id_header: str) -> str:
    """RFC 3834 section 3.1.6. Left out if the original's is not as RFC 5322 has it (C1)."""
    original = clean_value(message_id_header)
    if not _MESSAGE_ID.fullmatch(original):
        return ""
    return unfolded_field("In-Reply-To", original) + unfolded_field("References", original)


def _message_id_header(message_id: MessageId, hostname: str) -> str:
    return f"<{message_id_text(message_id)}@{hostname}>"
