"""Text beyond ASCII in header fields (RFC 2047). Pure."""

from binascii import b2a_base64
from collections.abc import Iterator
from typing import Final

# RFC 2047 section 2: of a word with all that frames it, and of a line that has one
MAX_WORD: Final = 75
MAX_LINE: Final = 76
_Q_FRAME: Final = "=?utf-8?q?{}?="
_B_FRAME: Final = "=?utf-8?b?{}?="
_FRAME_LENGTH: Final = len(_Q_FRAME.format(""))
# RFC 2047 section 5 (3): what stands for itself in a phrase too
_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q: Final = tuple(
    chr(each) if each in _SAFE else "_" if each == 0x20 else f"={each:02X}" for each in range(256)
)
# A word of fewer characters says too little to be worth its frame
_LEAST: Final = 8


def encoded_words(text: str, used: int) -> str:
    """Return ``text`` as encoded words, each on a line of its own but the first, which ``used`` characters precede.

    No character is divided (section 5). A text is one string whose words' blanks fall away when it is read.
    """
    octets = text.encode()
    is_short = 2 * sum(each not in _SAFE and each != 0x20 for each in octets) <= len(octets) // 3
    pieces = _q_pieces if is_short else _b_pieces
    return "\r\n ".join(pieces(text, used))


def _room(used: int) -> int:
    return max(min(MAX_WORD, MAX_LINE - used) - _FRAME_LENGTH, _LEAST)


def _q_pieces(text: str, used: int) -> Iterator[str]:
    room, piece, length = _room(used), list[str](), 0
    for character in text:
        coded = "".join([_Q[each] for each in character.encode()])
        if length + len(coded) > room and piece:
            yield _Q_FRAME.format("".join(piece))
            room, piece, length = _room(1), [], 0
        piece.append(coded)
        length += len(coded)
    yield _Q_FRAME.format("".join(piece))


def _b_pieces(text: str, used: int) -> Iterator[str]:
    room, piece = _room(used) // 4 * 3, bytearray()
    for character in text:
        octets = character.encode()
        if len(piece) + len(octets) > room and piece:
            yield _b_word(piece)
            room, piece = _room(1) // 4 * 3, bytearray()
        piece += octets
    yield _b_word(piece)


def _b_word(octets: bytes | bytearray) -> str:
    return _B_FRAME.format(b2a_base64(octets, newline=False).decode("ascii"))
