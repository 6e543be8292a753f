"""The addresses in a From or Sender field (RFC 5322 section 3.4), for the question whom a message claims to be from.

One strict scanner, linear in its input: what it cannot read in exactly one way is refused, never guessed at, because
the next reader may guess differently (A2, A3). So no obsolete syntax (routes, empty list elements, comments inside an
address) and no @ in a quoted local part, with two exceptions that real mail depends on and that no one reads
differently: dots in a display name (``J. Doe <j@x>``), and a display name that is the very address behind it
(``j@x <j@x>``, ``'J@X' <j@x>``: compared as addresses are, without regard to case).
"""

import re
from typing import Final

import msgspec

from angarium.smtp.address import Address, AddressSyntaxError, parse_mailbox

MAX_MAILBOXES: Final = 100  # ours: no author field is longer; a bound for hostile ones
# Ours: a hundred with long names; hostile ones would cost 0.8 us a character.
MAX_CHARACTERS: Final = 20_000
MAX_COMMENT_DEPTH: Final = 10  # ours

_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a0-\U0010ffff"  # RFC 6532 section 3.2, without U+0080 to U+009F
_SIMPLE: Final = re.compile(  # what nearly every message has; each class excludes what follows it
    rf"""(?:"[^"\\\x00-\x1f\x7f-\x9f]*"[ ]?|[{_ATEXT}.][{_ATEXT}. ]*)?<([^<>"(),:;\\\s\[\]@]+@[^<>"(),:;\\\s\[\]@]+)>"""
)
_BARE: Final = re.compile(r"""[^<>"(),:;\\\s\[\]@]+@[^<>"(),:;\\\s\[\]@]+""")
_SPACE: Final = re.compile(r"[ \t]+")
_ATOMS: Final = re.compile(rf"[{_ATEXT}.]+")
QUOTED_STRING: Final = re.compile(
    r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f-\x9f]|\\[\t -~\u00a0-\U0010ffff])*)"'
)
_COMMENT_TEXT: Final = re.compile(
    r"(?:[^()\\\x00-\x08\x0a-\x1f\x7f-\x9f]|\\[\t -~\u00a0-\U0010ffff])+"
)
_LITERAL: Final = re.compile(r"\[[A-Za-z0-9.:\-]{1,100}\]")


class MailboxListSyntaxError(Exception):
    """The field cannot be read in exactly one way; the text says where, in printable ASCII."""


def parse_mailbox_list(value: str) -> tuple[Address, ...]:
    """Return the addresses of an unfolded field value, those in groups included, in order; at least one.

    Raises MailboxListSyntaxError for anything else. Takes time linear in the length of ``value``.
    """
    if len(value) > MAX_CHARACTERS:
        raise MailboxListSyntaxError(f"it has more than {MAX_CHARACTERS} characters")
    if simple := _SIMPLE.fullmatch(value):
        return (_author(simple[1]),)
    if _BARE.fullmatch(value):
        return (_author(value),)
    return _Scanner(value).mailbox_list()


def _author(text: str) -> Address:
    try:
        address = parse_mailbox(text)
    except AddressSyntaxError as error:
        raise MailboxListSyntaxError(f"{shown_address(text)} is not a valid address") from error
    if "@" in address.local_part:  # "a@b"@c is a@b to who unquotes it too early
        raise MailboxListSyntaxError(f"{shown_address(text)} has two @")
    return address


def are_same(name: str, address: str) -> bool:
    """Whether a display name is the address: in any case, in U-labels, or in the apostrophes of Outlook."""
    if name == address:
        return True
    if len(name) > 2 and name[0] == name[-1] == "'":
        name = name[1:-1]
    try:
        shown, meant = parse_mailbox(name), parse_mailbox(address)
    except AddressSyntaxError:
        return False
    return (shown.local_part.casefold(), shown.domain) == (
        meant.local_part.casefold(),
        meant.domain,
    )


