"""A SendEmail request of SES as an order. Pure. Raises FaultError, whose field is SES's: ``Content.Raw.Data``."""

import codecs
from collections.abc import Iterable
from typing import Any, Final

from angarium.api.compat.attached import bare_content_id, from_base64, type_by_name
from angarium.api.compat.faults import (
    invalid,
    json_object,
    missing,
    refuse_unsupported,
    unsupported,
)
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.inline import inline_bundle
from angarium.api.compat.ses.raw import RawParts, read_raw
from angarium.api.compat.written import mailbox
from angarium.content.letter import Attachment, Disposition, Mailbox
from angarium.feedback.mail.encoded_words import decode_words
from angarium.intake.order import Addressee, Fault, FaultError, FaultKind, Order, TemplateUse

FROM: Final = "FromEmailAddress"
CONFIGURATION_SET: Final = "ConfigurationSetName"
_FEEDBACK: Final = "FeedbackForwardingEmailAddress"
_ARN: Final = "mail is sent as the domains of the key's tenant alone"
_UNSUPPORTED: Final = {
    "FromEmailAddressIdentityArn": _ARN,
    "FeedbackForwardingEmailAddressIdentityArn": _ARN,
    "EndpointId": "this server is one endpoint",
}
NO_FORWARDING: Final = "where mail that comes back goes is the domain's matter (but of Content.Raw)"
_ENCODINGS: Final = ("BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT")
_DISPOSITIONS: Final[dict[str, Disposition]] = {
    "": "",
    "ATTACHMENT": "attachment",
    "INLINE": "inline",
}
_SWITCH: Final = {"ENABLED": True, "DISABLED": False}
_LIST: Final = "ListManagementOptions"
_CAMPAIGN: Final = "campaign:"
_SES: Final = "ses:"  # tags that begin so are Amazon's own


def read_order(request: wire.SendEmail, tenant: str) -> Order:
    """``tenant``: of whoever asks."""
    refuse(request, tenant)
    content = request.content or wire.Content()
    kinds = [each for each in (content.simple, content.raw, content.template) if each is not None]
    if not kinds:
        raise FaultError(missing("Content", "Content must have one of Simple, Raw and Template"))
    if len(kinds) > 1:
        text = "has more than one of Simple, Raw and Template: leave one"
        raise FaultError(invalid("Content", text))
    if content.template is not None:
        return _templated_order(request, content.template)
    if content.raw is not None:
        return _raw_order(request, content.raw)
    assert content.simple is not None
    return _simple_order(request, content.simple)


def refuse(request: wire.SendEmail | wire.SendBulkEmail, tenant: str) -> None:
    """Raises FaultError for what asks for more than there is here."""
    refuse_unsupported(request, _UNSUPPORTED)
    if request.tenant_name and request.tenant_name != tenant:
        raise FaultError(_not_found("TenantName", f"Tenant {request.tenant_name[:64]}"))


def template_use(template: wire.Template, at: str) -> TemplateUse:
    """An ARN ends in the template's name; whose account and region it has says nothing here."""
    name = template.template_name or (template.template_arn or "").rpartition("/")[2]
    data = template_data(template.template_data, at)
    if template.template_content is None:
        if not name:
            raise FaultError(missing(f"{at}.TemplateName"))
        return TemplateUse(name=name, data=data)
    if name:
        raise FaultError(invalid(f"{at}.TemplateContent", "is given beside a name: leave one"))
    bundle = inline_bundle(template.template_content, f"{at}.TemplateContent")
    return TemplateUse(name="", data=data, inline=bundle)


def template_data(text: str | None, at: str, name: str = "TemplateData") -> dict[str, Any]:
    """Return what a JSON object in a text has; nothing, where there is no text."""
    return json_object(text, f"{at}.{name}") if text else {}


def read_headers(headers: Iterable[wire.Header] | None, at: str) -> tuple[tuple[str, str], ...]:
    return tuple(_header(each, f"{at}[{index}]") for index, each in enumerate(headers or ()))


def read_files(files: Iterable[wire.File] | None, at: str) -> tuple[Attachment, ...]:
    return tuple(_attachment(each, f"{at}[{index}]") for index, each in enumerate(files or ()))


