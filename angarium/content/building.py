"""Writes a letter as a MIME message (RFC 5322, RFC 2045, RFC 2046). Pure; the boundary is an argument.

Hot: text and HTML of 5 KB take some ten microseconds. No line is over 998 octets, all end in CRLF, and all octets are
ASCII, but for addresses that are not.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

from angarium.content.field import (
    HARD_LINE,
    check_name,
    check_text,
    mailboxes_field,
    parameter,
    text_field,
)
from angarium.content.letter import Attachment, Letter, LetterError, Mailbox
from angarium.smtp.transfer_encoding import base64_lines, quoted_printable

# Written here, or by who takes the message and hands it on: no letter has them twice
_OURS: Final = frozenset(
    {
        *("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id"),
        *("mime-version", "return-path", "received", "dkim-signature"),
    }
)
_TYPE: Final = re.compile(
    r"([A-Za-z0-9!#$&^_.+-]{1,127})/([A-Za-z0-9!#$&^_.+-]{1,127})"
    r'((?:[ \t]*;[ \t]*[A-Za-z0-9!#$&^_.+-]+=(?:[A-Za-z0-9!#$&^_.+-]+|"[ !#-\[\]-~]*"))*)[ \t]*'
)
_CONTENT_ID: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,250}")
# RFC 5322 section 3.4: a group of nobody, for whom blind recipients alone get it; filters distrust mail without To
_BLIND: Final = "To: undisclosed-recipients:;\r\n"
_SUBJECT: Final = 998  # characters; ours: nobody shows more
_HIGH: Final = bytes(range(0x80, 0x100))


class Built(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes  # all of it, CRLF
    header_octets: int  # of the header block, with its empty line


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    header: str  # Content-* fields, each with its CRLF
    body: bytes


def build(letter: Letter, boundary: str) -> Built:
    """Return the message. Raises LetterError, which names the field.

    ``boundary``: up to 60 characters of RFC 2046's, made anew for each message and not to be guessed, so that no text
    has it; it may begin with ``=_``, which neither base64 nor quoted-printable ever has.
    """
    header = "".join(_fields(letter))
    part = _content(letter, boundary)
    head = f"{header}MIME-Version: 1.0\r\n{part.header}\r\n".encode()
    return Built(content=head + part.body, header_octets=len(head))


def _is_of_the_body(name: str) -> bool:
    """Content-Language (RFC 3282) is the author's to say."""
    return name.lower().startswith("content-") and name.lower() != "content-language"


def _fields(letter: Letter) -> list[str]:
    if len(letter.subject) > _SUBJECT:
        raise LetterError("subject", f"is longer than {_SUBJECT} characters: shorten it")
    fields = [_author_field(letter.author)]
    for name, key, mailboxes in (
        ("Reply-To", "replyTo", letter.reply_to),
        ("To", "to", letter.to),
        ("Cc", "cc", letter.cc),
    ):
        if mailboxes:
            fields.append(mailboxes_field(name, mailboxes, key))
    if not letter.to and not letter.cc:
        fields.append(_BLIND)
    fields.append(text_field("Subject", letter.subject, "subject"))
    fields.append(f"Date: {letter.date}\r\n")
    if letter.message_id:
        fields.append(f"Message-ID: {letter.message_id}\r\n")
    for name, value in letter.fields:
        at = f"headers.{name}"
        check_name(at, name)
        if name.lower() in _OURS or _is_of_the_body(name):
            raise LetterError(at, "is written from the other fields: leave it out")
        fields.append(text_field(name, value, at))
    return fields


@lru_cache(maxsize=64)  # senders repeat theirs
def _author_field(author: Mailbox) -> str:
    return mailboxes_field("From", (author,), "from")


