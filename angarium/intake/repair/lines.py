"""The lines of a header, before fields are made of them: what stands before it, blanks before colons, its end. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from angarium.smtp.header_block import field_name, is_known_field
from angarium.smtp.repair import Repair

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# What mail programs put before each message of a mailbox file: an address, and a date with its time. RFC 4155.
_MBOX_LINE: Final = re.compile(rb">?From [^ ]+ [^:]{5,80}:[0-9][0-9].{0,80}")
# A word or two before a colon: perhaps a field, misspelled
_LIKE_A_FIELD: Final = re.compile(rb"[^ \t:]*(?:[ \t]+[^ \t:]+)?[ \t]*:")
_SPACED_NAME: Final = re.compile(rb"([!-9;-~]+)[ \t]+:")
_NAME: Final = re.compile(rb"[ \t]*([!-9;-~]+)[ \t]*:")
_OF_PARTS: Final = (b"content-", b"x-")


def mend_lines(lines: Sequence[bytes], repairs: list[Repair]) -> tuple[list[bytes], list[bytes]]:
    """Split lines, up to the first empty one, into those of the header and those that belong to the body already.

    ``repairs`` are added to. What cannot be mended stands in the header as it came.
    """
    lines = _without_preface(lines, repairs)
    header: list[bytes] = []
    for at, line in enumerate(lines):
        if field_name(line) or (at and line[:1] in (b" ", b"\t") and not line.isspace()):
            header.append(line)
        elif (spaced := _SPACED_NAME.match(line)) and _is_meant_as_field(spaced[1]):
            repairs.append(Repair.BLANK_BEFORE_COLON)
            header.append(spaced[1] + line[spaced.end() - 1 :])
        elif at and _is_text(lines[at:]):
            repairs.append(Repair.HEADER_END)
            return header, list(lines[at + 1 if line.isspace() else at :])
        else:
            return [*header, *lines[at:]], []
    return header, []


def _without_preface(lines: Sequence[bytes], repairs: list[Repair]) -> Sequence[bytes]:
    if len(lines) > 1 and lines[0].startswith(_BYTE_ORDER_MARK):
        unmarked = lines[0].removeprefix(_BYTE_ORDER_MARK)
        if field_name(unmarked):
            repairs.append(Repair.BYTE_ORDER_MARK)
            return [unmarked, *lines[1:]]
    if len(lines) > 1 and _MBOX_LINE.fullmatch(lines[0]) and _has_known_name(lines[1]):
        repairs.append(Repair.MBOX_LINE)
        return lines[1:]
    return lines


def _is_meant_as_field(name: bytes) -> bool:
    """A word before " :" may be text, in French it always is; not a name that mail has, or one with a hyphen."""
    return is_known_field(name.lower()) or b"-" in name


def _has_known_name(line: bytes) -> bool:
    found = _NAME.match(line)
    return found is not None and is_known_field(found[1].lower())


def _is_text(lines: Sequence[bytes]) -> bool:
    """Whether nothing in the lines shows that the first one, which is no field, was meant to be, or one behind it.

    Parts of a body have fields of their own behind a boundary.
    """
    has_parts = lines[0].startswith(b"--")
    if _LIKE_A_FIELD.match(lines[0]) and not has_parts:
        return False
    names = (found[1].lower() for found in map(_NAME.match, lines) if found)
    fields = (name for name in names if _is_meant_as_field(name))
    return all(has_parts and name.startswith(_OF_PARTS) for name in fields)