def _templated_order(request: wire.SendEmail, template: wire.Template) -> Order:
    at = "Content.Template"
    if not request.from_email_address:
        raise FaultError(missing(FROM))
    if request.feedback_forwarding_email_address:
        raise FaultError(unsupported(_FEEDBACK, NO_FORWARDING))
    return Order(
        author=read_mailbox(request.from_email_address, FROM),
        template=template_use(template, at),
        attachments=read_files(template.attachments, f"{at}.Attachments"),
        fields=read_headers(template.headers, f"{at}.Headers"),
        **_common(request),
    )


def read_tags(tags: Iterable[wire.Tag] | None, at: str) -> tuple[str, ...]:
    found: list[str] = []
    for index, each in enumerate(tags or ()):
        field = f"{at}[{index}]"
        if not each.name:
            raise FaultError(missing(f"{field}.Name"))
        if not each.value:
            raise FaultError(missing(f"{field}.Value"))
        if each.name.lower().startswith(_SES):
            raise FaultError(invalid(f"{field}.Name", "begins with ses:, which Amazon's own have"))
        found.append(f"{each.name}:{each.value}")
    return tuple(found)


def campaign_of(tags: Iterable[str]) -> str:
    """Return the value of the tag that is called campaign, as in our own dialect; "": there is none."""
    found = [each.removeprefix(_CAMPAIGN) for each in tags if each.startswith(_CAMPAIGN)]
    return found[0] if found else ""


def read_addressees(texts: Iterable[str] | None, field: str) -> tuple[Addressee, ...]:
    return tuple(
        Addressee(mailbox=read_mailbox(each, f"{field}[{index}]"))
        for index, each in enumerate(texts or ())
        if each
    )


def read_mailbox(text: str, field: str) -> Mailbox:
    """Names that are not ASCII come as encoded words (RFC 2047): SES takes no others."""
    found = mailbox(text, field)
    name = decode_words(found.name)
    return found if name == found.name else Mailbox(address=found.address, name=name)


def _simple_order(request: wire.SendEmail, simple: wire.Simple) -> Order:
    at = "Content.Simple"
    body = simple.body or wire.Body()
    subject = _text(simple.subject, f"{at}.Subject")
    text = _text(body.text, f"{at}.Body.Text")
    html = _text(body.html, f"{at}.Body.Html")
    if not request.from_email_address:
        raise FaultError(missing(FROM))
    if not subject:
        raise FaultError(missing(f"{at}.Subject.Data"))
    if not text and not html:
        raise FaultError(missing(f"{at}.Body", f"{at}.Body must have Text or Html"))
    if request.feedback_forwarding_email_address:
        raise FaultError(unsupported(_FEEDBACK, NO_FORWARDING))
    return Order(
        author=read_mailbox(request.from_email_address, FROM),
        subject=subject,
        text=text or None,
        html=html or None,
        attachments=read_files(simple.attachments, f"{at}.Attachments"),
        fields=read_headers(simple.headers, f"{at}.Headers"),
        **_common(request),
    )


def _raw_order(request: wire.SendEmail, raw: wire.Raw) -> Order:
    if not raw.data:
        raise FaultError(missing("Content.Raw.Data"))
    if request.reply_to_addresses:
        reason = "the message is written already: write Reply-To into its header"
        raise FaultError(unsupported("ReplyToAddresses", reason))
    common = _common(request)
    sender, at = request.feedback_forwarding_email_address, _FEEDBACK
    if not sender:
        sender, at = request.from_email_address, FROM
    parts: RawParts = read_raw(
        from_base64(raw.data, "Content.Raw.Data"),
        reverse_path=read_mailbox(sender, at).address.text if sender else "",
        has_destination=bool(common["to"] or common["cc"] or common["bcc"]),
    )
    if parts.to or parts.cc or parts.bcc:
        common.update(to=parts.to, cc=parts.cc, bcc=parts.bcc)
    common["stream"] = common["stream"] or parts.stream
    common["topic"] = common["topic"] or parts.topic
    common["tags"] += parts.tags
    common["campaign"] = campaign_of(common["tags"])
    return Order(author=None, raw=parts.mail, metadata=parts.metadata, **common)


