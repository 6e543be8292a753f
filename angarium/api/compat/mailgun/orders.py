"""A Mailgun request as orders: one, or one for each ``to`` where there are recipient variables. Pure.

Raises FaultError, whose field is Mailgun's.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from angarium.api.compat.attached import OCTETS, type_by_name
from angarium.api.compat.faults import invalid, json_object, missing, unsupported
from angarium.api.compat.mailgun.fields import Fields, FormField, sort_fields
from angarium.api.compat.mailgun.mime import MimeOptions, read_mime
from angarium.api.compat.mailgun.moment import read_delivery_time
from angarium.api.compat.mailgun.template import read_template
from angarium.api.compat.mailgun.variables import (
    FIELD as VARIABLES,
)
from angarium.api.compat.mailgun.variables import (
    Filling,
    Room,
    filling,
    places_of,
    read_variables,
    refuse_places,
)
from angarium.api.compat.written import mailbox, mailboxes
from angarium.content.letter import Attachment, Mailbox
from angarium.intake.order import Addressee, FaultError, Order
from angarium.intake.recipient_places import RecipientPlaces
from angarium.queue.model import UnixMs

MAX_ORDERS: Final = 1_000  # of Mailgun: recipients of one request
# Ours, of all messages of one request together: each has its own copy of what was filled in
MAX_OCTETS: Final = 134_217_728
_OF_TEMPLATE: Final = ("template", "t:version", "t:text", "t:variables")
_HOLDS_PARTS: Final = ("multipart/", "message/")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    orders: tuple[Order, ...]
    once: str = ""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the fields h: and v: come to."""

    fields: tuple[tuple[str, str], ...]
    reply_to: tuple[Mailbox, ...]
    metadata: dict[str, Any]


def read_message(form: Iterable[FormField], now: UnixMs) -> Request:
    """Of /messages."""
    fields = sort_fields(form)
    _check_whole(fields)
    to = _mailboxes(fields, "to")
    shared = {
        "author": mailbox(fields.one("from"), "from"),
        "cc": _addressees(_mailboxes(fields, "cc")),
        "bcc": _addressees(_mailboxes(fields, "bcc")),
        "attachments": tuple(_attachments(fields)),
        **_options(fields, now),
    }
    written = fields.one(VARIABLES)
    if not written:
        orders = [_order(fields, to, shared)]
    else:
        variables = read_variables(written)
        _check_count(to)
        orders = []
        room = Room(MAX_OCTETS)
        for each in to:
            places = places_of(variables, each)
            orders.append(_order(fields, (each,), shared, filling(places, room), places))
            room.take(_size(orders[-1]))
    return Request(orders=tuple(orders), once=_once(fields))


def read_mime_message(form: Sequence[FormField], now: UnixMs) -> Request:
    """Of /messages.mime."""
    fields = sort_fields(form)
    for name in ("from", "subject", "text", "html", "amp-html", "cc", "bcc", *_OF_TEMPLATE):
        if fields.one(name) or fields.all(name):
            reason = "it stands in the message already, and whom it goes to in to"
            raise FaultError(unsupported(name, reason))
    for name in ("attachment", "inline"):
        if name in fields.files:
            raise FaultError(unsupported(name, "write it into the message"))
    header = _header(fields, str)
    if header.fields or header.reply_to:
        name = header.fields[0][0] if header.fields else "Reply-To"
        raise FaultError(unsupported(f"h:{name}", "write it into the message"))
    if not fields.all("to"):
        raise FaultError(missing("to", "to parameter is missing"))
    if not fields.files.get("message"):
        raise FaultError(missing("message", "message parameter is missing"))
    to = _mailboxes(fields, "to")
    lots = [to]
    if written := fields.one(VARIABLES):
        if any(read_variables(written).values()):
            reason = "nothing is filled in where the message is written already; use /messages"
            raise FaultError(unsupported(VARIABLES, reason))
        _check_count(to)
        lots = [(each,) for each in to]
    options: MimeOptions = read_mime(fields.files["message"][0].content)
    Room(MAX_OCTETS).take(len(options.mail.content) * len(lots))
    given = {each.name for each in form if each.content}
    said = sort_fields((*form, *(each for each in options.fields if each.name not in given)))
    order = Order(
        author=None,
        raw=options.mail,
        metadata={**options.variables, **header.metadata},
        **_options(said, now),
    )
    orders = [msgspec.structs.replace(order, to=_addressees(each)) for each in lots]
    return Request(orders=tuple(orders), once=_once(fields))


def _check_whole(fields: Fields) -> None:
    if "message" in fields.files:
        raise FaultError(invalid("message", "is for messages.mime"))
    if not fields.one("from"):
        raise FaultError(missing("from", "from parameter is missing"))
    if not fields.all("to"):
        raise FaultError(missing("to", "to parameter is missing"))
    if not any(map(fields.one, ("text", "html", "amp-html", "template"))):
        text = "Need at least one of 'text', 'html' or 'template' parameters specified"
        raise FaultError(missing("text", text))
    if not (fields.one("subject") or fields.one("template")):
        raise FaultError(missing("subject", "subject parameter is missing"))
    for name in ("subject", "text", "html", "amp-html"):
        refuse_places(name, fields.one(name))


