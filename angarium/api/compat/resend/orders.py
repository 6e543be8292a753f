"""Reads what is to be sent by Resend's API into orders. Pure. Raises FaultError, whose fields are Resend's."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from angarium.api.compat.attached import (
    bare_content_id,
    from_base64,
    from_octets,
    type_by_name,
)
from angarium.api.compat.faults import invalid, is_empty, missing, unsupported
from angarium.api.compat.moments import read_moment
from angarium.api.compat.resend.wire import WireAttachment, WireEmail, WireTag
from angarium.api.compat.written import addressees, header_fields, mailbox
from angarium.api.json_body import decode_item
from angarium.content.letter import Attachment, Mailbox
from angarium.intake.order import Fault, FaultError, Order, TemplateUse
from angarium.queue.model import UnixMs

MAX_BATCH: Final = 100  # Resend's
# Resend's names of an order's fields
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "replyTo": "reply_to",
        "bodyText": "text",
        "bodyHtml": "html",
        "sendAt": "scheduled_at",
        "topic": "topic_id",
        "templateId": "template.id",
        "templateData": "template.variables",
        ".contentType": ".content_type",
        ".contentId": ".content_id",
    }
)
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


def to_order(email: WireEmail, now: UnixMs) -> Order:
    template = _template(email)
    required = [("from", email.from_), ("to", email.to)]
    if template is None:
        required.append(("subject", email.subject))
    for name, given in required:
        if not given:
            raise FaultError(missing(name, f"Missing `{name}` field."))
    if template is None and not (email.html or email.text):
        raise FaultError(missing("html", "Missing `html` or `text` field."))
    return Order(
        author=mailbox(email.from_, "from"),
        to=addressees(_mailboxes(email.to, "to")),
        cc=addressees(_mailboxes(email.cc, "cc")),
        bcc=addressees(_mailboxes(email.bcc, "bcc")),
        reply_to=_mailboxes(email.reply_to, "reply_to"),
        subject=email.subject,
        text=email.text or None,
        makes_text=True,
        html=email.html or None,
        template=template,
        attachments=tuple(_attachment(each, at) for at, each in enumerate(email.attachments)),
        fields=header_fields(email.headers, "headers"),
        tags=tuple(_tag(each, at) for at, each in enumerate(email.tags)),
        topic=_topic(email.topic_id),
        send_at=read_moment(email.scheduled_at, "scheduled_at", now)
        if email.scheduled_at
        else None,
    )


def _topic(given: object) -> str:
    """Return the id, or the name, of one of the tenant's topics."""
    if is_empty(given):
        return ""
    if isinstance(given, str):
        return given
    raise FaultError(invalid("topic_id", "must be the id or the name of a topic"))


def _template(email: WireEmail) -> TemplateUse | None:
    """A subject that is given wins, as with Resend; texts beside a template are refused there, too."""
    asked = email.template
    if not asked.id:
        if asked.variables:
            raise FaultError(missing("template.id"))
        return None
    for name, given in (("html", email.html), ("text", email.text)):
        if given:
            raise FaultError(invalid(name, "is made of the template: leave one of them out"))
    return TemplateUse(name=asked.id, data=asked.variables)


def to_orders(batch: list[msgspec.Raw], now: UnixMs) -> tuple[Order | Fault, ...]:
    """What cannot be read is the Fault in its place. Raises FaultError if it is no batch at all."""
    if not batch:
        raise FaultError(missing("body", "The batch is empty: send a list of emails"))
    if len(batch) > MAX_BATCH:
        raise FaultError(invalid("body", f"has {len(batch)} emails: at most {MAX_BATCH} are taken"))
    return tuple(_order_or_fault(each, now) for each in batch)


def _order_or_fault(email: msgspec.Raw, now: UnixMs) -> Order | Fault:
    try:
        return to_order(decode_item(email, WireEmail), now)
    except FaultError as error:
        return error.fault


def _mailboxes(given: str | list[str], field: str) -> tuple[Mailbox, ...]:
    """A string is one address; in a list, each is."""
    if isinstance(given, str):
        return (mailbox(given, field),) if given else ()
    return tuple(mailbox(each, f"{field}[{at}]") for at, each in enumerate(given))


def _tag(tag: WireTag, at: int) -> str:
    for name, text in (("name", tag.name), ("value", tag.value)):
        field = f"tags[{at}].{name}"
        if not text:
            raise FaultError(missing(field))
        if _TAG.fullmatch(text) is None:
            reason = "may only have ASCII letters, numbers, underscores and dashes, at most 256"
            raise FaultError(invalid(field, reason))
    return f"{tag.name}:{tag.value}"


def _attachment(attachment: WireAttachment, at: int) -> Attachment:
    field = f"attachments[{at}]"
    if attachment.path:
        raise FaultError(unsupported(f"{field}.path", "give the file as content; none is fetched"))
    if not attachment.content:
        raise FaultError(missing(f"{field}.content"))
    if isinstance(attachment.content, str):
        content = from_base64(attachment.content, f"{field}.content")
    else:
        content = from_octets(attachment.content, f"{field}.content")
    return Attachment(
        content=content,
        content_type=attachment.content_type or type_by_name(attachment.filename),
        filename=attachment.filename,
        content_id=bare_content_id(attachment.content_id or attachment.inline_content_id),
    )
