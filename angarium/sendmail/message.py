"""A message as programs write it, made ready for submission: its recipients, and a header whose addresses have domains.

Pure. Only address fields that a server would refuse are written anew: names without a domain, and a name as a comment
behind (``root (Cron Daemon)``), as cron and most shell scripts have them. All else stays as it came.
"""

import re
from collections.abc import Mapping, Sequence
from email.utils import formataddr, getaddresses
from typing import Final

import msgspec

_AUTHORS: Final = (b"from", b"sender", b"reply-to", b"resent-from", b"resent-sender")
_RECIPIENTS: Final = (b"to", b"cc", b"bcc")
_RESENT: Final = (b"resent-to", b"resent-cc", b"resent-bcc")
_ADDRESSES: Final = frozenset((*_AUTHORS, *_RECIPIENTS, *_RESENT))
_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")
_EMPTY: Final = re.compile(rb"[^:]*:([^:;<>@]*:\s*;|\s)*\s*")  # nobody, or a group of nobody
_MBOX: Final = re.compile(rb">?From [^\n]*\n")
# ours: an address field of a local program
_MAX_FIELD_OCTETS: Final = 1_000_000
_MAX_HEADER_FIELDS: Final = 10_000


class MessageError(Exception):
    """The message cannot be submitted; the text says why."""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What a name without a domain means here."""

    domain: str
    aliases: Mapping[str, str] = {}  # of recipients; "*": all others

    def qualified(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self.domain}"

    def recipient(self, name: str) -> str:
        if "@" in name:
            return name
        return self.aliases.get(name) or self.aliases.get("*") or self.qualified(name)


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the message is from where it does not say so."""

    address: str
    full_name: str = ""
    forced: bool = False  # what the message says does not count


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes  # with CR LF at each line's end
    recipients: tuple[str, ...]  # of the header; empty unless asked for


def prepare(
    octets: bytes,
    *,
    author: Author,
    names: Names,
    wants_recipients: bool,
) -> Prepared:
    """Raises MessageError."""
    text = octets.replace(b"\r\n", b"\n")
    if b"\r" in text or b"\0" in text:
        raise MessageError("the message has a bare CR or a NUL: it cannot be sent as it is")
    if mbox := _MBOX.match(text):
        text = text[mbox.end() :]
    fields, body = _split(text)
    recipients = _recipients(fields, names) if wants_recipients else ()
    header = [_qualified(name, field, names) for name, field in fields]
    header = _with_author([name for name, _ in fields], header, author)
    content = b"".join(header) + b"\n" + body
    return Prepared(content=content.replace(b"\n", b"\r\n"), recipients=recipients)


def until_dot(octets: bytes) -> bytes:
    """What comes before a line of one dot, as when a person types; leading dots were not doubled."""
    if octets.startswith((b".\n", b".\r\n")):
        return b""
    found = re.search(rb"\n\.\r?(?:\n|\Z)", octets)
    return octets if found is None else octets[: found.start() + 1]


def _split(text: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The header's fields with their names in lower case, and the body.

    What is no field ends the header, as if the empty line were before it (Sendmail's rule).
    """
    fields: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(text):
        end = text.find(b"\n", at) + 1 or len(text)
        line = text[at:end]
        if line == b"\n":
            at = end
            break
        if line[:1] in (b" ", b"\t") and fields:
            name, field = fields[-1]
            fields[-1] = (name, field + _ended(line))
        elif match := _FIELD.match(line):
            fields.append((match[1].lower(), _ended(line)))
        else:
            break
        if len(fields) > _MAX_HEADER_FIELDS or len(fields[-1][1]) > _MAX_FIELD_OCTETS:
            raise MessageError("the header is too long")
        at = end
    return fields, text[at:]


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _addresses(field: bytes) -> list[tuple[str, str]]:
    value = field.partition(b":")[2].replace(b"\n", b"").decode("utf-8", "surrogateescape")
    return [(name, address) for name, address in getaddresses([value]) if address]


def _recipients(fields: Sequence[tuple[bytes, bytes]], names: Names) -> tuple[str, ...]:
    """RFC 5322 section 3.6.6: who is resent to, where anybody is."""
    resent = any(name in _RESENT for name, _ in fields)
    found: dict[str, None] = {}
    for name, field in fields:
        if name in (_RESENT if resent else _RECIPIENTS):
            addresses = _addresses(field)
            if not addresses and not _EMPTY.fullmatch(field):
                title = name.decode().capitalize()
                raise MessageError(f"the {title} field cannot be read as a list of addresses")
            for _, address in addresses:
                found[names.recipient(address)] = None
    return tuple(found)


def _qualified(name: bytes, field: bytes, names: Names) -> bytes:
    if name not in _ADDRESSES:
        return field
    found = _addresses(field)
    # a group, or an empty field, is not ours to write anew
    if not found or b";" in field or all("@" in address for _, address in found):
        return field
    value = ", ".join(_written(full_name, names.qualified(address)) for full_name, address in found)
    title = field.partition(b":")[0].rstrip()
    return title + b": " + value.encode("utf-8", "surrogateescape") + b"\n"


def _with_author(titles: Sequence[bytes], header: list[bytes], author: Author) -> list[bytes]:
    if b"from" in titles and not author.forced:
        return header
    kept = [field for name, field in zip(titles, header, strict=True) if name != b"from"]
    return [f"From: {_written(author.full_name, author.address)}\n".encode(), *kept]


def _written(full_name: str, address: str) -> str:
    """``Name <address>``; a name beyond ASCII as RFC 2047 has it."""
    printable = "".join(each for each in full_name if each.isprintable())
    try:
        return formataddr((printable, address))
    except UnicodeError:  # an address beyond ASCII: the server says whether it may
        return f"<{address}>" if not printable.isascii() else f'"{printable}" <{address}>'