def shown_address(text: str) -> str:
    """Return the address cut and printable, in angle brackets, for a reply."""
    return "<" + text[:100].encode("ascii", "backslashreplace").decode() + ">"


class _Word(msgspec.Struct, frozen=True):
    text: str  # as written, with the quotes of a quoted string
    end: int


class _Scanner:
    """Reads one value from left to right and never goes back."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._at = 0

    def mailbox_list(self) -> tuple[Address, ...]:
        authors: list[Address] = []
        while True:
            words = self._words()
            if words and self._take(":"):
                self._group(authors)
            else:
                self._mailbox(words, authors)
            self._skip_blanks()
            if self._at == len(self._value):
                break
            self._expect(",")
        if not authors:  # "undisclosed:;"
            raise MailboxListSyntaxError("it has no address")
        return tuple(authors)

    def _group(self, authors: list[Address]) -> None:
        """Read what follows the colon of a group (RFC 5322 section 3.4; in From: RFC 6854)."""
        self._skip_blanks()
        if self._take(";"):
            return
        while True:
            self._mailbox(self._words(), authors)
            self._skip_blanks()
            if self._take(";"):
                return
            self._expect(",")

    def _mailbox(self, words: list[_Word], authors: list[Address]) -> None:
        if self._value.startswith("@", self._at):
            if len(words) != 1 or words[0].end != self._at:
                raise self._error("an unquoted @ in a display name")
            address = words[0].text + self._at_domain()
            self._skip_blanks()
            if self._value.startswith("<", self._at):
                name, address = address, self._angle_address()
                if not are_same(name, address):
                    raise self._error("two different addresses without a comma")
        elif self._value.startswith("<", self._at):
            address = self._angle_address()
        else:
            raise self._error("an address was expected")
        if len(authors) == MAX_MAILBOXES:
            raise MailboxListSyntaxError(f"it has more than {MAX_MAILBOXES} addresses")
        authors.append(_author(address))

    def _angle_address(self) -> str:
        self._expect("<")
        word = self._word()
        if word is None:  # a route, an empty address, a blank
            raise self._error("an address was expected")
        address = word.text + self._at_domain()
        self._expect(">")
        return address

    def _at_domain(self) -> str:
        self._expect("@")
        domain = _LITERAL.match(self._value, self._at) or _ATOMS.match(self._value, self._at)
        if domain is None:
            raise self._error("a domain was expected")
        self._at = domain.end()
        return "@" + domain[0]

    def _words(self) -> list[_Word]:
        """Read atoms and quoted strings with the blanks and comments between them."""
        words: list[_Word] = []
        self._skip_blanks()
        while (word := self._word()) is not None:
            words.append(word)
            self._skip_blanks()
        return words

    def _word(self) -> _Word | None:
        found = _ATOMS.match(self._value, self._at) or QUOTED_STRING.match(self._value, self._at)
        if found is None:
            return None
        self._at = found.end()
        return _Word(found[0], self._at)

    def _skip_blanks(self) -> None:
        while True:
            if space := _SPACE.match(self._value, self._at):
                self._at = space.end()
            if not self._value.startswith("(", self._at):
                return
            self._skip_comment()

    def _skip_comment(self) -> None:
        depth = 0
        while True:
            if self._take("("):
                depth += 1
            elif self._take(")"):
                depth -= 1
            elif text := _COMMENT_TEXT.match(self._value, self._at):
                self._at = text.end()
            else:
                raise self._error("a comment does not end")
            if depth == 0:
                return
            if depth > MAX_COMMENT_DEPTH:
                raise self._error("comments nested too deep")

    def _take(self, character: str) -> bool:
        if not self._value.startswith(character, self._at):
            return False
        self._at += 1
        return True

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise self._error(f"{character} was expected")

    def _error(self, what: str) -> MailboxListSyntaxError:
        return MailboxListSyntaxError(f"{what} at character {self._at + 1}")