def _order(
    fields: Fields,
    to: Iterable[Mailbox],
    shared: dict[str, Any],
    fill: Filling = str,
    places: RecipientPlaces | None = None,
) -> Order:
    header = _header(fields, fill)
    return Order(
        to=_addressees(to),
        reply_to=header.reply_to,
        subject=fill(fields.one("subject")),
        text=fill(fields.one("text")) or None,
        html=fill(fields.one("html")) or None,
        amp=fill(fields.one("amp-html")) or None,
        fields=header.fields,
        metadata=header.metadata,
        template=read_template(fields, header.metadata, fill, places),
        **shared,
    )


def _header(fields: Fields, fill: Filling) -> _Header:
    kept: list[tuple[str, str]] = []
    metadata: dict[str, Any] = {}
    reply_to: list[Mailbox] = []
    for name, value in fields.headers:
        at = f"h:{name}"
        text = fill(value)
        match name.lower():
            case "":
                raise FaultError(invalid(at, "names no header field"))
            case "reply-to" if text:
                reply_to += mailboxes(text, at)
            case "x-idempotency-key":
                pass  # the key of the request, not of the mail
            case "x-mailgun-variables" if text:
                metadata.update(json_object(text, at))
            case _ if text:
                kept.append((name, text))
    metadata.update({name: fill(value) for name, value in fields.variables.items()})
    return _Header(fields=tuple(kept), reply_to=tuple(reply_to), metadata=metadata)


def _once(fields: Fields) -> str:
    found = [v.strip() for n, v in fields.headers if n.lower() == "x-idempotency-key"]
    if len(found) > 1:
        raise FaultError(invalid("h:X-Idempotency-Key", "is given twice"))
    return found[0] if found else ""


def _options(fields: Fields, now: UnixMs) -> dict[str, Any]:
    if fields.is_on("o:dkim") is False:
        raise FaultError(unsupported("o:dkim", "mail is signed wherever there is a key for it"))
    if fields.is_on("o:require-tls"):
        reason = "recipients' domains and the server's configuration say where it is required"
        raise FaultError(unsupported("o:require-tls", reason))
    if fields.is_on("o:skip-verification"):
        reason = "where certificates are verified, recipients' domains ask for it"
        raise FaultError(unsupported("o:skip-verification", reason))
    time = fields.one("o:deliverytime")
    tracking = fields.is_on("o:tracking")
    opens, clicks = fields.is_on("o:tracking-opens"), fields.is_on("o:tracking-clicks")
    return {
        "tags": tuple(fields.all("o:tag")),
        "send_at": read_delivery_time(time, "o:deliverytime", now) if time else None,
        "sandbox": fields.is_on("o:testmode") is True,
        "track_opens": tracking if opens is None else opens,
        "track_clicks": tracking if clicks is None else clicks,
    }


def _mailboxes(fields: Fields, name: str) -> tuple[Mailbox, ...]:
    """One address or a list in each; of those that are there twice, the first."""
    texts = fields.all(name)
    found: dict[str, Mailbox] = {}
    for index, text in enumerate(texts):
        at = f"{name}[{index}]" if len(texts) > 1 else name
        for each in mailboxes(text, at):
            found.setdefault(each.address.text, each)
    return tuple(found.values())


def _addressees(of: Iterable[Mailbox]) -> tuple[Addressee, ...]:
    return tuple([Addressee(mailbox=each) for each in of])


def _attachments(fields: Fields) -> Iterator[Attachment]:
    """HTML names an inline file as ``cid:`` and its name."""
    for name in ("attachment", "inline"):
        for index, file in enumerate(fields.files.get(name, ())):
            if name == "inline" and not file.filename:
                raise FaultError(invalid(f"inline[{index}]", "has no file name to show it by"))
            yield Attachment(
                content=file.content,
                content_type=_type_of(file),
                filename=file.filename,
                content_id=file.filename if name == "inline" else "",
            )


def _type_of(file: FormField) -> str:
    """Clients write what they guess, or octets for all. What may not be in base64 is octets."""
    kind = file.content_type.strip()
    if not kind or kind.lower() == OCTETS:
        return type_by_name(file.filename)
    return OCTETS if kind.lower().startswith(_HOLDS_PARTS) else kind


def _check_count(to: Sequence[Mailbox]) -> None:
    if len(to) > MAX_ORDERS:
        raise FaultError(invalid("to", f"has more than {MAX_ORDERS} recipients"))


def _size(order: Order) -> int:
    texts = (order.text, order.html, order.amp)
    return sum(len(each or "") for each in texts) + sum(
        len(each.content) for each in order.attachments
    )
