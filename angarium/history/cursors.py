"""Where a list goes on, as clients hand it back: opaque to them, and read with care. Pure."""

import base64
import binascii
from typing import Final, Literal

import msgspec

from angarium.history.story import CursorError

# Of messages, of a tenant's events, of a message's events, of readers: what is behind one is meant for no other list
List = Literal["m", "e", "i", "r"]
# Ours: what is longer was not made here
_CHARACTERS: Final = 100
_LAST: Final = 2**63 - 1  # what a database's integers hold
_decoder: Final = msgspec.json.Decoder(tuple[str, int, int])


def cursor_text(of: List, first: int, second: int = 0) -> str:
    octets = msgspec.json.encode((of, first, second))
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def read_cursor(of: List, text: str) -> tuple[int, int]:
    """Read what ``cursor_text`` wrote. Raises CursorError."""
    try:
        if len(text) > _CHARACTERS or not text.isascii():
            raise ValueError
        padded = text + "=" * (-len(text) % 4)
        found, first, second = _decoder.decode(base64.b64decode(padded, b"-_", validate=True))
        if found != of or not 0 <= first <= _LAST or not 0 <= second <= _LAST:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise CursorError("not a cursor of this list: pass on what the answer before had") from None
    return first, second
