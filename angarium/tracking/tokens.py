"""Signed tokens in the addresses of a tracked mail. Pure; keys are arguments.

Three kinds, each by a key of its own that is derived from the installation's:

- *who* (60 characters): the copy of a message that one recipient got. No address is in it. The same in all links of a
  copy, so it is made once at the transfer.
- *link*: where a link of a message leads, and which one it is. The same in all copies, so it is made once when the
  message is accepted. Whoever follows it shows both, and they fit together only if they are of one message.
- *leave*: whom the person is who may leave with it, and what. Encrypted (AES-SIV, RFC 5297), since it must say more
  than we remember for as long as it is good.
"""

import hashlib
import hmac
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from angarium.feedback.token_parts import Mac, check_key_numbers, token_octets, token_text
from angarium.queue.model import MessageId, UnixMs
from angarium.tracking.host_proof import HostProof

DAY_S: Final = 86_400
# Of links; and of what one leaves with: a law asks for 30 days at least, and old mails are read
DEFAULT_DAYS: Final = 400
WHO_CHARACTERS: Final = 60
# Ours, of a target: some programs cut off what is longer
TARGET_OCTETS: Final = 2000
# Ours, of what is looked at of an address
LINK_CHARACTERS: Final = 4096
LAST_NUMBER: Final = 0xFFFF  # of a link
_MAC_OCTETS: Final = 18
_NOBODY: Final = 0xFFFF
# Key, message, index of the recipient, Unix time of the transfer, tag of the tenant
_WHO: Final = struct.Struct(">B16sHI4s")
_NUMBER: Final = struct.Struct(">H")
_BOUND_TO: Final = [b"angarium leave 1"]
_SCHEMES: Final = ("http://", "https://")


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Whose copy it was."""

    message_id: MessageId
    index: int | None  # of the recipient; None: nobody is to know
    sent_s: int  # Unix time at which the copy was made
    tenant_tag: bytes  # ``tenant_tag`` of its tenant


class Link(msgspec.Struct, frozen=True, kw_only=True):
    who: Who
    number: int  # of the link in the message, from 0
    target: str  # http or https


class Leaver(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Who may leave, and what. In the token as it stands: fields are only ever appended."""

    message_id: MessageId
    index: int  # -1: not known
    day: int  # the last one on which it is good, since 1970
    tenant: str
    stream: str
    address: str
    campaign: str = ""
    sender_domain: str = ""
    topic: str = ""
    language: str = ""  # of the page, a language tag; "": what the reader's browser asks for


class Refused(msgspec.Struct, frozen=True):
    # malformed: it has not our form; forged: not by a key of ours; expired: ours, made too long ago
    why: Literal["malformed", "forged", "expired"]


class _Key:
    """One key's derived keys: each has one use."""

    __slots__ = ("leave", "link", "who")

    def __init__(self, secret: bytes) -> None:
        derived = Mac(secret)
        self.who = Mac(derived.of(b"angarium tracking who"))
        self.link = Mac(derived.of(b"angarium tracking link"))
        self.leave = AESSIV(derived.of(b"angarium tracking leave"))


