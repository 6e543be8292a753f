"""A message as it is stored once for all its recipients: links that are counted, a picture, ways to leave. Pure.

Invariants:

TR1. Of a part, only the addresses of links, codes, and what is put in at one place are other than before; of a message,
     only such parts, and their fields of MIME.
TR2. What its author signed or encrypted stays as it is.
TR3. No line begins with a dot that did not before, nor like a boundary.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

import msgspec

from angarium.smtp.mime import UnclearError, find_field, with_encoding, with_mime
from angarium.smtp.transfer_encoding import decoded
from angarium.tracking.codes import of_codes
from angarium.tracking.edits import Edit, edited
from angarium.tracking.html_links import find_links
from angarium.tracking.octets import Characters, characters
from angarium.tracking.postal import of_address
from angarium.tracking.slots import LEAVE_SLOT, TRACK_SLOT, encoded, honeypot, pixel, tracked_link
from angarium.tracking.targets import Left, Place
from angarium.tracking.text_links import find_text_links
from angarium.tracking.text_parts import TextPart, Why, read_parts

MAX_LINKS: Final = 1000  # of a message; ours: those behind them are not counted
MAX_OCTETS: Final = 2 << 20  # of a part; ours: it takes about a tenth of a second
_ADDRESS: Final = re.compile(rb"<([^<>\s]{1,2000})>")

Mint = Callable[[int, str], str]


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a message. Codes for leaving are replaced whatever it is."""

    opens: bool
    clicks: bool
    text_links: bool  # those in plain text, too; nothing without ``clicks``
    base_url: str  # of the tracking host, such as "https://t.example.com"
    postal_address: str = ""  # what its code becomes, in lines; "": it stays as it is


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes
    header_octets: int
    links: tuple[str, ...]  # where each leads, by its number
    is_personal: bool  # it has slots
    has_leave: bool = False  # a code became the way to leave
    has_postal_address: bool = False
    left: tuple[Why, ...] = ()  # what parts stay as they are for


class Untouched(msgspec.Struct, frozen=True):
    """The message stays as it is."""

    why: Why | Literal["nothing"]  # nothing: there is nothing in it to change


def prepare(content: bytes, header_octets: int, wishes: Wishes, link: Mint) -> Prepared | Untouched:
    """Return the message with slots. ``header_octets``: with the empty line.

    ``link`` mints a link's token, of its number and target. Whatever the content is, nothing is raised that ``link``
    does not raise.
    """
    found = read_parts(content, header_octets)
    preparation = _Preparation(wishes, link, content[:header_octets])
    pieces, at, header = list[bytes](), 0, header_octets
    for part in found.parts:
        new = preparation.part(content, part)
        if new is None:
            continue
        fields = _fields(content, part)
        pieces += (content[at : part.fields], fields, content[part.fields_stop : part.start], new)
        if part.is_whole:
            header += len(fields) - (part.fields_stop - part.fields)
        at = part.stop
        if at == len(content) and content.endswith(b"\r\n") and not new.endswith(b"\r\n"):
            pieces.append(b"\r\n")
    left = (*found.left, *preparation.left)
    if not pieces:
        return Untouched(left[0] if left else "nothing")
    prepared = b"".join((*pieces, content[at:]))
    has_leave = LEAVE_SLOT.encode() in prepared
    return Prepared(
        content=prepared,
        header_octets=header,
        links=tuple(preparation.links),
        is_personal=has_leave or TRACK_SLOT.encode() in prepared,
        has_leave=has_leave,
        has_postal_address=preparation.has_postal_address,
        left=left,
    )


class _Preparation:
    """Goes through the parts of one message."""

    def __init__(self, wishes: Wishes, link: Mint, header: bytes) -> None:
        self._wishes = wishes
        self._mint = link
        self._left_alone = Left(wishes.base_url, _way_out(header))
        self._is_seen = False  # something in it tells that it was
        self.has_postal_address = False
        self.links: list[str] = []
        self.left: list[Why] = []

    def part(self, content: bytes, part: TextPart) -> bytes | None:
        """Return a part's body, encoded; None: it stays as it is."""
        if part.stop - part.start > MAX_OCTETS:
            self.left.append("long")
            return None
        body = decoded(content[part.start : part.stop], part.encoding)
        text = None if body is None else characters(body, part.charset)
        if text is None:
            self.left.append("unreadable")
            return None
        if "-----BEGIN PGP" in text.text:
            is_sealed = "-----BEGIN PGP MESSAGE" in text.text
            self.left.append("encrypted" if is_sealed else "signed")  # TR2
            return None
        edits = [*self._edits(text, part)]
        edits += of_codes(text.text, self._wishes.base_url, is_html=part.is_html)
        addresses = [*of_address(text, self._wishes.postal_address, is_html=part.is_html)]
        self.has_postal_address |= bool(addresses)
        edits += addresses
        return encoded(text.encode(edited(text.text, edits))) if edits else None  # TR1, TR3

    def _edits(self, text: Characters, part: TextPart) -> Iterator[Edit]:
        wishes = self._wishes
        if part.form == "html" and (wishes.clicks or (wishes.opens and not self._is_seen)):
            found = find_links(text, self._left_alone, with_links=wishes.clicks)
            yield from self._of_links(found.links)
            unseen = "" if self._is_seen else self._unseen(has_links=bool(found.links))
            if unseen:
                self._is_seen = True
                yield Edit(start=found.end, stop=found.end, text=unseen)
        elif part.form == "text" and wishes.clicks and wishes.text_links:
            is_spaced = part.is_spaced
            yield from self._of_links(find_text_links(text, self._left_alone, is_spaced=is_spaced))

    def _unseen(self, *, has_links: bool) -> str:
        wishes = self._wishes
        trap = honeypot(wishes.base_url) if wishes.clicks and has_links else ""
        return trap + (pixel(wishes.base_url) if wishes.opens else "")

    def _of_links(self, places: Iterable[Place]) -> Iterator[Edit]:
        for each in places:
            number = len(self.links)
            if number >= MAX_LINKS:
                return
            new = tracked_link(self._wishes.base_url, self._mint(number, each.target))
            self.links.append(each.target)
            text = new if each.is_quoted else f'"{new}"'
            yield Edit(start=each.start, stop=each.stop, text=text)


def _fields(content: bytes, part: TextPart) -> bytes:
    fields = content[part.fields : part.fields_stop]
    if part.is_whole:
        fields = with_mime(fields, content[part.start : part.stop])
    return with_encoding(fields, b"quoted-printable")


def _way_out(header: bytes) -> frozenset[str]:
    try:
        field = find_field(header, b"list-unsubscribe")
    except UnclearError:
        return frozenset()
    addresses = [] if field is None else _ADDRESS.findall(field[1])
    return frozenset(each.decode("latin-1") for each in addresses)
