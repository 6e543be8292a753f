"""The form in which addresses are compared, and the key that a suppression has in its store. Pure.

The domain as lower-case A-labels, the local part unquoted, in NFC and without case. RFC 5321 section 2.4 leaves the
case of a local part to its host; hosts that tell ``Ann`` from ``ann`` are hardly any, and to send to who has complained
because a list writes them otherwise is worse than to keep mail from a namesake.
"""

import functools
import hashlib
import re
import unicodedata
from typing import Final

from angarium.smtp.address import parse_domain, parse_mailbox
from angarium.smtp.refusal import RefusedError

# Ours: LMDB's keys end at 511 octets, and a domain alone may have 255
_LOCAL_OCTETS: Final = 120
_KEPT_OCTETS: Final = 88
_DIGEST_OCTETS: Final = 16
_END: Final = b"\0"
_SHORTENED: Final = b"\1"
_ESCAPED: Final = re.compile(r"\\(.)")


def check_email(text: str) -> str:
    """Return it as it is written. Raises ValueError that says what is wrong with it."""
    try:
        parse_mailbox(text)
    except RefusedError as error:
        raise ValueError(f"{text[:80]!r} is no address: {error.refusal.text}") from None
    return text


def compared_form(address: str) -> str:
    """Return the address as it is compared. Raises ValueError for what has no domain."""
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise ValueError(f"{address[:80]!r} is no address: local-part@domain is expected")
    return f"{_compared_local(local)}@{compared_domain(domain)}"


def compared_domain(domain: str) -> str:
    """Raises ValueError."""
    if domain.isascii():
        return domain.lower()
    try:
        return parse_domain(domain)
    except RefusedError as error:
        raise ValueError(f"{domain[:80]!r} is no domain: {error.refusal.text}") from None


def address_key(address: str) -> bytes:
    """Return what the keys of all suppressions of the address begin with, by domain first. Raises ValueError."""
    local, _, domain = compared_form(address).rpartition("@")
    octets = local.encode()
    if len(octets) > _LOCAL_OCTETS:
        octets = octets[:_KEPT_OCTETS] + _SHORTENED + _digest(octets)
    return domain.encode() + _END + octets + _END


def domain_key(domain: str) -> bytes:
    """Return what the keys of all suppressions of the domain begin with. Raises ValueError."""
    return compared_domain(domain).encode() + _END


def compared_prefix(prefix: str) -> str:
    """Return what the compared forms of addresses that begin so begin with."""
    local, at, domain = prefix.partition("@")
    return f"{_compared_local(local)}{at}{domain.lower()}"


@functools.lru_cache(maxsize=4096)
def scope_key(tenant: str | None, stream: str | None, topic: str | None) -> bytes:
    """Return what the key of a suppression ends in."""
    if tenant is None:
        return b""
    if topic is not None:  # no tenant's name is empty: it is no stream's
        return _digest(f"\0topic\0{tenant}\0{topic}".encode())
    return _digest(f"{tenant}\0{stream or ''}".encode())


def _compared_local(local: str) -> str:
    if local.startswith('"') and local.endswith('"') and len(local) > 1:
        local = _ESCAPED.sub(r"\1", local[1:-1])
    if local.isascii():
        return local.lower()
    folded = unicodedata.normalize("NFC", local).casefold()
    return unicodedata.normalize("NFC", folded)


def _digest(octets: bytes) -> bytes:
    return hashlib.blake2b(octets, digest_size=_DIGEST_OCTETS).digest()
