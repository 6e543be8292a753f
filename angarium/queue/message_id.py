"""Message ids: UUIDv7 (RFC 9562 section 5.7), made and written for people. Pure: clock and randomness are passed in."""

from collections.abc import Callable
from typing import Final

import msgspec

from angarium.queue.model import DeliveryId, MessageId, UnixMs

_COUNTER_LIMIT: Final = 1 << 12  # rand_a, used as a counter (RFC 9562 section 6.2, method 1)
_TIME_LIMIT: Final = 1 << 48
_TEXT_DASHES: Final = (8, 13, 18, 23)
ID_DIGITS: Final = 32
_HEX_DIGITS: Final = frozenset("0123456789abcdef")
# Ours, of an abbreviated id: 24 bits less than its time, some 4 hours of mail
MIN_BEGINNING: Final = 6
# Of a recipient in its envelope: the key has 16 bits, the last value is kept free
MAX_INDEX: Final = 65_534


class MessageIdGenerator:
    """Each id is greater than the one before, in one process: B-tree keys append, and a listing is in order.

    62 bits of each id are random, so that nobody can guess another one's id (C6).
    """

    def __init__(self, clock: Callable[[], UnixMs], random_octets: Callable[[int], bytes]) -> None:
        """``random_octets`` is os.urandom, or a seeded one in tests."""
        self._clock = clock
        self._random_octets = random_octets
        self._last_ms = -1
        self._counter = 0

    def __call__(self) -> MessageId:
        now = self._clock()
        noise = int.from_bytes(self._random_octets(10), "big")
        if now > self._last_ms:  # a clock that was set back does not move ids back
            self._last_ms = now
            self._counter = (noise >> 64) & 0x7FF  # the upper half is left for counting
        else:
            self._counter += 1
            if self._counter == _COUNTER_LIMIT:
                self._last_ms += 1
                self._counter = 0
        high = ((self._last_ms % _TIME_LIMIT) << 16) | 0x7000 | self._counter
        low = (noise & ((1 << 62) - 1)) | (0b10 << 62)
        return MessageId(((high << 64) | low).to_bytes(16, "big"))


def message_id_ms(message_id: bytes) -> UnixMs:
    """Return when the id was made, by its maker's clock."""
    return UnixMs(int.from_bytes(message_id[:6], "big"))


def message_id_text(message_id: bytes) -> str:
    h = message_id.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def delivery_id_text(delivery: DeliveryId) -> str:
    """``<uuid>.<index>``, as people and logs see it."""
    return f"{message_id_text(delivery.message_id)}.{delivery.index}"


def parse_message_id(text: str) -> MessageId:
    """Read what ``message_id_text`` wrote. Raises ValueError."""
    digits = text.replace("-", "")
    dashes = tuple(at for at, char in enumerate(text) if char == "-")
    if len(digits) != 32 or dashes != _TEXT_DASHES or not digits.isascii() or not digits.isalnum():
        raise ValueError(f"not a message id: {text[:80]!r}")
    try:
        return MessageId(bytes.fromhex(digits))
    except ValueError:
        raise ValueError(f"not a message id: {text[:80]!r}") from None


class IdRange(msgspec.Struct, frozen=True, kw_only=True):
    """All message ids that begin alike."""

    first: bytes
    last: bytes

    def __contains__(self, message_id: bytes) -> bool:
        return self.first <= message_id <= self.last


def parse_id_beginning(text: str) -> IdRange:
    """Read the first digits of a message's id, with or without dashes. Raises ValueError."""
    digits = text.replace("-", "").lower()
    is_hex = bool(digits) and set(digits) <= _HEX_DIGITS
    if not is_hex or not MIN_BEGINNING <= len(digits) <= ID_DIGITS:
        raise ValueError(
            f"not a message id, nor the first {MIN_BEGINNING} or more digits of one: {text[:80]!r}"
        )
    return IdRange(
        first=bytes.fromhex(digits.ljust(ID_DIGITS, "0")),
        last=bytes.fromhex(digits.ljust(ID_DIGITS, "f")),
    )


def parse_delivery_id(text: str) -> DeliveryId:
    """Read what ``delivery_id_text`` wrote. Raises ValueError."""
    message, dot, index = text.partition(".")
    if not dot or not index.isascii() or not index.isdecimal() or len(index) > 5:
        raise ValueError(f"not a recipient's id (<uuid>.<index>): {text[:80]!r}")
    if int(index) > MAX_INDEX:
        raise ValueError(f"no recipient has this index: {text[:80]!r}")
    return DeliveryId(parse_message_id(message), int(index))
