"""Reads a request to SendGrid's Mail Send into orders, one for each personalization. Pure.

Raises FaultError, whose fields are SendGrid's, with brackets yet: ``personalizations[0].to[0].email``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from angarium.api.compat.attached import bare_content_id, from_base64, type_by_name
from angarium.api.compat.faults import (
    invalid,
    missing,
    refuse_unsupported,
    scalar_text,
    unsupported,
)
from angarium.api.compat.moments import read_unix_seconds
from angarium.api.compat.sendgrid.settings import read_settings
from angarium.api.compat.sendgrid.substitution import Filling, TooLongError
from angarium.api.compat.sendgrid.wire import (
    WireAddress,
    WireAsm,
    WireAttachment,
    WireContent,
    WireMail,
    WirePersonalization,
)
from angarium.api.compat.written import header_fields, mailbox
from angarium.content.letter import Attachment, Mailbox
from angarium.intake.order import Addressee, FaultError, Order, TemplateUse

MAX_PERSONALIZATIONS: Final = 1_000  # SendGrid's
MAX_CATEGORIES: Final = 10  # likewise
MAX_SUBSTITUTIONS: Final = 10_000  # likewise
_UNSUPPORTED: Final = {
    "batch_id": "cancel a message by its id instead",
}
_NO_FROM: Final = (
    "The from object must be provided for every email send. It is an object that requires the email"
    " parameter, but may also contain a name parameter."
)
_NO_TO: Final = (
    "The to array is required for all personalization objects, and must have at least one email"
    " object with a valid email address."
)
_NO_SUBJECT: Final = "The subject is required: give it for the mail, or in every personalization."
_DELIMITERS: Final = re.compile(r"^\W+|\W+$")
_KINDS: Final = {"text/plain": "text", "text/html": "html", "text/x-amp-html": "amp"}


class _Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What all personalizations of a request have in common."""

    mail: WireMail
    sections: Mapping[str, str]
    texts: Mapping[str, str]  # by the order's field
    order: Order  # of all that is the same


def to_orders(mail: WireMail) -> tuple[Order, ...]:
    """All of them, or none: the first fault refuses the request."""
    refuse_unsupported(mail, _UNSUPPORTED)
    if not mail.personalizations:
        message = (
            "The personalizations field is required and must have at least one personalization."
        )
        raise FaultError(missing("personalizations", message))
    if len(mail.personalizations) > MAX_PERSONALIZATIONS:
        reason = f"has more than {MAX_PERSONALIZATIONS} objects"
        raise FaultError(invalid("personalizations", reason))
    texts = _texts(mail.content)
    if not (texts or mail.template_id):
        message = "The content field is required: give it text/plain, text/html, or both."
        raise FaultError(missing("content", message))
    if mail.template_id and mail.sections:
        reason = "are parts of content; what a template is filled with is dynamic_template_data"
        raise FaultError(invalid("sections", reason))
    shared = _Shared(
        mail=mail,
        sections=_values(mail.sections, "sections"),
        texts=texts,
        order=Order(
            author=None,
            reply_to=_reply_to(mail),
            attachments=tuple(
                _attachment(each, f"attachments[{at}]", texts.get("html", ""))
                for at, each in enumerate(mail.attachments)
            ),
            tags=_tags(mail.categories),
            stream=mail.ip_pool_name,
            topic=_topic(mail.asm),
            **read_settings(mail.mail_settings, mail.tracking_settings),
        ),
    )
    return tuple(
        _order(shared, each, f"personalizations[{at}]")
        for at, each in enumerate(mail.personalizations)
    )


def _order(shared: _Shared, personalization: WirePersonalization, at: str) -> Order:
    mail = shared.mail
    if personalization.dynamic_template_data and not mail.template_id:
        field = f"{at}.dynamic_template_data"
        raise FaultError(invalid(field, "fills in a template: give template_id, too"))
    author_field = f"{at}.from" if _is_given(personalization.from_) else "from"
    sender = personalization.from_ if _is_given(personalization.from_) else mail.from_
    if sender is None or not _is_given(sender):
        raise FaultError(missing("from.email", _NO_FROM))
    if not personalization.to:
        raise FaultError(missing(f"{at}.to", _NO_TO))
    subject = personalization.subject or mail.subject
    if not (subject or mail.template_id):
        raise FaultError(missing("subject", _NO_SUBJECT))
    filling = Filling(
        substitutions=_values(personalization.substitutions, f"{at}.substitutions"),
        sections=shared.sections,
    )
    try:
        texts = {name: filling.fill(text) for name, text in shared.texts.items()}
        subject = filling.fill(subject)
    except TooLongError:
        raise FaultError(invalid(f"{at}.substitutions", "make the mail too long")) from None
    send_at = mail.send_at if personalization.send_at is None else personalization.send_at
    send_at_field = "send_at" if personalization.send_at is None else f"{at}.send_at"
    return msgspec.structs.replace(
        shared.order,
        author=_mailbox(sender, author_field),
        to=_addressees(personalization.to, f"{at}.to"),
        cc=_addressees(personalization.cc, f"{at}.cc"),
        bcc=_addressees(personalization.bcc, f"{at}.bcc"),
        subject=subject,
        fields=_header_fields(mail, personalization, at),
        metadata={**mail.custom_args, **personalization.custom_args},
        send_at=None if send_at is None else read_unix_seconds(send_at, send_at_field),
        template=_template(mail, personalization, filling.substitutions),
        **texts,
    )


