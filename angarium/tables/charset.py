"""Which charset a file is in, by its beginning and some places further on. Pure.

UTF-8 shows itself: text in another charset hardly ever looks like it. All others are guesses, and said to be.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from angarium.tables.model import TableError

# Those in which the octets of ASCII are ASCII, or at least those of line ends are nothing else
READ: Final = (
    *("utf-8", "utf-16-le", "utf-16-be", "ascii"),
    *(f"cp{each}" for each in (*range(1250, 1259), 437, 850, 852, 855, 858, 860, 862, 863)),
    *(f"cp{each}" for each in (865, 866, 869, 874, 932, 949, 950)),
    *(f"iso8859-{each}" for each in (*range(1, 12), 13, 14, 15, 16)),
    *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "mac-greek", "mac-latin2", "tis-620"),
    *("shift_jis", "euc_jp", "gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc_kr"),
)
_GUESSED: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2"),
    *("koi8_r", "mac_roman", "cp850", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
# What is most often met, and taken where nothing speaks for another one
_USUAL: Final = "cp1252"
_GUESS_OCTETS: Final = 32_768
# Of a line, what is no address: ASCII says nothing
_CELL: Final = re.compile(rb"[^,;\t]*[\x80-\xff][^,;\t]*")
# Of two guesses, by how much the chaos may differ that charset-normalizer sees
_ALIKE: Final = 0.05
_ODD: Final = re.compile(r"[lu]U(?=l)|lU|\?(?=[luU])|(?<=[luU])\?")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What such files begin with that are taken for tables, and are none
_OTHERS: Final = (
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"\x1f\x8b", "compressed"),
    (b"%PDF-", "a PDF"),
)
_WIDE_MARKS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class Charset(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # one of ``READ``
    mark_octets: int = 0  # of the byte order mark that the file begins with
    is_sure: bool = True


def check_is_text(beginning: bytes) -> None:
    """Raises TableError for files of some other kinds."""
    for mark, what in _OTHERS:
        if beginning.startswith(mark):
            raise TableError(f"the file is {what}: save it as CSV, in UTF-8")


def read_charset(text: str, beginning: bytes) -> Charset:
    """Return the one that is called so, of a file that begins so. Raises TableError."""
    try:
        name = codecs.lookup(text.strip()).name
    except (LookupError, ValueError):
        name = ""
    if name in ("utf-16", "utf-8-sig"):
        found = _by_mark(beginning)
        if found is not None:
            return found
        name = "utf-8" if name == "utf-8-sig" else _by_nul(beginning) or "utf-16-le"
    if name not in _NAMES:
        raise TableError(
            f"charset {text[:40]!a} is none that tables are read in: save the file as UTF-8",
            field="charset",
        )
    found = _by_mark(beginning)
    return found if found is not None and found.name == name else Charset(name=name)


def find_charset(beginning: bytes, places: Sequence[bytes], *, is_whole: bool) -> Charset:
    """Return what the file is most probably in. ``places``: pieces of it further on, cut anywhere.

    ``is_whole``: the beginning is all of it. Raises TableError for what is no text in any charset read here.
    """
    found = _by_mark(beginning)
    if found is not None:
        return found
    if (wide := _by_nul(beginning)) is not None:
        return Charset(name=wide, is_sure=False)
    lines = [*_lines(beginning, is_cut=not is_whole)]
    for place in places:
        lines.extend(_lines(place, is_cut=True, begins_anywhere=True))
    foreign = [each for each in lines if not each.isascii()]
    others = [each for each in foreign if not _is_utf8(each)]
    if not others:
        return Charset(name="utf-8", is_sure=bool(foreign) or is_whole)
    # Some lines are spoiled: of a file in another charset hardly any is UTF-8 by chance
    if len(others) * 2 <= len(foreign):
        return Charset(name="utf-8", is_sure=False)
    return Charset(
        name=_guess(b"\n".join(_CELL.findall(b"\t".join(others)))[:_GUESS_OCTETS]), is_sure=False
    )


def _by_mark(beginning: bytes) -> Charset | None:
    if beginning.startswith(_WIDE_MARKS):
        raise TableError("the file is in UTF-32, which is not read: save it as UTF-8", line=1)
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return Charset(name=name, mark_octets=len(mark))
    return None


def _by_nul(beginning: bytes) -> str | None:
    """Of UTF-16 without a mark every second octet is NUL, where it is about the Latin alphabet."""
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    half = len(beginning) / 2
    if odd > 0.4 * half and even < odd / 8:
        return "utf-16-le"
    if even > 0.4 * half and odd < even / 8:
        return "utf-16-be"
    return None


def _lines(piece: bytes, *, is_cut: bool, begins_anywhere: bool = False) -> Iterator[bytes]:
    lines = piece.splitlines()
    first = 1 if begins_anywhere else 0
    # One line alone is judged, too, as far as it goes
    last = len(lines) - 1 if is_cut and len(lines) > 1 else len(lines)
    yield from lines[first:last]


def _is_utf8(line: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)  # it may be cut in a character
    except UnicodeDecodeError:
        return False
    return True


def _guess(octets: bytes) -> str:
    from charset_normalizer import from_bytes  # takes long to load, and is rarely asked

    matches = list(from_bytes(octets, cp_isolation=_GUESSED))
    if not matches:
        return _USUAL
    least = min(each.chaos for each in matches) + _ALIKE
    fitting = [each for each in matches if each.chaos <= least]
    odd = min(_oddities(str(each)) for each in fitting)
    found = [each for each in fitting if _oddities(str(each)) == odd]
    if any(_USUAL in each.could_be_from_charset for each in found):
        return _USUAL
    return codecs.lookup(found[0].encoding).name


def _oddities(text: str) -> int:
    """Return how often there is what hardly any text has: signs in the midst of words, capitals in lower case."""
    return len(_ODD.findall("".join(map(_kind, text))))


def _kind(character: str) -> str:
    if character.isascii():
        return "l" if character.islower() else "u" if character.isalpha() else " "
    if not character.isalpha():
        return "?"
    return "U" if character.isupper() else "l"


_NAMES: Final = frozenset(codecs.lookup(each).name for each in READ)
