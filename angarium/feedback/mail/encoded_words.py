"""Encoded words of header fields (RFC 2047), decoded. Pure."""

import binascii
import re
from typing import Final

from angarium.feedback.mail.charset import decode_as

# C2: ours; RFC 2047 section 2 has 75 characters each, and real subjects have some dozen
MAX_WORDS: Final = 100
_WORD: Final = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?\r\n]{0,2000})\?=")
_BETWEEN: Final = re.compile(r"(\?=)[ \t]+(?==\?)")


def decode_words(value: str) -> str:
    """Return ``value`` with its encoded words as text; one that cannot be read stays as it is."""
    if "=?" not in value:
        return value
    return _WORD.sub(_decoded, _BETWEEN.sub(r"\1", value), count=MAX_WORDS)


def _decoded(word: re.Match[str]) -> str:
    octets = word[3].encode("utf-8", "replace")
    try:
        is_base64 = word[2] in "bB"
        octets = (
            binascii.a2b_base64(octets + b"==")
            if is_base64
            else binascii.a2b_qp(octets, header=True)
        )
    except (ValueError, binascii.Error):
        return word[0]
    return decode_as(octets, word[1])