def _template(
    mail: WireMail, personalization: WirePersonalization, substitutions: Mapping[str, str]
) -> TemplateUse | None:
    """A tag of the older kind, such as ``-name-`` or ``{{name}}``, is the variable between its delimiters."""
    if not mail.template_id:
        return None
    data: dict[str, Any] = {_DELIMITERS.sub("", tag): each for tag, each in substitutions.items()}
    data.update(personalization.dynamic_template_data)
    # What a request has besides counts only where the template has nothing
    return TemplateUse(name=mail.template_id, data=data, wins=True)


def _is_given(address: WireAddress | None) -> bool:
    return address is not None and bool(address.email or address.name)


def _mailbox(address: WireAddress, field: str) -> Mailbox:
    if not address.email:
        raise FaultError(missing(f"{field}.email", "The email parameter is required."))
    found = mailbox(address.email, f"{field}.email")
    return msgspec.structs.replace(found, name=address.name) if address.name else found


def _addressees(given: Iterable[WireAddress], field: str) -> tuple[Addressee, ...]:
    return tuple(
        Addressee(mailbox=_mailbox(each, f"{field}[{at}]")) for at, each in enumerate(given)
    )


def _reply_to(mail: WireMail) -> tuple[Mailbox, ...]:
    if mail.reply_to is None or not _is_given(mail.reply_to):
        return tuple(
            _mailbox(each, f"reply_to_list[{at}]") for at, each in enumerate(mail.reply_to_list)
        )
    if mail.reply_to_list:
        raise FaultError(invalid("reply_to", "is mutually exclusive with reply_to_list."))
    return (_mailbox(mail.reply_to, "reply_to"),)


def _header_fields(
    mail: WireMail, personalization: WirePersonalization, at: str
) -> tuple[tuple[str, str], ...]:
    """The personalization's take the place of the mail's, whatever the case of their names."""
    if not personalization.headers:
        return header_fields(mail.headers, "headers")
    own = header_fields(personalization.headers, f"{at}.headers")
    names = {name.lower() for name, _ in own}
    outer = header_fields(mail.headers, "headers")
    return tuple(each for each in outer if each[0].lower() not in names) + own


def _texts(content: Iterable[WireContent]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for at, each in enumerate(content):
        field = f"content[{at}]"
        if not each.value:
            continue  # empty is absent
        kind = each.type.partition(";")[0].strip().lower()
        if not kind:
            raise FaultError(missing(f"{field}.type", "The content type is required."))
        name = _KINDS.get(kind)
        if name is None:
            reason = "give text/plain, text/html or text/x-amp-html; others as attachments"
            raise FaultError(unsupported(f"{field}.type", reason))
        if name in texts:
            raise FaultError(invalid(f"{field}.type", f"is given twice: {kind}"))
        texts[name] = each.value
    return texts


def _topic(asm: WireAsm | None) -> str:
    """An unsubscribe group is the topic whose name is its number."""
    if asm is None:
        return ""
    if asm.groups_to_display:
        reason = "who leaves is shown all of your topics"
        raise FaultError(unsupported("asm.groups_to_display", reason))
    return "" if asm.group_id is None else str(asm.group_id)


def _tags(categories: str | list[str]) -> tuple[str, ...]:
    tags = [categories] if isinstance(categories, str) else categories
    if len(tags) > MAX_CATEGORIES:
        raise FaultError(invalid("categories", f"has more than {MAX_CATEGORIES} of them"))
    return tuple(dict.fromkeys(each for each in tags if each))


def _values(given: Mapping[str, Any], field: str) -> dict[str, str]:
    if len(given) > MAX_SUBSTITUTIONS:
        raise FaultError(invalid(field, f"has more than {MAX_SUBSTITUTIONS} members"))
    values: dict[str, str] = {}
    for tag, value in given.items():
        text = "" if value is None else scalar_text(value)
        if text is None or not tag:
            raise FaultError(invalid(f"{field}.{tag}", "must be a tag with a text for it"))
        values[tag] = text
    return values


def _attachment(attachment: WireAttachment, field: str, html: str) -> Attachment:
    if not attachment.content:
        raise FaultError(missing(f"{field}.content", "The attachment content is required."))
    if not attachment.filename:
        raise FaultError(missing(f"{field}.filename", "The attachment filename is required."))
    content_id = bare_content_id(attachment.content_id or attachment.camel_content_id)
    match attachment.disposition or "attachment":
        case "inline" if not content_id:
            reason = "The content_id is required of what is shown inside the text."
            raise FaultError(missing(f"{field}.content_id", reason))
        case "attachment" if f"cid:{content_id}" not in html:
            content_id = ""  # which nothing refers to: it would hide the file
        case "inline" | "attachment":
            pass
        case _:
            raise FaultError(invalid(f"{field}.disposition", "must be inline or attachment"))
    return Attachment(
        content=from_base64(attachment.content, f"{field}.content"),
        content_type=attachment.type or type_by_name(attachment.filename),
        filename=attachment.filename,
        content_id=content_id,
    )