def _common(request: wire.SendEmail) -> dict[str, Any]:
    tags = read_tags(request.email_tags, "EmailTags")
    return {
        **read_destination(request.destination, "Destination"),
        **read_sending(request),
        "tags": tags,
        "campaign": campaign_of(tags),
        "topic": _topic(request.list_management_options),
    }


def read_destination(given: wire.Destination | None, at: str) -> dict[str, tuple[Addressee, ...]]:
    destination = given or wire.Destination()
    return {
        "to": read_addressees(destination.to_addresses, f"{at}.ToAddresses"),
        "cc": read_addressees(destination.cc_addresses, f"{at}.CcAddresses"),
        "bcc": read_addressees(destination.bcc_addresses, f"{at}.BccAddresses"),
    }


def read_sending(request: wire.SendEmail | wire.SendBulkEmail) -> dict[str, Any]:
    """Return what an order has of a request, whether that is for one or for many."""
    tracking = (request.configuration_overrides or wire.ConfigurationOverrides()).tracking
    tracking = tracking or wire.Tracking()
    at = "ConfigurationOverrides.Tracking"
    return {
        "reply_to": tuple(
            read_mailbox(each, f"ReplyToAddresses[{index}]")
            for index, each in enumerate(request.reply_to_addresses or ())
            if each
        ),
        "stream": request.configuration_set_name or "",
        "track_opens": _switch(tracking.open_tracking_enabled, f"{at}.OpenTrackingEnabled"),
        "track_clicks": _switch(tracking.click_tracking_enabled, f"{at}.ClickTrackingEnabled"),
    }


def _topic(given: wire.ListManagementOptions | None) -> str:
    """Return the name of one of the tenant's topics, which are its one list, whatever its client calls that."""
    if given is None:
        return ""
    if not given.contact_list_name:
        raise FaultError(missing(f"{_LIST}.ContactListName"))
    if not given.topic_name:
        text = (
            "is missing: name the topic that one may leave, here there is no leaving a whole list"
        )
        raise FaultError(invalid(f"{_LIST}.TopicName", text))
    return given.topic_name


def _text(text: wire.Text | None, at: str) -> str:
    """The charset is that of what is sent, and there it is UTF-8, which has all of them."""
    if text is None:
        return ""
    if text.charset:
        try:
            codecs.lookup(text.charset)
        except (LookupError, ValueError):
            raise FaultError(invalid(f"{at}.Charset", "is no charset: leave it out")) from None
    return text.data or ""


def _header(header: wire.Header, at: str) -> tuple[str, str]:
    if not header.name:
        raise FaultError(missing(f"{at}.Name"))
    return header.name, header.value or ""


def _attachment(file: wire.File, at: str) -> Attachment:
    if file.raw_content is None:
        raise FaultError(missing(f"{at}.RawContent"))
    if not file.file_name:
        raise FaultError(missing(f"{at}.FileName"))
    if file.content_description:
        raise FaultError(unsupported(f"{at}.ContentDescription", "leave it out"))
    if (file.content_transfer_encoding or _ENCODINGS[0]) not in _ENCODINGS:
        text = f"is none of {', '.join(_ENCODINGS)}"
        raise FaultError(invalid(f"{at}.ContentTransferEncoding", text))
    disposition = _DISPOSITIONS.get(file.content_disposition or "")
    if disposition is None:
        raise FaultError(invalid(f"{at}.ContentDisposition", "is not ATTACHMENT or INLINE"))
    return Attachment(
        content=from_base64(file.raw_content, f"{at}.RawContent"),
        content_type=file.content_type or type_by_name(file.file_name),
        filename=file.file_name,
        content_id=bare_content_id(file.content_id or ""),
        disposition=disposition,
    )


def _switch(value: str | None, field: str) -> bool | None:
    if not value:
        return None
    if value not in _SWITCH:
        raise FaultError(invalid(field, "is not ENABLED or DISABLED"))
    return _SWITCH[value]


def _not_found(field: str, what: str) -> Fault:
    return Fault(kind=FaultKind.NOT_FOUND, message=f"{what} does not exist.", field=field)
