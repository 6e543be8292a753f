"""The header block of a message: one pass that finds and checks its fields. The body is never looked at.

What is refused here is what two readers could take for two different headers (C5, A2, D1): a line that is neither
a field nor a continuation, a second From, white space before a colon. Nothing is repaired but one thing: text
that begins without any header at all is a body (see ``parse_header``).
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from angarium.smtp.refusal import Refusal

# RFC 5322 section 3.6 ("max number 1"), RFC 2045 sections 4 to 8, RFC 2183, RFC 2919, RFC 2369, RFC 8058. Bcc is not
# here: submission removes all of them.
SINGLETONS: Final = frozenset(
    {
        *(b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"subject"),
        *(b"message-id", b"in-reply-to", b"references"),
        *(b"mime-version", b"content-type", b"content-transfer-encoding"),
        *(b"content-id", b"content-description", b"content-disposition"),
        *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post"),
    }
)
_NAME_OCTETS: Final = bytes(c for c in range(33, 127) if c != ord(":"))  # RFC 5322 section 2.2
# Spellings that real mail uses, so that most names need neither a check nor lower().
_SPELLINGS: Final = {
    spelling + b":": name
    for name in (
        *SINGLETONS,
        *(b"received", b"return-path", b"bcc", b"dkim-signature", b"x-mailer", b"user-agent"),
        *(b"precedence", b"auto-submitted", b"list-help", b"list-archive", b"feedback-id"),
    )
    for spelling in (name, name.title(), name.capitalize(), name.upper())
} | {b"Message-ID:": b"message-id", b"MIME-Version:": b"mime-version", b"List-ID:": b"list-id"}
_KNOWN: Final = frozenset(_SPELLINGS.values())
_CONTINUATION: Final = b""  # in place of a name
# Of text that begins without a header, a line like these shows that a header was meant after all.
_TELLTALE: Final = frozenset({b"from", b"to", b"subject", b"date", b"message-id", b"received"})
_SHOWN_OCTETS: Final = 60  # of a field name in a reply


class HeaderLimits(msgspec.Struct, frozen=True, kw_only=True):
    octets: int = 262_144
    fields: int = 1000
    received: int = 50


class HeaderBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a message, in order.

    Invariants: ``octets`` is empty or whole lines, each ending in CRLF, without the empty line; the lines of field
    ``i`` are ``lines[firsts[i]:firsts[i + 1]]``; every name in ``SINGLETONS`` occurs at most once.
    """

    octets: bytes
    body_offset: int  # where the body begins in the content that was parsed
    lines: list[bytes]  # without their CRLF
    names: list[bytes]  # lower case
    firsts: Sequence[int]  # one more than names: the last is len(lines)

    def find(self, name: bytes) -> int | None:
        """Return the position of the first field of this name (lower case)."""
        return self.names.index(name) if name in self.names else None  # an exception costs more

    def field(self, index: int) -> bytes:
        """Return the whole field with its final CRLF."""
        return b"\r\n".join(self.lines[self.firsts[index] : self.firsts[index + 1]]) + b"\r\n"

    def value(self, index: int) -> bytes:
        """Return what follows the colon, unfolded (RFC 5322 section 2.2.3), without the white space around it."""
        field = b"".join(self.lines[self.firsts[index] : self.firsts[index + 1]])
        return field[len(self.names[index]) + 1 :].strip(b" \t")


def parse_header(content: bytes, limits: HeaderLimits, smtputf8: bool) -> HeaderBlock | Refusal:
    """Find the header block of ``content``, whose lines all end in CRLF, and check each of its lines.

    The block ends at the first empty line, or where the content ends (C5). Content whose very first line is no field
    is text that was sent without a header, as ``sendmail(a, b, "hello")`` does: the block is then empty and the
    body is all of it, unless lines further on show that a header was meant, which is refused.

    Octets above 127 need SMTPUTF8 and must be UTF-8 (RFC 6532 section 3.2); without it they are refused, not
    passed on: no extension permits them, and each receiver would guess another charset.
    """
    if content.startswith(b"\r\n"):
        return _no_fields(body_offset=2)
    end = content.find(b"\r\n\r\n", 0, limits.octets + 2)
    if end >= 0:
        octets, body_offset = content[: end + 2], end + 4
    elif len(content) <= limits.octets:
        octets, body_offset = content, len(content)
    else:
        octets, body_offset = b"", 0
    if not octets:
        return _parse_headless(content, limits)
    if octets[-2:] != b"\r\n":
        return Refusal(550, "5.6.0", "The last line of the header does not end in CRLF")
    block = _parse_fields(octets, body_offset, limits)
    if block is None:
        return _parse_headless(content, limits)
    if isinstance(block, HeaderBlock) and not octets.isascii():
        return _check_eight_bit(octets, smtputf8) or block
    return block


