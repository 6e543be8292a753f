"""From our own dialect's requests to orders. Pure; raises FaultError, or LetterError, with the field."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from angarium.api.base64_text import read_base64
from angarium.api.native.send_wire import Addresses, FileAsked, RawAsked, SendAsked
from angarium.content.file_types import guess_type
from angarium.content.letter import Attachment, Mailbox
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import (
    Addressee,
    Fault,
    FaultError,
    FaultKind,
    Order,
    RawMail,
    TemplateUse,
)
from angarium.queue.model import UnixMs

CAMPAIGN: Final = "campaign"


def send_order(asked: SendAsked) -> Order:
    if (asked.cc or asked.bcc) and not (asked.to or asked.recipients):
        text = "Missing required field: to"
        raise FaultError(
            Fault(kind=FaultKind.MISSING, message=text, field="to", constraint="required")
        )
    own = tuple(
        Addressee(
            mailbox=read_mailbox(each.address, f"recipients[{at}].address"),
            metadata=each.metadata,
            variables=each.variables,
            is_tracked=each.tracking,
        )
        for at, each in enumerate(asked.recipients)
    )
    return Order(
        author=read_mailbox(asked.from_, "from") if asked.from_ else None,
        to=own + _addressees(asked.to, "to"),
        cc=_addressees(asked.cc, "cc"),
        bcc=_addressees(asked.bcc, "bcc"),
        reply_to=_mailboxes(asked.reply_to, "replyTo"),
        subject=asked.subject,
        makes_text=True,
        preheader=asked.preheader,
        text=asked.body_text or None,
        html=asked.body_html or None,
        amp=asked.body_amp or None,
        template=_template(asked),
        attachments=tuple([_attachment(each, at) for at, each in enumerate(asked.attachments)]),
        fields=tuple(asked.headers.items()),
        stream=asked.stream,
        campaign=asked.campaign or _campaign(asked.tags),
        topic=asked.topic,
        language=asked.language,
        tags=_tags(asked.tags),
        metadata=asked.metadata,
        send_at=_unix_ms(asked.send_at),
        expires_at=_unix_ms(asked.expires_at),
        if_missed=asked.if_missed,
        sandbox=asked.sandbox,
        track_opens=asked.tracking.opens,
        track_clicks=asked.tracking.clicks,
        callback_url=asked.callback_url,
        unsubscribe_url=asked.unsubscribe_url,
    )


def _template(asked: SendAsked) -> TemplateUse | None:
    if asked.template_id:
        return TemplateUse(
            name=asked.template_id,
            version=asked.template_version,
            data=asked.template_data,
            locale=asked.locale,
        )
    for field, given in (
        ("templateVersion", asked.template_version),
        ("templateData", asked.template_data),
        ("locale", asked.locale),
    ):
        if given:
            text = f"{field}: is of a template: give templateId, too"
            raise FaultError(
                Fault(kind=FaultKind.INVALID, message=text, field=field, constraint="requires")
            )
    return None


def raw_order(asked: RawAsked) -> Order:
    sender = read_mailbox(asked.from_, "from").address.text if asked.from_ else ""
    return Order(
        author=None,
        to=_addressees(asked.to, "to"),
        raw=RawMail(content=read_base64(asked.raw, "raw"), reverse_path=sender),
        stream=asked.stream,
        campaign=asked.campaign or _campaign(asked.tags),
        topic=asked.topic,
        language=asked.language,
        tags=_tags(asked.tags),
        metadata=asked.metadata,
        send_at=_unix_ms(asked.send_at),
        expires_at=_unix_ms(asked.expires_at),
        if_missed=asked.if_missed,
        sandbox=asked.sandbox,
        track_opens=asked.tracking.opens,
        track_clicks=asked.tracking.clicks,
        callback_url=asked.callback_url,
    )


def _mailboxes(given: Addresses, field: str) -> tuple[Mailbox, ...]:
    if isinstance(given, str):
        return (read_mailbox(given, field),) if given else ()
    return tuple([read_mailbox(each, f"{field}[{at}]") for at, each in enumerate(given)])


def _addressees(given: Addresses, field: str) -> tuple[Addressee, ...]:
    return tuple([Addressee(mailbox=each) for each in _mailboxes(given, field)])


def _attachment(asked: FileAsked, index: int) -> Attachment:
    return Attachment(
        content=read_base64(asked.content, f"attachments[{index}].content"),
        content_type=asked.content_type or guess_type(asked.filename),
        filename=asked.filename,
        content_id=asked.content_id.removeprefix("<").removesuffix(">"),
        disposition=asked.disposition,
    )


def _tags(given: Mapping[str, str] | Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, Mapping):
        return tuple([f"{name}:{value}" for name, value in given.items()])
    return tuple(dict.fromkeys(given))


def _campaign(given: Mapping[str, str] | Sequence[str]) -> str:
    return given.get(CAMPAIGN, "") if isinstance(given, Mapping) else ""


def _unix_ms(at: datetime | None) -> UnixMs | None:
    return None if at is None else UnixMs(int(at.timestamp() * 1000))
