"""From an order to what a submission is built of: its MIME content, its envelope, what is shown of it. Pure."""

import re
from functools import lru_cache
from typing import Final

from angarium.content.building import build
from angarium.content.letter import Letter, LetterError, Mailbox
from angarium.content.plain_text import plain_text
from angarium.content.preheader import with_preheader
from angarium.intake.order import Addressee, Caller, Order, RawMail
from angarium.intake.order_check import addressees
from angarium.queue.about import About
from angarium.smtp.envelope import Envelope, Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.tenancy.templates.index import TemplateEntry

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_RAW: Final = "raw"
# Characters of HTML whose text is remembered
_REMEMBERED: Final = 200_000
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]{1,500}@[!-;=?A-~]{1,400}>")


def received_of(
    order: Order, caller: Caller, *, email_id: str, date: str, boundary: str
) -> ReceivedMessage:
    """Return the order as if a listener had received it. Raises LetterError.

    ``email_id``: its Message-ID has it, unless the client gave one. ``boundary``: as ``content.building`` wants it.
    """
    return ReceivedMessage(
        envelope=Envelope(
            reverse_path=_reverse_path(order),
            recipients=tuple([_recipient(each) for each in addressees(order)]),
            smtputf8=True,  # where it is needed
        ),
        content=_content(order, email_id, date, boundary),
        client_address="",
        client_name="",
        protocol="HTTP",
        user=caller.key_id,
        tenant=caller.tenant,
        senders=caller.patterns,
        stream=order.stream,
        listener=caller.listener,
    )


def _content(order: Order, email_id: str, date: str, boundary: str) -> bytes:
    if order.raw is not None:
        return _raw(order.raw)
    author = order.author
    assert author is not None  # the check saw to it
    fields, message_id = _own_message_id(order)
    fields += _way_out(order)
    text, html = order.text, order.html
    if html is not None:
        if text is None and order.makes_text:
            text = _text_of(html) or None
        if order.preheader:
            html = with_preheader(html, order.preheader)
    letter = Letter(
        author=author,
        to=_mailboxes(order.to),
        cc=_mailboxes(order.cc),
        reply_to=order.reply_to,
        subject=order.subject,
        text=text,
        html=html,
        amp=order.amp,
        attachments=order.attachments,
        fields=fields,
        date=date,
        message_id=message_id or f"<{email_id}@{author.address.domain}>",
    )
    return build(letter, boundary).content


def _way_out(order: Order) -> tuple[tuple[str, str], ...]:
    """RFC 2369 section 3.2, RFC 8058 section 3.1."""
    if not order.unsubscribe_url:
        return ()
    if any(name.lower() == "list-unsubscribe" for name, _ in order.fields):
        text = "is there already by unsubscribeUrl: give one of the two"
        raise LetterError("headers.List-Unsubscribe", text)
    return (
        ("List-Unsubscribe", f"<{order.unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def _text_of(html: str) -> str:
    """Orders of one batch often have the same HTML."""
    return _remembered_text(html) if len(html) <= _REMEMBERED else plain_text(html)


@lru_cache(maxsize=32)
def _remembered_text(html: str) -> str:
    return plain_text(html)


def _raw(raw: RawMail) -> bytes:
    """With the line ends of SMTP, and one at its end."""
    if b"\0" in raw.content:
        raise LetterError(_RAW, "has a NUL: encode what is not text")
    content = _LINE_END.sub(b"\r\n", raw.content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _own_message_id(order: Order) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the fields without Message-ID, and that."""
    given = [value for name, value in order.fields if name.lower() == "message-id"]
    if not given:
        return order.fields, ""
    if len(given) > 1 or _MESSAGE_ID.fullmatch(given[0]) is None:
        raise LetterError("headers.Message-ID", "is none: write one like <id@example.com>")
    others = tuple(each for each in order.fields if each[0].lower() != "message-id")
    return others, given[0]


def about_of(order: Order, caller: Caller, template: TemplateEntry | None = None) -> About:
    """Return what status, lists and webhooks show of it. ``template``: what it was made of."""
    everybody = addressees(order)
    return About(
        subject=order.subject,
        author="" if order.author is None else _shown(order.author),
        to=_shown_all(order.to),
        cc=_shown_all(order.cc),
        bcc=_shown_all(order.bcc),
        reply_to=tuple([_shown(each) for each in order.reply_to]),
        metadata=order.metadata,
        recipients={
            each.mailbox.address.text: each.metadata for each in everybody if each.metadata
        },
        variables={
            each.mailbox.address.text: each.variables for each in everybody if each.variables
        },
        dialect=caller.dialect,
        request_id=caller.request_id,
        key_id=caller.key_id,
        trace_parent=caller.trace_parent,
        requested_at=caller.requested_at,
        callback_url=order.callback_url,
        send_at=order.send_at or 0,
        sandbox=order.sandbox,
        template_id="" if template is None else template.id,
        template_alias="" if template is None else template.alias,
        template_version=0 if template is None else template.version,
    )


def _reverse_path(order: Order) -> str:
    if order.raw is not None and order.raw.reverse_path:
        return order.raw.reverse_path
    return "" if order.author is None else order.author.address.text


def _recipient(addressee: Addressee) -> Recipient:
    address = addressee.mailbox.address
    return Recipient(forward_path=address.text, domain=address.domain)


def _mailboxes(group: tuple[Addressee, ...]) -> tuple[Mailbox, ...]:
    return tuple([each.mailbox for each in group])


def _shown_all(group: tuple[Addressee, ...]) -> tuple[str, ...]:
    return tuple([_shown(each.mailbox) for each in group])


def _shown(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address.text}>" if mailbox.name else mailbox.address.text
