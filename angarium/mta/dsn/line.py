"""Lines that hostile text cannot break out of (S11, C1): cleaned, folded, bounded."""

import textwrap
from collections.abc import Sequence
from typing import Final

FOLD_AT: Final = 76  # RFC 5322 section 2.1.1 asks for 78
MAX_LINE: Final = 998  # RFC 5322 section 2.1.1, without CRLF
MAX_VALUE_OCTETS: Final = 900  # ours: not folded, so it must fit a line; paths, ENVID and ORCPT do
MAX_TEXT: Final = 2000  # ours: of a reply; an Attempt holds 1,000


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Return one printable line: blanks and line ends become single blanks, what cannot be seen becomes "?"."""
    words = " ".join(text[:limit].split())
    return "".join(each if each.isprintable() else "?" for each in words)


def clean_ascii(text: str, limit: int = MAX_TEXT) -> str:
    """``clean``, with letters beyond ASCII written as escapes."""
    return clean(text, limit).encode("ascii", "backslashreplace").decode("ascii")


def clean_value(text: str) -> str:
    """Return a value that stands for itself, such as an address: blanks are kept, its octets are bounded."""
    printable = "".join(each if each.isprintable() else "?" for each in text[:MAX_VALUE_OCTETS])
    return printable.encode()[:MAX_VALUE_OCTETS].decode(errors="ignore")


def clean_ascii_value(text: str) -> str:
    """``clean_value`` of what is ASCII by its RFC: anything else becomes "?"."""
    return clean_value(text).encode("ascii", "replace").decode("ascii")


def field(name: str, value: str) -> str:
    """Return a header field with its CRLF, folded at blanks; ``value`` is clean."""
    line = f"{name}: {value}"
    if len(line) <= FOLD_AT:
        return line + "\r\n"
    return "\r\n ".join(wrap(line, FOLD_AT)) + "\r\n"


def unfolded_field(name: str, value: str) -> str:
    """Return a header field in one line, for values that folding would change; ``value`` is clean."""
    return f"{name}: {value}\r\n"


def wrap(text: str, width: int, indent: str = "") -> Sequence[str]:
    """Return lines of at most ``width``, blanks dropped at the cuts; a longer word is cut."""
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
