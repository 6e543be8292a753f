"""Octets to text by the charset that a mail names, whatever it names. Pure."""

import re
from typing import Final

# Not charsets of mail, or with work that is not linear in the text.
_REFUSED: Final = re.compile(
    r"idna|puny|escape|undefined|mbcs|oem|rot|hex|zip|zlib|bz2|base64|uu|quopri"
)
_ALIASES: Final = {
    "": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "uft-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-1": "cp1252",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
}
# Of a surrogate pair: UTF-7 may have one alone, and then it is no text that could be written anywhere
_HALF: Final = re.compile("[\ud800-\udfff]")
_JIS: Final = re.compile(rb"\x1b\$[@B(]|\x1b\([BIJ]")


def decode_as(octets: bytes, charset: str) -> str:
    """Return ``octets`` as text; what the charset does not know is replaced, an unknown charset is guessed."""
    name = charset.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if name == "utf-8":
        return _guessed(octets)
    try:
        if not _REFUSED.search(name):
            return _HALF.sub("\ufffd", octets.decode(name, "replace"))
    except (LookupError, ValueError):
        pass
    return _guessed(octets)


def _guessed(octets: bytes) -> str:
    if b"\x1b" in octets and _JIS.search(octets):
        return octets.decode("iso2022_jp_ext", "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        # One octet cut off, or replaced, in what is else UTF-8
        if error.start > 0 and octets.count(b"\xc3") + octets.count(b"\xe2") > 8:
            return octets.decode("utf-8", "replace")
        return octets.decode("cp1252", "replace")
