"""A part's octets as characters that can be searched, and back again to just these octets. Pure.

Most charsets have ASCII's octets for ASCII's characters and nothing else: of them each octet is taken as one character
(ISO 8859-1), so that even what is no valid text comes back as it was. Others are decoded.
"""

import codecs
import re
from typing import Final

import msgspec

# By Python's names
_OCTETS: Final = re.compile(
    r"utf-8|ascii|iso8859-\d+|cp(?:125\d|437|737|775|85\d|86\d|874|1006)|koi8-[rut]|mac-(?!arabic|farsi).+|tis-620"
    r"|gb2312|euc_\w+|hp-roman8|kz1048|ptcp154"
)
# Octets of ASCII can be a part of other characters
_DECODED: Final = re.compile(
    r"shift_jis\w*|cp932|cp949|cp950|gbk|gb18030|big5\w*|johab|iso2022_\w+"
)


class Characters(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    codec: str  # of the text
    charset: str  # of what people read; Python's name

    def meaning(self, piece: str) -> str | None:
        """Return what people read of a piece of the text; None: it is none of its charset."""
        if piece.isascii() or self.codec == self.charset:
            return piece
        try:
            return piece.encode(self.codec).decode(self.charset)
        except UnicodeDecodeError:
            return None

    def words(self, piece: str) -> str:
        """Return what people read of a piece that may begin or end within a character."""
        if piece.isascii() or self.codec == self.charset:
            return piece
        return piece.encode(self.codec).decode(self.charset, "replace")


def characters(octets: bytes, charset: str) -> Characters | None:
    """None: the charset (empty: none is given) is not known, or the octets are none of it and could not come back."""
    try:
        name = codecs.lookup(charset or "ascii").name
    except (LookupError, ValueError):
        return None
    if _OCTETS.fullmatch(name):
        # What should be ASCII and is not was mostly meant to be UTF-8
        real = "utf-8" if name == "ascii" else name
        return Characters(text=octets.decode("latin-1"), codec="latin-1", charset=real)
    if not _DECODED.fullmatch(name):
        return None
    try:
        text = octets.decode(name)
        if text.encode(name) != octets:
            return None
    except UnicodeError:
        return None
    return Characters(text=text, codec=name, charset=name)
