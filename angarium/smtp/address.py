"""Addresses and paths of SMTP commands (RFC 5321 section 4.1.2, RFC 6531 section 3.3), parsed by one strict grammar.

What is accepted is written back as it came, but for a domain with non-ASCII letters, which becomes its A-labels; so
the parser that checks an address and the one that reads what we send cannot differ (A3).

Knows nothing of who may send to whom.
"""

import functools
import ipaddress
import re
from typing import Final

import idna
import msgspec

from angarium.smtp.refusal import RefusedError

# Ours: RFC 5321 section 4.5.3.1.1 says that 64 must do and more should, and SRS and VERP need more. A path has no
# limit of its own besides this and the domain's.
LOCAL_PART_OCTETS: Final = 256
DOMAIN_OCTETS: Final = 255  # RFC 5321 section 4.5.3.1.2

_CACHED: Final = 4096  # ours
_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-"
_DOT_STRING: Final = rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*"
_QUOTED: Final = r'"(?:[^"\\]|\\[ -~])*"'  # what is not printable has been refused before
_MAILBOX: Final = re.compile(rf"({_DOT_STRING}|{_QUOTED})@(.*)")
# With underscores, which no host name has (RFC 952), but names in the DNS and machines that send mail do.
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)*(?!\d+$){_LABEL}")  # 1.2.3.4 is not a domain
_PATH: Final = re.compile(r'<((?:[^"<>]|"(?:[^"\\]|\\.)*")*)>(?= |$)')
_BARE_PATH: Final = re.compile(r'[^ "<>@]+@[^ "<>@]+(?= |$)')
_ROUTED: Final = re.compile(r"[%!@]")


class AddressSyntaxError(RefusedError):
    """It is no address of this grammar, with the reply that says so."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A mailbox: ``text`` is ``local_part@domain``, with the domain's case as given."""

    text: str
    local_part: str  # as given, with its quotes
    domain: str  # lower-case A-labels, or an address literal with its brackets


def split_path(argument: str) -> tuple[str, str]:
    """Split ``<path> parameters`` into what is between the brackets, and the rest without leading blanks.

    Appliances leave the brackets out: an address that has no blank or quote, and one @, is taken without them. A final
    dot of its domain, which changes no name, is dropped.
    """
    match = _PATH.match(argument)
    path = match[1] if match is not None else ""
    if match is None and (match := _BARE_PATH.match(argument)) is not None:
        path = match[0]
    if match is None:
        raise AddressSyntaxError(
            501, "5.5.2", "Syntax error: an address in angle brackets is expected"
        )
    if path.endswith(".") and "@" in path and not path.endswith("]."):
        path = path[:-1]
    return path, argument[match.end() :].strip(" ")


@functools.lru_cache(maxsize=_CACHED)  # of pure values: senders repeat theirs
def parse_mailbox(text: str, *, smtputf8: bool = True) -> Address:
    """Parse ``local-part@domain``, without angle brackets.

    ``smtputf8``: whether the sender asked for it (RFC 6531 section 3.4); without it, non-ASCII is 553 5.6.7.
    Raises AddressSyntaxError: 501 5.1.3 for bad syntax, 550 5.7.1 for a source route (A1).
    """
    # NUL, CR, LF, DEL, U+0080 to U+009F, and what only looks like a blank: S8.
    if not text.isprintable():
        raise AddressSyntaxError(501, "5.1.3", "Bad address: control or invisible character")
    ascii_only = text.isascii()
    if not (ascii_only or smtputf8):
        raise AddressSyntaxError(553, "5.6.7", "Non-ASCII address: MAIL must ask for SMTPUTF8")
    if text.startswith("@"):
        raise AddressSyntaxError(
            550, "5.7.1", "Source routes are not supported; give the mailbox alone"
        )
    match = _MAILBOX.fullmatch(text)
    if match is None:
        raise AddressSyntaxError(501, "5.1.3", "Bad address syntax: local-part@domain is expected")
    local_part, written = match.groups()
    octets = len(local_part) if ascii_only else len(local_part.encode())
    if octets > LOCAL_PART_OCTETS:
        raise AddressSyntaxError(501, "5.1.3", f"Local part over {LOCAL_PART_OCTETS} octets")
    domain = parse_domain(written)
    if not written.isascii():
        text = f"{local_part}@{domain}"
    return Address(text=text, local_part=local_part, domain=domain)


@functools.lru_cache(maxsize=_CACHED)
def parse_domain(text: str) -> str:
    """Return the domain as lower-case A-labels, or the address literal as given. Raises AddressSyntaxError."""
    if text.startswith("["):
        if not is_address_literal(text):
            raise AddressSyntaxError(501, "5.1.3", "Bad address literal")
        return text
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True, std3_rules=True).decode("ascii")  # A4
        except (idna.IDNAError, UnicodeError):
            # Of labels that IDNA 2008 forbids, or over-long ones.
            raise AddressSyntaxError(501, "5.1.3", "Bad domain: not a name by IDNA 2008") from None
    if len(text) > DOMAIN_OCTETS or not _DOMAIN.fullmatch(text):
        raise AddressSyntaxError(501, "5.1.3", "Bad domain syntax")
    return text.lower()


def is_address_literal(text: str) -> bool:
    """Whether it is ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 section 4.1.3)."""
    if not (text.startswith("[") and text.endswith("]")):
        return False
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            return ipaddress.IPv6Address(inner[5:]).scope_id is None
        ipaddress.IPv4Address(inner)
    except ValueError:
        return False
    return True


def is_routed(address: Address) -> bool:
    """Whether the local part asks another host to route on: ``a%b``, ``b!a``, ``"a@b"`` (A1)."""
    return _ROUTED.search(address.local_part) is not None
