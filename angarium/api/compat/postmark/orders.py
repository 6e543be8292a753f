"""Reads what is to be sent by Postmark's API into orders. Pure. Raises FaultError, whose fields are Postmark's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from angarium.api.compat.attached import bare_content_id, from_base64, type_by_name
from angarium.api.compat.faults import invalid, missing, scalar_text, unsupported
from angarium.api.compat.postmark.wire import (
    TrackLinks,
    WireAttachment,
    WireEmail,
    WireHeader,
    WireMessage,
    WireTemplated,
)
from angarium.api.compat.postmark.words import INCOMPATIBLE
from angarium.api.compat.written import addressees, header_value, mailbox, mailboxes
from angarium.api.json_body import decode_item
from angarium.content.letter import Attachment
from angarium.intake.order import Fault, FaultError, FaultKind, Order, TemplateUse
from angarium.intake.template_filling import NO_TEMPLATE

MAX_BATCH: Final = 500  # Postmark's
# The stream of a server that none is made for
OUTBOUND: Final = "outbound"
# Postmark's names of an order's fields
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "from": "From",
        "to": "To",
        "cc": "Cc",
        "bcc": "Bcc",
        "replyTo": "ReplyTo",
        "subject": "Subject",
        "bodyText": "TextBody",
        "bodyHtml": "HtmlBody",
        "attachments": "Attachments",
        "headers": "Headers",
        "metadata": "Metadata",
        "tags": "Tag",
        "stream": "MessageStream",
        ".filename": ".Name",
        ".content": ".Content",
        ".contentType": ".ContentType",
        ".contentId": ".ContentID",
        "templateId": "TemplateAlias",
        "templateData": "TemplateModel",
        "tracking.opens": "TrackOpens",
        "tracking.clicks": "TrackLinks",
    }
)


class _Addressed(msgspec.Struct, frozen=True, rename="pascal"):
    to: str = ""


def to_order(email: WireEmail) -> Order:
    order = _order(email)
    if not email.subject:
        raise FaultError(missing("Subject", "The 'Subject' is required."))
    if not (email.text_body or email.html_body):
        raise FaultError(missing("TextBody", "Provide either email TextBody or HtmlBody or both."))
    return order


def to_templated_order(email: WireTemplated) -> Order:
    """All parts are the template's."""
    order = _order(email)
    for name, given in (
        ("Subject", email.subject),
        ("TextBody", email.text_body),
        ("HtmlBody", email.html_body),
    ):
        if given:
            text = f"{name}: is made of the template: leave it out"
            fault = Fault(kind=FaultKind.INVALID, message=text, field=name, constraint=INCOMPATIBLE)
            raise FaultError(fault)
    if email.inline_css is False:
        reason = "the styles of a template's HTML are inlined; leave it out"
        raise FaultError(unsupported("InlineCss", reason))
    # 0 is what typed clients write for none
    name = str(email.template_id or "") or email.template_alias
    if not name:
        fault = Fault(
            kind=FaultKind.INVALID, message="", field="TemplateId", constraint=NO_TEMPLATE
        )
        raise FaultError(fault)
    use = TemplateUse(name=name, data=email.template_model)
    return msgspec.structs.replace(order, template=use)


def _order(email: WireMessage) -> Order:
    if not email.from_:
        raise FaultError(missing("From", "The 'From' address is required."))
    if not (email.to or email.cc or email.bcc):
        raise FaultError(missing("To", "Zero recipients specified"))
    return Order(
        author=mailbox(email.from_, "From"),
        to=addressees(mailboxes(email.to, "To")),
        cc=addressees(mailboxes(email.cc, "Cc")),
        bcc=addressees(mailboxes(email.bcc, "Bcc")),
        reply_to=mailboxes(email.reply_to, "ReplyTo"),
        subject=email.subject,
        text=email.text_body or None,
        html=email.html_body or None,
        attachments=tuple(_attachment(each, at) for at, each in enumerate(email.attachments)),
        fields=tuple(_field(each, at) for at, each in enumerate(email.headers)),
        tags=(email.tag,) if email.tag else (),
        metadata=_metadata(email.metadata),
        stream="" if email.message_stream == OUTBOUND else email.message_stream,
        track_opens=email.track_opens,
        track_clicks=_clicks(email.track_links),
    )


def order_or_fault(item: msgspec.Raw) -> Order | Fault:
    """Of a batch."""
    try:
        return to_order(decode_item(item, WireEmail))
    except FaultError as error:
        return error.fault


def templated_order_or_fault(item: msgspec.Raw) -> Order | Fault:
    """Likewise."""
    try:
        return to_templated_order(decode_item(item, WireTemplated))
    except FaultError as error:
        return error.fault


def addresses_as_sent(item: msgspec.Raw) -> str:
    """To, as the client wrote it, whatever else is wrong with it: its answer has it again."""
    try:
        return msgspec.json.decode(item, type=_Addressed).to
    except msgspec.ValidationError:
        return ""


def _metadata(given: Mapping[str, Any]) -> dict[str, str]:
    """Texts; clients give numbers, too."""
    metadata: dict[str, str] = {}
    for name, value in given.items():
        text = "" if value is None else scalar_text(value)
        if text is None:
            raise FaultError(invalid(f"Metadata.{name}", "has a wrong type: a text is expected"))
        metadata[name] = text
    return metadata


def _field(header: WireHeader, at: int) -> tuple[str, str]:
    if not header.name:
        raise FaultError(missing(f"Headers[{at}].Name"))
    return header.name, header_value(header.value, f"Headers.{header.name}")


def _clicks(links: TrackLinks | None) -> bool | None:
    match links:
        case None:
            return None
        case "None":
            return False
        case "HtmlOnly":
            return True
        case "HtmlAndText" | "TextOnly":
            reason = "links are followed in HTML alone; give HtmlOnly or None"
            raise FaultError(unsupported("TrackLinks", reason))


def _attachment(attachment: WireAttachment, at: int) -> Attachment:
    field = f"Attachments[{at}]"
    if not attachment.name:
        raise FaultError(missing(f"{field}.Name"))
    if not attachment.content:
        raise FaultError(missing(f"{field}.Content"))
    return Attachment(
        content=from_base64(attachment.content, f"{field}.Content"),
        content_type=attachment.content_type or type_by_name(attachment.name),
        filename=attachment.name,
        content_id=bare_content_id(attachment.content_id),
    )
