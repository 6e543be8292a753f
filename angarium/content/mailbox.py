"""Reads addresses as programs write them: ``a@b``, ``Name <a@b>``, ``"Name, X" <a@b>``, and lists with commas. Pure.

Stricter than a header is read, since what is written here goes into one: no comments, no groups, nothing that two
readers could take for two things (A3), nothing that looks like what it is not (A4). Linear in what is read.
"""

import re
import unicodedata
from typing import Final

import idna

from angarium.content.letter import LetterError, Mailbox
from angarium.smtp.address import Address, AddressSyntaxError, parse_mailbox
from angarium.smtp.mailbox_list import QUOTED_STRING, are_same, shown_address

MAX_CHARACTERS: Final = 1_000  # ours, of one with its name
MAX_MAILBOXES: Final = 1_000  # ours, of a list
# Controls, what Python and some readers take for line ends, what turns the text around that follows, surrogates
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e\ud800-\udfff]")
# What nearly all are
_PLAIN: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,255}")
_ESCAPED: Final = re.compile(r"\\(.)")
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^",]+|,', re.DOTALL)
# Alphabets with letters that look alike: nobody writes two of them in one word
_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
# Cyrillic and Greek letters that pass for Latin ones: a label of nothing else in a Latin domain is a disguise
_PASSING: Final = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ" + "αγινορτυχω")
_HOW: Final = "write one like user@example.com or Name <user@example.com>"


def read_mailbox(text: str, field: str) -> Mailbox:
    """Return the one address in ``text``. Raises LetterError, which has ``field``."""
    if _PLAIN.fullmatch(text):
        return Mailbox(address=_address(text, field))
    if len(text) > MAX_CHARACTERS:
        raise LetterError(field, f"has more than {MAX_CHARACTERS} characters: it is no address")
    unfit = _UNFIT.search(text)
    if unfit is not None:
        raise LetterError(field, f"has the character {unfit[0]!a}: take it out")
    text = text.strip(" ")
    if not text:
        raise LetterError(field, f"is empty: {_HOW}")
    if not text.endswith(">"):
        return Mailbox(address=_address(text, field))
    head, bracket, inner = text[:-1].rpartition("<")
    if not bracket:
        raise LetterError(field, f"has > without <: {_HOW}")
    address = _address(inner, field)
    return Mailbox(address=address, name=_name(head.strip(" "), inner, field))


def read_mailboxes(text: str, field: str) -> tuple[Mailbox, ...]:
    """Return the addresses between commas, at least one; empty places between them are none.

    Raises LetterError: of several, ``field[1]`` is the second.
    """
    if len(text) > MAX_CHARACTERS * MAX_MAILBOXES:
        raise LetterError(field, f"has more than {MAX_MAILBOXES} addresses")
    parts = split_mailboxes(text, field)
    if len(parts) > MAX_MAILBOXES:
        raise LetterError(field, f"has more than {MAX_MAILBOXES} addresses")
    if len(parts) <= 1:
        return (read_mailbox(parts[0] if parts else "", field),)
    return tuple(read_mailbox(part, f"{field}[{at}]") for at, part in enumerate(parts))


def split_mailboxes(text: str, field: str) -> list[str]:
    """Return what stands between the commas that are in no quoted name, but for blanks alone. Raises LetterError."""
    parts: list[str] = []
    pieces: list[str] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise LetterError(field, 'has a quoted name that does not end: put a " behind it')
        at = found.end()
        if found[0] == ",":
            parts.append("".join(pieces))
            pieces.clear()
        else:
            pieces.append(found[0])
    parts.append("".join(pieces))
    return [each for each in parts if each.strip(" ")]


def _name(written: str, inner: str, field: str) -> str:
    if written.startswith('"'):
        quoted = QUOTED_STRING.fullmatch(written)
        if quoted is None:
            raise LetterError(field, 'has a name whose quotes do not match: write "Name" <a@b>')
        return _ESCAPED.sub(r"\1", quoted[1])
    if "," in written or ";" in written:
        text = (
            'has several addresses, or a name with a comma: write one, and quotes around "Name, X"'
        )
        raise LetterError(field, text)
    if '"' in written or "<" in written or ">" in written:
        raise LetterError(
            field, "has a name with a quote or bracket: write quotes around all of it"
        )
    if "@" in written and not are_same(written, inner):
        raise LetterError(field, "has an @ in its name: write quotes around the name")
    return written


def _address(text: str, field: str) -> Address:
    try:
        address = parse_mailbox(text)
    except AddressSyntaxError as error:
        if "," in text or ";" in text:
            raise LetterError(field, "has several addresses: write one in each string") from None
        shown = shown_address(text)
        raise LetterError(field, f"{shown} is no address: {error.refusal.text}; {_HOW}") from None
    if "@" in address.local_part:  # "a@b"@c is a@b to who unquotes it too early
        raise LetterError(field, f"{shown_address(text)} has two @")
    if text.isascii() and "xn--" not in address.domain:
        return address
    written = text.rpartition("@")[2]
    if not written.isascii() and "xn--" not in address.domain:
        raise LetterError(field, f"the domain looks like {address.domain}: write that")
    _check_letters(address, field)
    return address


def _check_letters(address: Address, field: str) -> None:
    """A4: nothing in the disguise of other letters."""
    local_part = address.local_part
    composed = unicodedata.normalize("NFC", local_part)
    if composed != unicodedata.normalize("NFKC", local_part) or _is_mixed(local_part):
        raise LetterError(field, "has letters that pass for others: write it in one alphabet")
    labels = [_shown_label(each) for each in address.domain.split(".")]
    is_latin = labels[-1].isascii()
    for label in labels:
        if _is_mixed(label) or (is_latin and not label.isascii() and _PASSING.issuperset(label)):
            raise LetterError(field, f"the domain {address.domain} passes for another one")


def _shown_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _is_mixed(text: str) -> bool:
    if text.isascii():
        return False
    alphabets = {unicodedata.name(each, "").partition(" ")[0] for each in text if each.isalpha()}
    return len(alphabets & _ALIKE) > 1
