"""Signed references to mail that we sent: what makes a report that comes back ours (A6). Pure; keys are arguments.

A reference has two forms. The local part of a return path is short and is read without regard to case: base32, 63
characters, authenticated. The token in header fields has no such limits, so it carries all that is known of the
message without a look-up, encrypted (AES-SIV, RFC 5297), since other people read header fields.
"""

import binascii
import hashlib
import hmac
import struct
from base64 import b32decode, b32encode
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from angarium.feedback.token_parts import Mac, check_key_numbers, token_octets, token_text
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.suppression_key import compared_form

DAY_MS: Final = 86_400_000
KEY_OCTETS: Final = 32
# Of the short form: RFC 5321 section 4.5.3.1.1 has room for 64
SHORT_CHARACTERS: Final = 63
# Ours: header lines end at 998 octets (RFC 5322 section 2.1.1), and no name is cut
LONG_CHARACTERS: Final = 950
_PREFIX: Final = "ar1."
_PURPOSE_BIT: Final = 0x80
_WHOLE: Final = 0xFFFF
_MAC_OCTETS: Final = 10
_CHECK_OCTETS: Final = 4
# Purpose and key, message, index, day of expiry, check of the address, lane
_SHORT: Final = struct.Struct(">B16sHH4s4s")
_NO_CHECK: Final = bytes(_CHECK_OCTETS)
# Whoever reads an old mail may still leave; a law asks for 30 days at least
UNSUBSCRIBE_DAYS: Final = 400
_BOUND_TO: Final = [b"angarium reference 1"]
_SPACES: Final = str.maketrans("", "", " \t\r\n")


class Purpose(IntEnum):
    """What somebody who has the reference may have us believe. In the token as it stands."""

    REPORT = 0  # a bounce or a complaint
    UNSUBSCRIBE = 1


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a reference names. Texts are "" where the short form has no room for them."""

    purpose: Purpose = Purpose.REPORT
    key_id: int
    message_id: MessageId
    index: int | None  # of the one recipient; None: all of the message's
    day: int  # the last one on which it is believed, since 1970
    check: bytes  # of the recipient's address, see ``ReferenceKeys.fits``; zeros: of nobody's
    lane: bytes  # ``lane_of`` its tenant and stream
    tenant: str = ""
    stream: str = ""
    campaign: str = ""
    address: str = ""
    sender_domain: str = ""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be referred to."""

    message_id: MessageId
    index: int | None
    address: str  # of the one recipient; "": several
    tenant: str
    stream: str
    campaign: str = ""
    sender_domain: str = ""
    topic: str = ""  # in no reference: for whoever says how to leave, as the next
    language: str = ""


class Valid(msgspec.Struct, frozen=True):
    reference: Reference


class Expired(msgspec.Struct, frozen=True):
    """We made it, too long ago."""

    reference: Reference


class Forged(msgspec.Struct, frozen=True):
    """It has our form, and is not by the key that it names."""


class UnknownKey(msgspec.Struct, frozen=True):
    """It has our form. Somebody made it up, or the key is gone."""

    key_id: int


class NotOurs(msgspec.Struct, frozen=True):
    """It is no reference of ours at all."""


Verified = Valid | Expired | Forged | UnknownKey | NotOurs


class _Key:
    """One key's derived keys: each has one use."""

    __slots__ = ("check", "mac", "siv")

    def __init__(self, secret: bytes) -> None:
        derived = Mac(secret)
        self.mac = Mac(derived.of(b"angarium return path"))
        self.check = Mac(derived.of(b"angarium address check"))
        self.siv = AESSIV(derived.of(b"angarium header token"))


