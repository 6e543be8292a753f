"""Which addresses are counted when they are followed, and where they lead. Pure."""

import re
from typing import Final
from urllib.parse import quote

import idna
import msgspec

from angarium.content.checking.web_address import read_address
from angarium.tracking.tokens import TARGET_OCTETS

# What most are, of which nothing has to be written otherwise
_USUAL: Final = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
    r"(?:[/?#][!#-;=?-\[\]_a-z~]*)?"
)
_WEB: Final = re.compile(r"(https?)://([^/?#\\]*)(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_LEFT_OUT: Final = re.compile(r"[\t\r\n]")  # by browsers
_AROUND: Final = "".join(map(chr, range(0x21)))
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~-._"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A link, and where its address stands."""

    start: int
    stop: int
    is_quoted: bool
    target: str


def target_of_address(written: str) -> str | None:
    """Return where an address of the web leads, in ASCII; None: it is none that can be followed, or too long."""
    if len(written) > TARGET_OCTETS:
        return None
    target = written if _USUAL.fullmatch(written) else _in_ascii(written)
    return target if target is not None and len(target) <= TARGET_OCTETS else None


def _in_ascii(written: str) -> str | None:
    text = _LEFT_OUT.sub("", written.strip(_AROUND))
    found = _WEB.fullmatch(text)
    if found is None or read_address(text).kind != "web":
        return None
    user, at, place = found[2].rpartition("@")
    if not place.isascii():
        name, colon, port = place.partition(":")
        try:
            place = idna.encode(name, uts46=True).decode("ascii") + colon + port
        except (idna.IDNAError, UnicodeError):
            return None
    try:
        return f"{found[1]}://{quote(user, safe=_KEPT)}{at}{place}{quote(found[3], safe=_KEPT)}"
    except UnicodeEncodeError:  # half of a character
        return None


class Left:
    """The addresses that are left alone: those that lead to us already, and those in the header's List-Unsubscribe."""

    def __init__(self, base_url: str, way_out: frozenset[str]) -> None:
        self._base = base_url.lower()
        self._way_out = way_out

    def has(self, target: str) -> bool:
        if target in self._way_out:
            return True
        end = len(self._base)
        return target[:end].lower() == self._base and target[end : end + 1] in ("", "/", "?", "#")