class TrackingKeys:
    """Mints by the newest key, and verifies by all.

    Invariants:

    TK1. What is read of a token was minted by one of these keys, for just that, and has not expired.
    TK2. A link leads where the message's author had it lead, and only together with a copy of that message.
    TK3. Comparisons with what somebody may have made up take constant time.
    """

    def __init__(self, secrets: Mapping[int, bytes], days: int = DEFAULT_DAYS) -> None:
        """``secrets``: by key number, the newest last. ``days``: how long tokens are good."""
        check_key_numbers(secrets)
        self._keys = {number: _Key(secret) for number, secret in secrets.items()}
        self._newest = list(secrets)[-1]
        self._newest_octet = bytes((self._newest,))
        # What visitors whom nobody is to know are marked by; of the oldest key, so that a new one changes no mark
        self.host_proof: Final = HostProof(secrets)
        self.veil: Final = Mac(secrets[min(secrets)]).of(b"angarium tracking veil")
        self._days = days

    def who(self, message_id: MessageId, index: int | None, tenant: str, now: UnixMs) -> str:
        """Return ``WHO_CHARACTERS`` of A-Z, a-z, 0-9, ``-`` and ``_``. ``index`` None: it says of nobody."""
        body = _WHO.pack(
            self._newest,
            message_id,
            _NOBODY if index is None else index,
            now // 1000,
            tenant_tag(tenant),
        )
        return token_text(body + self._keys[self._newest].who.of(body)[:_MAC_OCTETS])

    def link(self, message_id: MessageId, tenant: str, number: int, target: str) -> str:
        """Return the token of a link: characters as of ``who``, a third more than the target has, and thirty.

        Raises ValueError: the target is not of http or https, or too long.
        """
        octets = target.encode()
        if not target[:8].lower().startswith(_SCHEMES) or len(octets) > TARGET_OCTETS:  # P2
            raise ValueError(f"{target[:80]!r} is no address of the web that can be followed")
        body = _NUMBER.pack(number) + octets
        mac = self._keys[self._newest].link.of(message_id + tenant_tag(tenant) + body)
        return token_text(self._newest_octet + mac[:_MAC_OCTETS] + body)

    def leave(self, leaver: Leaver) -> str:
        """Return the token of one who may leave: characters as of ``who``."""
        sealed = self._keys[self._newest].leave.encrypt(_encode(leaver), _BOUND_TO)
        return token_text(bytes((self._newest,)) + sealed)

    def last_day(self, now: UnixMs) -> int:
        """Return the last day of a leaver's token that is made now."""
        return now // 1000 // DAY_S + self._days

    def read_who(self, text: str, now: UnixMs) -> Who | Refused:
        """Read whatever the text is."""
        octets = token_octets(text) if len(text) == WHO_CHARACTERS else None
        if octets is None:
            return Refused("malformed")
        body, mac = octets[: _WHO.size], octets[_WHO.size :]
        key_id, message_id, index, sent_s, tag = _WHO.unpack(body)
        key = self._keys.get(key_id)
        if key is None or not hmac.compare_digest(key.who.of(body)[:_MAC_OCTETS], mac):  # TK1, TK3
            return Refused("forged")  # P3
        if now // 1000 > sent_s + self._days * DAY_S:
            return Refused("expired")
        return Who(
            message_id=MessageId(message_id),
            index=None if index == _NOBODY else index,
            sent_s=sent_s,
            tenant_tag=tag,
        )

    def read_link(self, who_text: str, link_text: str, now: UnixMs) -> Link | Refused:
        """Read whatever the texts are."""
        who = self.read_who(who_text, now)
        if isinstance(who, Refused):
            return who
        octets = token_octets(link_text) if len(link_text) <= LINK_CHARACTERS else None
        if octets is None or len(octets) < 1 + _MAC_OCTETS + _NUMBER.size:
            return Refused("malformed")
        key_id, mac, body = octets[0], octets[1 : 1 + _MAC_OCTETS], octets[1 + _MAC_OCTETS :]
        key = self._keys.get(key_id)
        if key is None:
            return Refused("forged")
        expected = key.link.of(who.message_id + who.tenant_tag + body)[:_MAC_OCTETS]
        if not hmac.compare_digest(expected, mac):  # TK2, TK3
            return Refused("forged")
        number = _NUMBER.unpack_from(body)[0]
        return Link(who=who, number=number, target=body[_NUMBER.size :].decode())

    def read_leave(self, text: str, now: UnixMs) -> Leaver | Refused:
        """Read whatever the text is."""
        octets = token_octets(text) if len(text) <= LINK_CHARACTERS else None
        if not octets:
            return Refused("malformed")
        key = self._keys.get(octets[0])
        if key is None:
            return Refused("forged")
        try:
            leaver = _decode(key.leave.decrypt(octets[1:], _BOUND_TO))  # TK1, TK3
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return Refused("forged")
        return Refused("expired") if now // 1000 // DAY_S > leaver.day else leaver


@lru_cache(maxsize=4096)
def tenant_tag(tenant: str) -> bytes:
    """Return four octets that stand for the tenant: who has its name knows whose they are."""
    return hashlib.sha256(f"tracking\0{tenant}".encode()).digest()[:4]


def target_of(link_text: str) -> str | None:
    """Return where a link's token leads, unverified: for those that nobody else can have written. None: it is none."""
    octets = token_octets(link_text) if len(link_text) <= LINK_CHARACTERS else None
    if octets is None or len(octets) < 1 + _MAC_OCTETS + _NUMBER.size:
        return None
    return octets[1 + _MAC_OCTETS + _NUMBER.size :].decode("utf-8", "replace")


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Leaver).decode
