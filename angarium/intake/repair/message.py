"""Mends a message's header as a whole: its lines, then its fields. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.intake.repair.author import mend_author
from angarium.intake.repair.lines import mend_lines
from angarium.intake.repair.raw_utf8 import encode_field
from angarium.smtp.header_block import SINGLETONS, HeaderLimits, field_name
from angarium.smtp.mailbox_list import MailboxListSyntaxError, parse_mailbox_list
from angarium.smtp.repair import Repair

_AUTHORS: Final = frozenset({b"from", b"sender", b"resent-from", b"resent-sender"})
# Empty, they say as much as not at all
_MAY_BE_DROPPED: Final = frozenset({b"from", b"sender", b"message-id"})
# ours: old applications write no longer ones, and this takes 2 us an octet at worst, on the event loop
_HEADER_OCTETS: Final = 65_536
_SIGNATURE: Final = b"dkim-signature"
_MAY_BE_JOINED: Final = frozenset({b"to", b"cc"})


class Mended(msgspec.Struct, frozen=True):
    content: bytes
    # Each kind once, in the order of ``Repair``; none: the content is as it came
    repairs: tuple[Repair, ...]


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    name: bytes  # lower case; b"" of what is no field
    octets: bytes  # its lines, without the last CRLF

    @property
    def value(self) -> bytes:
        """Unfolded."""
        return self.octets.partition(b":")[2].replace(b"\r\n", b"").strip(b" \t")


def mend_header(
    content: bytes, limits: HeaderLimits, *, reverse_path: str, smtputf8: bool
) -> Mended:
    """Mend what can be mended of ``content``, whose lines end in CRLF, if its header is within the limits.

    Nothing where the client has signed: its signature would be broken.
    Octets of the body stay as they are. The result must be read again: what could not be mended is still in it.
    """
    limit = min(limits.octets, _HEADER_OCTETS)
    end = content.find(b"\r\n\r\n", 0, limit + 2)
    if end < 0 and len(content) <= limit and content.endswith(b"\r\n"):
        end = len(content) - 2
    if end < 0:
        return Mended(content, ())
    repairs: list[Repair] = []
    header, text = mend_lines(content[:end].split(b"\r\n"), repairs)
    fields = _fields(header)
    if len(fields) > limits.fields or any(each.name == _SIGNATURE for each in fields):
        return Mended(content, ())
    fields = _without_empty(fields, repairs)
    fields = _without_repeated(fields, repairs)
    fields = [_with_author(each, reverse_path, repairs) for each in fields]
    if not smtputf8:
        fields = [_in_ascii(each, repairs) for each in fields]
    if not repairs:
        return Mended(content, ())
    parts = [each.octets for each in fields]
    if Repair.HEADER_END in repairs:
        parts += [b"", *text]
    mended = b"\r\n".join(parts) + b"\r\n"
    return Mended(mended + content[end + 2 :], tuple(each for each in Repair if each in repairs))


def _fields(lines: Sequence[bytes]) -> list[_Field]:
    fields: list[list[bytes]] = []
    for line in lines:
        if fields and line[:1] in (b" ", b"\t"):
            fields[-1].append(line)
        else:
            fields.append([line])
    return [_Field(name=field_name(each[0]), octets=b"\r\n".join(each)) for each in fields]


def _without_empty(fields: Sequence[_Field], repairs: list[Repair]) -> list[_Field]:
    kept = [each for each in fields if each.name not in _MAY_BE_DROPPED or each.value]
    if len(kept) != len(fields):
        repairs.append(Repair.EMPTY_FIELD)
    return kept


def _without_repeated(fields: Sequence[_Field], repairs: list[Repair]) -> list[_Field]:
    """Of a field that may stand once: drop a repetition, join lists of recipients; what differs stays (A2, D1)."""
    kept: list[list[_Field]] = []  # those in one list become one field
    firsts: dict[bytes, list[_Field]] = {}
    for each in fields:
        first = firsts.get(each.name)
        if first is not None and each.value == first[0].value:
            repairs.append(Repair.REPEATED_FIELD)
        elif first is not None and each.name in _MAY_BE_JOINED and _are_whole(first[0], each):
            repairs.append(Repair.REPEATED_FIELD)
            first.append(each)
        else:
            kept.append([each])
            if each.name in SINGLETONS:
                firsts.setdefault(each.name, kept[-1])
    return [each[0] if len(each) == 1 else _joined(each) for each in kept]


def _are_whole(*fields: _Field) -> bool:
    """Whether quotes and comments end where the fields do."""
    return all(
        each.octets.count(b'"') % 2 == 0 and each.octets.count(b"(") == each.octets.count(b")")
        for each in fields
    )


def _joined(fields: Sequence[_Field]) -> _Field:
    title = fields[0].octets.partition(b":")[0]
    values = [each.octets.partition(b":")[2].strip(b" \t\r\n,") for each in fields]
    joined = b",\r\n ".join(value for value in values if value)
    return _Field(name=fields[0].name, octets=title + b": " + joined)


def _with_author(field: _Field, reverse_path: str, repairs: list[Repair]) -> _Field:
    if field.name not in _AUTHORS:
        return field
    try:
        value = field.value.decode()
    except UnicodeDecodeError:
        return field
    try:
        parse_mailbox_list(value)
    except MailboxListSyntaxError:
        mended = mend_author(value, reverse_path)
        if mended is None:
            return field
        repairs += mended.repairs
        title = field.octets.partition(b":")[0]
        return _Field(name=field.name, octets=title + b": " + mended.value.encode())
    return field


def _in_ascii(field: _Field, repairs: list[Repair]) -> _Field:
    if field.octets.isascii() or (encoded := encode_field(field.octets)) is None:
        return field
    repairs.append(Repair.RAW_UTF8)
    return _Field(name=field.name, octets=encoded)