class ReferenceKeys:
    """Mints by the newest key, and verifies by all.

    Invariants:

    RK1. What ``verify`` calls valid was minted by one of these keys, for what it now says, and has not expired.
    RK2. Comparisons with what somebody may have made up take constant time.
    """

    def __init__(self, secrets: Mapping[int, bytes], days: int) -> None:
        """``secrets``: by key number, the newest last. ``days``: how long a reference is believed."""
        check_key_numbers(secrets)
        self._keys = {number: _Key(secret) for number, secret in secrets.items()}
        self._newest = list(secrets)[-1]
        self._days = days

    def local_part(self, subject: Subject, now: UnixMs, purpose: Purpose = Purpose.REPORT) -> str:
        """Return the short form, ``SHORT_CHARACTERS`` of a-z and 2-7: for a day the same one."""
        key = self._keys[self._newest]
        body = _SHORT.pack(
            purpose * _PURPOSE_BIT | self._newest,
            subject.message_id,
            _WHOLE if subject.index is None else subject.index,
            now // DAY_MS + self._days_of(purpose),
            _check(key, subject.address),
            lane_of(subject.tenant, subject.stream),
        )
        octets = body + key.mac.of(body)[:_MAC_OCTETS]
        return b32encode(octets).decode("ascii").rstrip("=").lower()

    def _days_of(self, purpose: Purpose) -> int:
        return max(self._days, UNSUBSCRIBE_DAYS) if purpose is Purpose.UNSUBSCRIBE else self._days

    def token(self, subject: Subject, now: UnixMs) -> str:
        """Return the long form: at most ``LONG_CHARACTERS`` without blanks.

        What nobody needs to believe a report, campaign and sender domain, is left out if it would be longer.
        """
        sealed = self._seal(subject, now)
        if len(sealed) > LONG_CHARACTERS:
            bare = msgspec.structs.replace(subject, campaign="", sender_domain="")
            sealed = self._seal(bare, now)
        return sealed

    def _seal(self, subject: Subject, now: UnixMs) -> str:
        plain = _encode(
            (
                subject.message_id,
                -1 if subject.index is None else subject.index,
                now // DAY_MS + self._days,
                subject.tenant,
                subject.stream,
                subject.campaign,
                subject.address,
                subject.sender_domain,
            )
        )
        sealed = self._keys[self._newest].siv.encrypt(plain, _BOUND_TO)
        octets = bytes((self._newest,)) + sealed
        return _PREFIX + token_text(octets)

    def verify(self, text: str, now: UnixMs) -> Verified:
        """Read either form, whatever the text is."""
        text = text[: 2 * LONG_CHARACTERS].translate(_SPACES)
        if text.startswith(_PREFIX):
            found = self._open(text[len(_PREFIX) :])
        elif len(text) == SHORT_CHARACTERS:
            found = self._read(text)
        else:
            return NotOurs()
        if not isinstance(found, Reference):
            return found
        return Expired(found) if now // DAY_MS > found.day else Valid(found)  # RK1

    def fits(self, reference: Reference, address: str) -> bool:
        """Whether the address is the one recipient's that a verified reference is for."""
        check = _check(self._keys[reference.key_id], address)
        return hmac.compare_digest(check, reference.check) and check != _NO_CHECK  # RK2

    def _read(self, text: str) -> Reference | Forged | UnknownKey | NotOurs:
        try:
            octets = b32decode(text.upper() + "=")
        except (binascii.Error, ValueError):
            return NotOurs()
        body, mac = octets[:-_MAC_OCTETS], octets[-_MAC_OCTETS:]
        first, message_id, index, day, check, lane = _SHORT.unpack(body)
        key_id = first & ~_PURPOSE_BIT
        if (key := self._keys.get(key_id)) is None:
            return UnknownKey(key_id)
        expected = key.mac.of(body)[:_MAC_OCTETS]
        # The last character has bits that no octet has: whoever changed them has not our token
        is_whole = b32encode(octets).decode("ascii").rstrip("=") == text.upper()
        if not hmac.compare_digest(mac, expected) or not is_whole:  # RK1, RK2
            return Forged()
        return Reference(
            purpose=Purpose(first >> 7),
            key_id=key_id,
            message_id=MessageId(message_id),
            index=None if index == _WHOLE else index,
            day=day,
            check=check,
            lane=lane,
        )

    def _open(self, text: str) -> Reference | Forged | UnknownKey | NotOurs:
        octets = token_octets(text)
        if not octets:
            return NotOurs()
        key_id = octets[0]
        if (key := self._keys.get(key_id)) is None:
            return UnknownKey(key_id)
        try:
            fields = _decode(key.siv.decrypt(octets[1:], _BOUND_TO))  # RK1, RK2
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return Forged()
        message_id, index, day, tenant, stream, campaign, address, sender_domain = fields
        return Reference(
            key_id=key_id,
            message_id=MessageId(message_id),
            index=None if index < 0 else index,
            day=day,
            check=_check(key, address),
            lane=lane_of(tenant, stream),
            tenant=tenant,
            stream=stream,
            campaign=campaign,
            address=address,
            sender_domain=sender_domain,
        )


@lru_cache(maxsize=4096)
def lane_of(tenant: str, stream: str) -> bytes:
    """Return the tag of a tenant's stream: who has both names knows whose tag it is."""
    return hashlib.sha256(f"{tenant}\0{stream}".encode()).digest()[:4]


def _check(key: _Key, address: str) -> bytes:
    if not address:
        return _NO_CHECK
    try:
        compared = compared_form(address)
    except ValueError:
        return _NO_CHECK
    return key.check.of(compared.encode())[:_CHECK_OCTETS]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[bytes, int, int, str, str, str, str, str]).decode
