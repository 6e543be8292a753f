"""From an order, or from a message that is written already, to the mail that rules look at. Pure.

What is broken is read as far as it goes, within bounds (C2), and told as what is wrong with the mail.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from angarium.content.checking.mail import File, Mail, Person
from angarium.content.checking.rule import Broken
from angarium.content.letter import Attachment, LetterError, Mailbox
from angarium.content.mailbox import read_mailboxes
from angarium.feedback.mail.charset import decode_as
from angarium.feedback.mail.encoded_words import decode_words
from angarium.feedback.mail.fields import Fields
from angarium.feedback.mail.parameters import read_parameters
from angarium.feedback.mail.parts import Part, read_parts
from angarium.feedback.mail.text import octets_of
from angarium.intake.order import Order
from angarium.smtp.header_block import HeaderLimits, parse_header
from angarium.smtp.line_ends import has_only_crlf
from angarium.smtp.mailbox_list import MailboxListSyntaxError, parse_mailbox_list
from angarium.smtp.refusal import Refusal

MAX_OCTETS: Final = 52_428_800  # of a message that are read
_TEXT_OCTETS: Final = 1_048_576  # of each text
_FIELDS: Final = 200
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_LONG_LINE: Final = re.compile(rb"[^\r\n]{999}")  # RFC 5322 section 2.1.1
_RAW: Final = "raw"
_LIMITS: Final = HeaderLimits()
_TEXTS: Final = {"text/plain": "text", "text/html": "html", "text/x-amp-html": "amp"}


def mail_of_order(order: Order, octets: int) -> Mail:
    """``octets``: of the message that is built of it; 0: not known."""
    if order.raw is not None:
        return mail_of_raw(order.raw.content)
    fields = order.fields
    if order.unsubscribe_url:
        fields += (
            ("List-Unsubscribe", f"<{order.unsubscribe_url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )
    return Mail(
        authors=() if order.author is None else (_person(order.author),),
        reply_to=tuple([_person(each) for each in order.reply_to]),
        shown_recipients=len(order.to) + len(order.cc),
        subject=order.subject,
        preheader=order.preheader,
        text=order.text,
        html=order.html,
        amp=order.amp,
        files=tuple([_file(each) for each in order.attachments]),
        fields=fields,
        octets=octets,
        makes_text=order.makes_text,
    )


def mail_of_raw(content: bytes) -> Mail:
    """Never raises."""
    faults: list[Broken] = []
    crlf = content if has_only_crlf(content) else _LINE_END.sub(b"\r\n", content)
    header = parse_header(crlf, _LIMITS, smtputf8=True)
    if isinstance(header, Refusal):
        faults.append(Broken(code="header_wrong", field=_RAW, examples=(header.text,)))
    elif not header.names:
        text = "it begins without a header"
        faults.append(Broken(code="header_wrong", field=_RAW, examples=(text,)))
    if _LONG_LINE.search(crlf):
        faults.append(Broken(code="line_too_long", field=_RAW))
    parsed = read_parts(crlf, MAX_OCTETS)
    is_lost = (
        parsed.content_type.startswith("multipart/") and parsed.parts[0].fields is parsed.fields
    )
    if parsed.is_cut or is_lost:
        faults.append(Broken(code="mime_wrong", field=_RAW, examples=(parsed.content_type,)))
    texts: dict[str, str] = {}
    files: list[File] = []
    for part in parsed.parts:
        kind = _TEXTS.get(part.content_type)
        filename = _filename(part)
        if kind is None or kind in texts or filename:
            files.append(_file_of(part, filename))
            continue
        texts[kind], is_right = _text_of(part)
        if not is_right:
            charset = part.parameters.get("charset", "us-ascii")
            faults.append(Broken(code="charset_wrong", field=_RAW, examples=(charset,)))
    fields = parsed.fields
    return Mail(
        authors=tuple(_people(fields.raw("from"))),
        reply_to=tuple(_people(fields.raw("reply-to"))),
        shown_recipients=_count(fields),
        subject=fields.text("subject"),
        text=texts.get("text"),
        html=texts.get("html"),
        amp=texts.get("amp"),
        files=tuple(files),
        fields=tuple(fields.items(_FIELDS)),
        octets=len(crlf),
        faults=tuple(faults),
        is_raw=True,
    )


def _person(mailbox: Mailbox) -> Person:
    address = mailbox.address
    return Person(name=mailbox.name, local_part=address.local_part, domain=address.domain.lower())


def _file(attachment: Attachment) -> File:
    return File(
        filename=attachment.filename,
        content_type=attachment.content_type.partition(";")[0].strip().lower(),
        content_id=attachment.content_id,
        content=attachment.content,
    )


def _filename(part: Part) -> str:
    _, disposition = read_parameters(part.fields.raw("content-disposition"))
    written = disposition.get("filename") or part.parameters.get("name", "")
    is_attached = part.fields.raw("content-disposition").lower().startswith("attachment")
    return decode_words(written) or ("noname" if is_attached and not written else "")


def _file_of(part: Part, filename: str) -> File:
    return File(
        filename="" if filename == "noname" else filename,
        content_type=part.content_type,
        content_id=part.fields.raw("content-id").strip("<> "),
        content=octets_of(part, MAX_OCTETS),
    )


def _text_of(part: Part) -> tuple[str, bool]:
    """Return the text, and whether it is in its charset."""
    octets = octets_of(part, _TEXT_OCTETS)
    charset = part.parameters.get("charset", "") or "us-ascii"
    is_right = True
    try:
        octets.decode(charset)
    except (LookupError, ValueError):
        # It may be cut within a character
        is_right = len(octets) >= _TEXT_OCTETS
    text = decode_as(octets, "" if charset == "us-ascii" else charset)
    return text.replace("\r\n", "\n").removesuffix("\r"), is_right


def _people(value: str) -> Iterator[Person]:
    """Those of a field; where names cannot be read, without them."""
    if not value:
        return
    try:
        for each in read_mailboxes(value, "from"):
            person = _person(each)
            yield Person(
                name=decode_words(person.name), local_part=person.local_part, domain=person.domain
            )
    except LetterError:
        try:
            addresses: Iterable[Mailbox] = [
                Mailbox(address=each) for each in parse_mailbox_list(value)
            ]
        except MailboxListSyntaxError:
            return
        for each in addresses:
            yield _person(each)


def _count(fields: Fields) -> int:
    count = 0
    for value in fields.all_raw("to", "cc"):
        try:
            count += len(parse_mailbox_list(value))
        except MailboxListSyntaxError:
            count += value.count("@")
    return count
