"""One person's address, as it is looked for and taken out of what is stored, in all the forms that stores have. Pure.

Addresses are compared as everywhere (``suppression_key``): the domain without case, as A-labels; the local part without
case. ``ann+news@`` is another address than ``ann@``. In texts an address is also known as it is in a URL (``ann%40``),
in a return path that names somebody else (``ann=example.com``), between quotes, and with its domain in Unicode.
"""

import email
import email.policy
import hashlib
import re
import unicodedata
from typing import Any, Final
from urllib.parse import quote

import msgspec

from angarium.queue.suppression_key import compared_form

KEY_OCTETS: Final = 32
_ALIAS_OCTETS: Final = 16
_TOKEN_OCTETS: Final = 8
# Nothing is delivered there (RFC 2606); so what is known by a digest only is an address like any other
ALIAS_DOMAIN: Final = "erased.invalid"
_ALIAS: Final = b"alias"
_TOKEN: Final = b"token"
# What a local part may have before it that would make it another one
_LONGER: Final = r"(?<![\w.%+\-])"
_LONGER_IN_PATH: Final = r"(?<![\w.%\-])"
_GOES_ON: Final = r"(?![A-Za-z0-9\-]|\.[A-Za-z0-9])"
# What of a local part no form writes otherwise: URLs, return paths and quotes leave it, and lower case is the same
_PLAIN: Final = re.compile(r"[a-z0-9._-]+")
_CONTAINERS: Final = (list, tuple, dict)


class Person:
    """Invariant PSN1: what ``out_of`` returns has the address in none of these forms, and all else as it was."""

    def __init__(self, address: str, key: bytes) -> None:
        """``key``: of the installation. Raises ValueError for what is no address."""
        self.address: Final = compared_form(address)
        local, _, domain = self.address.rpartition("@")
        self.domain: Final = domain
        # Stands for the person in what is counted: the same everywhere, and known by nobody who has not the key
        self.token: Final = f"erased-{_mac(key, _TOKEN, self.address, _TOKEN_OCTETS)}@{domain}"
        self.alias: Final = alias_of(self.address, key)
        # What is in every form of it, however it is encoded
        self.needle: Final = max(_PLAIN.findall(local), key=len, default="")
        self._needle, self._token = self.needle.encode(), self.token.encode()
        self._pattern = _pattern(local, domain)

    def may_be_in(self, octets: bytes) -> bool:
        """Say cheaply whether a closer look is worth it. Never False where ``is_in`` is True, unless it is encoded."""
        return not self._needle or self._needle in octets.lower()

    def is_known_in(self, octets: bytes) -> bool:
        """``may_be_in``, or the token is: what it stands for may have come later than its erasure."""
        return self.may_be_in(octets) or self._token in octets

    def is_known_as(self, address: str) -> bool:
        """Say whether it is their address, or the token that stands for it."""
        return address == self.token or self.is_in_text(address)

    def is_in_text(self, text: str) -> bool:
        return self._pattern.search(text) is not None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return where it is in a text: first and last character of each, as slices have them."""
        return [each.span() for each in self._pattern.finditer(text)]

    def is_in_octets(self, octets: bytes) -> bool:
        """Of a text of any charset, as it stands."""
        return self.may_be_in(octets) and self.is_in_text(octets.decode("utf-8", "replace"))

    def is_in_mail(self, mail: bytes) -> bool:
        """Also in parts that are encoded, and in encoded words."""
        if self.is_in_octets(mail):
            return True
        message = email.message_from_bytes(mail, policy=email.policy.compat32)
        for part in message.walk():
            if part.is_multipart():
                continue
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and self.is_in_octets(payload):
                return True
        return False

    def is_in(self, value: Any) -> bool:
        """Of what JSON or MessagePack has: texts, octets, lists and maps of them."""
        match value:
            case str():
                return self.is_in_text(value)
            case bytes():
                return self.out_of_octets(value) != value
            case dict():
                return any(self.is_in(key) or self.is_in(each) for key, each in value.items())
            case list() | tuple():
                return any(map(self.is_in, value))
        return False

    def out_of_text(self, text: str) -> str:
        return self._pattern.sub(lambda _: self.token, text)

    def out_of(self, value: Any) -> Any:
        """Return the same with the token in the address's place (PSN1)."""
        match value:
            case str():
                return self.out_of_text(value)
            case bytes():
                return self.out_of_octets(value)
            case dict():
                return {self.out_of(key): self.out_of(each) for key, each in value.items()}
            case list() | tuple():
                return [self.out_of(each) for each in value]
        return value

    def out_of_octets(self, octets: bytes) -> bytes:
        """Of JSON, of MessagePack, or of a text."""
        if not self.may_be_in(octets):
            return octets
        packed = _unpacked(octets)
        if packed is not None:
            found = self.out_of(packed)
            return octets if found == packed else msgspec.msgpack.encode(found)
        text = octets.decode("utf-8", "surrogateescape")
        return self.out_of_text(text).encode("utf-8", "surrogateescape")


def alias_of(address: str, key: bytes) -> str:
    """Return the address that stands for an erased one where nothing is to be sent to it. ``address``: as compared."""
    return f"{_mac(key, _ALIAS, address, _ALIAS_OCTETS)}@{ALIAS_DOMAIN}"


def _mac(key: bytes, use: bytes, address: str, octets: int) -> str:
    return hashlib.blake2b(address.encode(), key=key, person=use, digest_size=octets).hexdigest()


def _unpacked(octets: bytes) -> Any:
    """Return what MessagePack has, of an array or a map alone; None: it is a text, JSON or else."""
    if not octets or octets[0] < 0x80:
        return None
    try:
        found = msgspec.msgpack.decode(octets)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, _CONTAINERS) else None


def _pattern(local: str, domain: str) -> re.Pattern[str]:
    locals_ = {local, quote(local, safe=""), local.replace("+", "+2B").replace("=", "+3D")}
    quoted = local.replace("\\", "\\\\").replace('"', '\\"')
    domains = {domain, _unicode_domain(domain), quote(_unicode_domain(domain))}
    name = "|".join(sorted(map(re.escape, locals_), key=len, reverse=True))
    place = "|".join(sorted(map(re.escape, domains), key=len, reverse=True))
    spelled = (
        rf"(?:{_LONGER}(?:{name})|\\?\"{re.escape(quoted)}\\?\")(?:@|%40|=40|\\u0040)(?:{place})"
    )
    in_path = rf"{_LONGER_IN_PATH}(?:{name})=(?:{place})"
    return re.compile(rf"(?:{spelled}|{in_path}){_GOES_ON}", re.IGNORECASE)


def _unicode_domain(domain: str) -> str:
    try:
        return unicodedata.normalize("NFC", domain.encode().decode("idna"))
    except UnicodeError:
        return domain
