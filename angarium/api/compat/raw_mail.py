"""A message that a client wrote itself, opened as far as a dialect must: its header, and who stands in it. Pure.

Lines may end in CRLF, LF or CR; from here on they end in CRLF.
"""

import re
from collections.abc import Set
from typing import Final

import msgspec

from angarium.api.compat.faults import invalid
from angarium.content.letter import Mailbox
from angarium.intake.order import Addressee, FaultError
from angarium.smtp.header_block import HeaderBlock, HeaderLimits, parse_header
from angarium.smtp.line_ends import has_only_crlf
from angarium.smtp.mailbox_list import MailboxListSyntaxError, parse_mailbox_list
from angarium.smtp.refusal import Refusal

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_NOBODY: Final = re.compile(r"[^:;<>@]*:\s*;")  # undisclosed-recipients:;
_LIMITS: Final = HeaderLimits()


class RawMessage(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes  # lines end in CRLF
    header: HeaderBlock

    def values(self, name: bytes) -> tuple[str, ...]:
        """Return the values of the fields of this name (lower case), unfolded, in order."""
        names = self.header.names
        found = [self.header.value(at) for at, each in enumerate(names) if each == name]
        return tuple([each.decode("utf-8", "replace") for each in found])

    def without(self, names: Set[bytes]) -> bytes:
        """Return the content less the fields of these names (lower case)."""
        header = self.header
        if names.isdisjoint(header.names):
            return self.content
        kept = [header.field(at) for at, each in enumerate(header.names) if each not in names]
        return b"".join((*kept, b"\r\n", self.content[header.body_offset :]))

    def addressees(self, name: bytes, field: str) -> tuple[Addressee, ...]:
        """Return those whom the fields of this name are addressed to. Raises FaultError."""
        found: list[Addressee] = []
        for value in self.values(name):
            if not value or _NOBODY.fullmatch(value):
                continue
            try:
                addresses = parse_mailbox_list(value)
            except MailboxListSyntaxError as error:
                raise FaultError(invalid(field, f"cannot be read: {error}", value)) from None
            found += [Addressee(mailbox=Mailbox(address=each)) for each in addresses]
        return tuple(found)


def open_raw(octets: bytes, field: str) -> RawMessage:
    """Raises FaultError for what has no header that could be read in one way."""
    content = octets if has_only_crlf(octets) else _LINE_END.sub(b"\r\n", octets)
    if b"\0" in content:
        raise FaultError(invalid(field, "has a NUL: encode that part (base64)"))
    header = parse_header(content, _LIMITS, smtputf8=True)
    if isinstance(header, Refusal):
        raise FaultError(invalid(field, f"cannot be sent: {header.text}"))
    if not header.names:
        raise FaultError(
            invalid(field, "has no header: write From, To and Subject before the text")
        )
    return RawMessage(content=content, header=header)