def _parse_fields(
    octets: bytes, body_offset: int, limits: HeaderLimits
) -> HeaderBlock | Refusal | None:
    """Return None if the first line is no field. All lines at a time where C can do it: this runs for each message."""
    lines = octets[:-2].split(b"\r\n")
    # Up to and with the colon; b"" without one. None: not a spelling that we know.
    found = [_SPELLINGS.get(line[: line.find(b":") + 1]) for line in lines]
    names = _name_others(found, lines) if None in found else cast(list[bytes], found)
    if names is None or isinstance(names, Refusal):
        return names
    firsts: Sequence[int]
    if _CONTINUATION in names:
        firsts = [at for at, name in enumerate(names) if name is not _CONTINUATION]
        firsts.append(len(lines))
        names = [name for name in names if name is not _CONTINUATION]
    else:
        firsts = range(len(lines) + 1)
    if len(names) > limits.fields:
        return Refusal(552, "5.3.4", f"The header has more than {limits.fields} fields")
    count = len(lines)
    if b"\0" in octets or octets.count(b"\n") != count or octets.count(b"\r") != count:  # S1, S8
        return Refusal(550, "5.6.0", "The header has a NUL, or a CR or LF that ends no line")
    if len(set(names)) != len(names) and (refusal := _check_repeated(names, limits)):
        return refusal
    return HeaderBlock(
        octets=octets, body_offset=body_offset, lines=lines, names=names, firsts=firsts
    )


def _name_others(found: list[bytes | None], lines: list[bytes]) -> list[bytes] | Refusal | None:
    """Return a name, or _CONTINUATION, for each line; None if the first line is no field."""
    names: list[bytes] = []
    for line, name in zip(lines, found, strict=True):
        if name is None:
            if not (name := field_name(line)) and not names:
                return None
            # Never empty: the block ends before the first empty line.
            if not name and line[0] not in b" \t":
                return _bad_line(len(names) + 1, "is neither a field nor a continuation")
            if not name and line.isspace():
                # RFC 5322 section 3.2.2; some readers take it for the header's end.
                return _bad_line(len(names) + 1, "has nothing but white space")
            name = name or _CONTINUATION
        names.append(name)
    return names


def field_name(line: bytes) -> bytes:
    """Return the lower-case name of the field that begins with this line; b"" if none does (RFC 5322 section 2.2)."""
    name = line[: max(line.find(b":"), 0)]
    return b"" if name.translate(None, _NAME_OCTETS) else name.lower()


def is_known_field(name: bytes) -> bool:
    """Whether mail has fields of this name, in lower case: a line that begins with it is hardly text."""
    return name in _KNOWN


def _check_repeated(names: list[bytes], limits: HeaderLimits) -> Refusal | None:
    seen: set[bytes] = set()
    for name in names:
        if name in seen and name in SINGLETONS:  # D1, A2
            return Refusal(550, "5.6.0", f"More than one {field_title(name)} field (RFC 5322 3.6)")
        seen.add(name)
    if names.count(b"received") > limits.received:  # RFC 5321 section 6.3
        return Refusal(554, "5.4.6", f"Mail loop: more than {limits.received} Received fields")
    return None


def _check_eight_bit(octets: bytes, smtputf8: bool) -> Refusal | None:
    name = next((n for n, line in _lines_with_names(octets) if not line.isascii()), b"")
    where = f"the {field_title(name)} field" if name.isascii() else "the name of a field"
    if not smtputf8:
        text = f"Non-ASCII octets in {where}: encode them (RFC 2047) or use SMTPUTF8"
        return Refusal(550, "5.6.7", text)
    try:
        octets.decode()
    except UnicodeDecodeError:
        return Refusal(550, "5.6.0", "The header is not UTF-8 (RFC 6532 3.2)")
    return None


def _lines_with_names(octets: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    name = b""
    for line in octets.split(b"\r\n"):
        if line[:1] not in (b" ", b"\t", b""):
            name = line.partition(b":")[0]
        found.append((name, line))
    return found


def _parse_headless(content: bytes, limits: HeaderLimits) -> HeaderBlock | Refusal:
    """Text without a header, or a header that is too long, or one whose first line is broken."""
    head = content[: limits.octets]
    first = head.partition(b"\r\n")[0]
    if field_name(first):
        return Refusal(552, "5.3.4", f"The header is longer than {limits.octets} octets")
    if first.startswith((b"From ", b">From ")) and not first[5:].lstrip().startswith(b":"):
        return Refusal(550, "5.6.0", "The message begins with a mailbox's From line, not a header")
    for line in head.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        if line.partition(b":")[0].strip().lower() in _TELLTALE:
            return _bad_line(1, "is neither a field nor a continuation")
    return _no_fields(body_offset=0)


def _bad_line(number: int, what: str) -> Refusal:
    return Refusal(550, "5.6.0", f"Line {number} of the header {what} (RFC 5322 2.2)")


def field_title(name: bytes) -> str:
    """Return a field name as people write it, cut and printable, for a reply."""
    title = name[:_SHOWN_OCTETS].decode("ascii", "replace").title()
    title = "".join(c if "!" <= c <= "~" else "?" for c in title)
    return {"Message-Id": "Message-ID", "Mime-Version": "MIME-Version"}.get(title, title)


def _no_fields(body_offset: int) -> HeaderBlock:
    return HeaderBlock(octets=b"", body_offset=body_offset, lines=[], names=[], firsts=(0,))