def _content(letter: Letter, boundary: str) -> _Part:
    """RFC 2046: files around pictures around alternatives, and no more parts than there are contents."""
    alternatives = [
        _text(text, kind, field)
        for text, kind, field in (
            (letter.text, "plain", "bodyText"),
            (letter.amp, "x-amp-html", "bodyAmp"),
            (letter.html, "html", "bodyHtml"),
        )
        if text is not None
    ]
    if letter.amp is not None and len(alternatives) == 1:
        raise LetterError("bodyAmp", "is shown by few: give bodyHtml or bodyText, too")
    files = [(at, each) for at, each in enumerate(letter.attachments)]
    shown = [_attachment(each, at) for at, each in files if each.content_id]
    carried = [_attachment(each, at) for at, each in files if not each.content_id]
    if not alternatives and not carried:
        alternatives = [_text("", "plain", "bodyText")]
    part = _multipart("alternative", alternatives, f"{boundary}.a")
    if shown:
        root = [part] if part is not None else []
        part = _multipart("related", root + shown, f"{boundary}.r")
    if carried:
        first = [part] if part is not None else []
        part = _multipart("mixed", first + carried, f"{boundary}.m")
    assert part is not None  # there is a text, or a file
    return part


def _multipart(kind: str, parts: list[_Part], boundary: str) -> _Part | None:
    """Return the parts as one; None: there are none. One is itself, but for files, which stay attachments."""
    if not parts or (len(parts) == 1 and kind != "mixed"):
        return parts[0] if parts else None
    mark = b"--" + boundary.encode("ascii")
    pieces: list[bytes] = []
    for each in parts:
        pieces += (mark, b"\r\n", each.header.encode(), b"\r\n", each.body, b"\r\n")
    pieces += (mark, b"--\r\n")
    header = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'
    return _Part(header=header, body=b"".join(pieces))


def _text(text: str, kind: str, field: str) -> _Part:
    if "\x00" in text:
        raise LetterError(field, "has a NUL: take it out")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.replace("\n", "\r\n")
    if not lines.endswith("\r\n"):
        lines += "\r\n"
    try:
        data = lines.encode()
    except UnicodeEncodeError:
        raise LetterError(field, "has half of a surrogate pair: it is no text") from None
    is_ascii = data.isascii()
    if is_ascii and not _has_longer_line(data, HARD_LINE):
        encoding, body = "7bit", data
    else:
        encoding, body = _encoded(data, is_ascii=is_ascii)
    charset = "us-ascii" if is_ascii else "utf-8"
    header = (
        f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    )
    return _Part(header=header, body=body)


def _has_longer_line(data: bytes, limit: int) -> bool:
    """Whether one has more octets than this. ``data`` ends in CRLF, and has no CR or LF elsewhere."""
    at, length = 0, len(data)
    while length - at > limit + 2:
        # By leaps from one line's end to that before the next octet that would be too far
        end = data.rfind(b"\n", at, at + limit + 2)
        if end < 0:
            return True
        at = end + 1
    return False


def _encoded(data: bytes, *, is_ascii: bool) -> tuple[str, bytes]:
    """Whichever is shorter."""
    escaped = data.count(b"=")
    if not is_ascii:
        escaped += len(data) - len(data.translate(None, _HIGH))
    if 2 * escaped <= len(data) // 3:
        return "quoted-printable", quoted_printable(data)
    return "base64", base64_lines(data)


def _attachment(attachment: Attachment, index: int) -> _Part:
    at = f"attachments[{index}]"
    for key, text in (
        ("contentType", attachment.content_type),
        ("filename", attachment.filename),
        ("contentId", attachment.content_id),
    ):
        check_text(f"{at}.{key}", text)
    kind = _TYPE.fullmatch(attachment.content_type)
    if kind is None:
        raise LetterError(f"{at}.contentType", "is no type: write one like application/pdf")
    if kind[1].lower() in ("multipart", "message"):
        raise LetterError(
            f"{at}.contentType", "holds other parts: send it as application/octet-stream"
        )
    disposition = attachment.disposition
    if not disposition:
        disposition = "inline" if attachment.content_id else "attachment"
    name = parameter("name", attachment.filename) if attachment.filename else ""
    filename = parameter("filename", attachment.filename) if attachment.filename else ""
    header = f"Content-Type: {attachment.content_type.strip()}{name}\r\n"
    header += "Content-Transfer-Encoding: base64\r\n"
    header += f"Content-Disposition: {disposition}{filename}\r\n"
    if attachment.content_id:
        if _CONTENT_ID.fullmatch(attachment.content_id) is None:
            raise LetterError(f"{at}.contentId", "has characters that no cid: may have")
        header += f"Content-ID: <{attachment.content_id}>\r\n"
    return _Part(header=header, body=base64_lines(attachment.content))
