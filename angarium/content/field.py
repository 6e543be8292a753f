"""Header fields, written: unstructured text, mailboxes, parameters; folded, and never more than one field. Pure.

Whatever has a CR, LF or NUL is refused (C1), and so is what no reader could read back.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from angarium.content.encoded_word import encoded_words
from angarium.content.letter import LetterError, Mailbox

LINE: Final = 78  # RFC 5322 section 2.1.1: should; and must:
HARD_LINE: Final = 998
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAME: Final = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 section 3.6.8
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# Of a name or file name; what is longer is encoded, and so can be folded
_QUOTED_LENGTH: Final = 60
_ATTR: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
)
_PIECE: Final = 54  # characters of a parameter's piece (RFC 2231 section 3)


def check_name(field: str, name: str) -> None:
    """Raises LetterError."""
    if _NAME.fullmatch(name) is None:
        raise LetterError(field, "is no field name: letters, digits and hyphens, at most 76")


def check_text(field: str, text: str) -> None:
    """Raises LetterError."""
    found = _CONTROLS.search(text)
    if found is not None:
        raise LetterError(field, f"has the control character {found[0]!a}: take it out")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise LetterError(field, "has half of a surrogate pair: it is no text") from None


def text_field(name: str, value: str, field: str) -> str:
    """Return ``name: value`` with its CRLF (RFC 5322 section 2.2.1). Raises LetterError."""
    check_text(field, value)
    if len(name) + 2 + len(value) <= LINE and _is_plain(value):
        return f"{name}: {value}\r\n"
    if _is_plain(value) and (folded := _folded(name, value)) is not None:
        return folded
    return f"{name}: {encoded_words(value, len(name) + 2)}\r\n"


def mailboxes_field(name: str, mailboxes: Sequence[Mailbox], field: str) -> str:
    """Return ``name: mailboxes`` with its CRLF (RFC 5322 section 3.4). Raises LetterError."""
    lines: list[str] = []
    line = f"{name}:"
    for index, mailbox in enumerate(mailboxes):
        at = f"{field}[{index}]" if len(mailboxes) > 1 else field
        end = "," if index < len(mailboxes) - 1 else ""
        written = _mailbox(mailbox, f"{at}.name", len(line) + 1) + end
        first = written.partition("\r\n")[0]
        if len(line) + 1 + len(first) > LINE and line.strip() != f"{name}:" and line:
            lines.append(line)
            line = ""
            written = _mailbox(mailbox, f"{at}.name", 1) + end
        line = f"{line} {written}"
        head, folds, line = line.rpartition("\r\n")
        if folds:
            lines.append(head)
    lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def parameter(name: str, value: str) -> str:
    """Return ``; name=value``, folded: quoted, or in the pieces of RFC 2231 sections 3 and 4."""
    if value.isascii() and len(value) <= _QUOTED_LENGTH and "=?" not in value:
        return f";\r\n {name}={_quoted(value)}"
    coded = [chr(each) if each in _ATTR else f"%{each:02X}" for each in value.encode()]
    pieces: list[str] = []
    piece = "utf-8''"
    for each in coded:
        if len(piece) + len(each) > _PIECE:
            pieces.append(piece)
            piece = ""
        piece += each
    pieces.append(piece)
    if len(pieces) == 1:
        return f";\r\n {name}*={pieces[0]}"
    return "".join(f";\r\n {name}*{at}*={each}" for at, each in enumerate(pieces))


def _is_plain(value: str) -> bool:
    """Whether it may stand as it is: nothing to encode, and nothing that a reader would take for encoded or drop."""
    return value.isascii() and "=?" not in value and value == value.strip() and "\t" not in value


def _folded(name: str, value: str) -> str | None:
    """Return the field folded before blanks; None: one of its words is too long for a line."""
    lines: list[str] = []
    line = f"{name}:"
    for word in _words(value):
        if len(line) + len(word) > LINE and (lines or line != f"{name}:"):
            lines.append(line)
            line = word
        else:
            line += word
        if len(line) > HARD_LINE:
            return None
    lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def _words(value: str) -> Iterable[str]:
    """Each with the blanks before it."""
    return re.findall(r" *[^ ]+", f" {value}")


def _mailbox(mailbox: Mailbox, field: str, used: int) -> str:
    name = mailbox.name
    check_text(field, name)
    address = mailbox.address
    written = f"{address.local_part}@{address.domain}"
    if not name:
        return written
    if name.isascii() and len(name) <= _QUOTED_LENGTH and "=?" not in name:
        phrase = name if _ATOMS.fullmatch(name) else _quoted(name)
        return f"{phrase} <{written}>"
    phrase = encoded_words(name, used)
    last = phrase.rpartition("\n")[2]
    gap = "\r\n " if len(last) + len(written) + 3 > LINE else " "
    return f"{phrase}{gap}<{written}>"


def _quoted(value: str) -> str:
    """RFC 5322 section 3.2.4."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
