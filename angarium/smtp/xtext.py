"""xtext of DSN parameters (RFC 3461 section 4), decoded to printable ASCII only: it goes into header fields (S10)."""

import re
from typing import Final

from angarium.smtp.refusal import RefusedError

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEX: Final = re.compile(r"\+([0-9A-F]{2})")


def decode_xtext(text: str, name: str) -> str:
    """Return what the xtext stands for. Raises RefusedError 501 5.5.4 if that is more than printable ASCII."""
    if not _XTEXT.fullmatch(text):
        raise RefusedError(501, "5.5.4", f"{name} is not xtext")
    decoded = _HEX.sub(lambda match: chr(int(match[1], 16)), text)
    if not (decoded.isascii() and decoded.isprintable()):  # no CR LF behind "+0D+0A"
        raise RefusedError(501, "5.5.4", f"{name} has other than printable ASCII characters")
    return decoded


def find_utf8(text: str) -> str | None:
    """Return what the xtext stands for if that is printable UTF-8 text beyond ASCII, else None."""
    if "+" not in text or not _XTEXT.fullmatch(text):
        return None
    octets = _HEX.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1")
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        return None
    return decoded if decoded.isprintable() and not decoded.isascii() else None
