"""Addresses in texts and report fields (RFC 5321 section 4.1.2, RFC 3461 section 4, RFC 6533). Pure."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

# C4: ours; a text with more is no notice about our mail
MAX_ADDRESSES: Final = 200
# RFC 5321 section 4.5.3.1 has 64 and 255; some are longer
MAX_LOCAL: Final = 128
MAX_ADDRESS: Final = 384
# RFC 5322 section 3.2.3, and letters of all scripts (RFC 6531)
_LOCAL_MARKS: Final = frozenset(".!#$%&'*+/=?^`{|}~-_")
_DOMAIN: Final = re.compile(r"\[[0-9A-Fa-f.:IPv]{2,60}\]|[\w](?:[\w.-]{0,250}\w)?")
_ROUTE: Final = re.compile(r"@[^\s:@]{1,255}(?:,@[^\s:@]{1,255})*:")
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_UNITEXT: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
# What an encoder must have written: the plus, the equals sign, and what is not printable ASCII (RFC 3461 section 4)
_SURE_XTEXT: Final = re.compile(r"\+(?:2B|3D|[01][0-9A-F]|20|7F|[89A-F][0-9A-F])")
_NOT_PLAIN: Final = re.compile(r"[\s<>;,@]")
_TYPE: Final = re.compile(r"\s*[A-Za-z][\w-]{1,30}\s*;\s*")


class LocatedAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address in a text, and where it stands; brackets are not part of it."""

    address: str
    start: int
    end: int


def find_addresses(text: str) -> Iterator[LocatedAddress]:
    """Yield the addresses in ``text``: with a domain of two labels or more, or a literal."""
    position, count = 0, 0
    while (at := text.find("@", position)) >= 0 and count < MAX_ADDRESSES:
        found = _around(text, at, position)
        position = at + 1
        if found is not None:
            count += 1
            position = found.end
            yield found


def _around(text: str, at: int, first: int) -> LocatedAddress | None:
    """Return the address whose sign stands at ``at``; it does not begin before ``first``."""
    domain = _DOMAIN.match(text, at + 1)
    if domain is None or not ("." in domain[0] or domain[0].startswith("[")) or ".." in domain[0]:
        return None
    first = max(first, at - MAX_LOCAL)
    if text[at - 1 : at] == '"':
        opening = text.rfind('"', first, at - 1)
        local = text[opening:at] if first <= opening < at - 2 else ""
    else:
        start = at
        while start > first and (text[start - 1].isalnum() or text[start - 1] in _LOCAL_MARKS):
            start -= 1
        local = text[start:at]
        if not local.startswith("=?"):
            local = local.lstrip("'`.=/*!?|-")
    if not local or not local.isprintable():
        return None
    return LocatedAddress(address=f"{local}@{domain[0]}", start=at - len(local), end=domain.end())


def first_address(text: str) -> str:
    """Return the first address of ``text``, one in angle brackets before others; "" without one."""
    bracketed = re.search(r"<([^<>\s]{1,320})>", text)
    if bracketed is not None:
        for found in find_addresses(_ROUTE.sub("", bracketed[1])):
            return found.address
    return next((found.address for found in find_addresses(text)), "")


def addresses_of(value: str) -> list[str]:
    """Return the addresses of an address field, in order, each once."""
    return list(dict.fromkeys(found.address for found in find_addresses(value)))


def reported_address(value: str) -> str:
    """Return the address of a field such as Final-Recipient ("rfc822; joe@example.org"); "" where it has none."""
    kind = _TYPE.match(value)
    text = value[kind.end() :] if kind else value
    text = text.strip().strip("<>").strip()
    if "\\x{" in text:
        text = _UNITEXT.sub(_character, text)
    if ("@" not in text and "+40" in text) or _SURE_XTEXT.search(text):
        text = _of_xtext(text)
    if text.startswith("@") and (route := _ROUTE.match(text)):
        text = text[route.end() :]
    return _whole_address(text) or next((found.address for found in find_addresses(text)), "")


def _whole_address(text: str) -> str:
    """Return the address that a field's value is, but for brackets and what follows a blank; "" where it is none.

    Only here may it have a domain of one label, or begin with what in words would be punctuation.
    """
    words = text.split(None, 1)
    if not words or text.startswith('"'):
        return ""
    local, at, domain = words[0].strip("<>()[],;").rpartition("@")
    address = f"{local}@{domain}"
    is_plain = at and local and domain and not _NOT_PLAIN.search(local + domain)
    return address if is_plain and len(address) <= MAX_ADDRESS and address.isprintable() else ""


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if 0x20 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _of_xtext(text: str) -> str:
    """Decode xtext (RFC 3461 section 4); UTF-8 in it, too (RFC 6533 section 3)."""
    if not text.isascii():
        return text
    octets = _XTEXT.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1")
    try:
        decoded = octets.decode("utf-8")
    except UnicodeDecodeError:
        return text
    return text if any(each < " " for each in decoded) else decoded
