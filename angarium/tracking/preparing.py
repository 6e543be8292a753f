"""A message as it is stored once for all its recipients: links that are counted, a picture, ways to leave. Pure.

Invariants:

TR1. Of a part, only the addresses of links, codes, and what is put in at one place are other than before; of a message,
     only such parts, and their fields of MIME.
TR2. What its author signed or encrypted stays as it is.
TR3. No line begins with a dot that did not before, nor like a boundary.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

import msgspec

from angarium.smtp.mime import UnclearError, find_field, with_encoding, with_mime
from angarium.smtp.transfer_encoding import decoded
from angarium.tracking.codes import of_codes
from angarium.tracking.edits import Edit, edited
from angarium.tracking.html_links import find_links
from angarium.tracking.octets import Characters, characters
from angarium.tracking.postal import of_address
from angarium.tracking.slots import (
    encoded_between_links,
    has_slot,
    honeypot,
    pixel,
    tracked_link,
    with_tokens,
)
from angarium.tracking.targets import Left, Place
from angarium.tracking.text_links import find_text_links
from angarium.tracking.text_parts import Form, TextPart, Why, read_parts

MAX_LINKS: Final = 1000  # of a message; ours: those behind them are not counted
MAX_OCTETS: Final = 2 << 20  # of a part; ours: it takes about a tenth of a second
_REMEMBERED: Final = 65_536  # octets of a part, at most, whose outline is remembered
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
    return Prepared(
        content=b"".join((*pieces, content[at:])),
        header_octets=header,
        links=tuple(preparation.links),
        is_personal=preparation.is_personal,
        has_leave=preparation.has_leave,
        has_postal_address=preparation.has_postal_address,
        left=left,
    )


class _Outline(msgspec.Struct, frozen=True, kw_only=True):
    """A part as all messages have it that have this part: without the tokens of its links."""

    pieces: tuple[bytes, ...] = ()  # between them; none: it stays as it is
    targets: tuple[str, ...] = ()
    tells: bool = False  # something in it tells that it was seen
    is_personal: bool = False
    has_leave: bool = False
    has_postal_address: bool = False
    left: Why | None = None  # why it stays


class _Preparation:
    """Goes through the parts of one message."""

    def __init__(self, wishes: Wishes, link: Mint, header: bytes) -> None:
        self._wishes = wishes
        self._mint = link
        self._way_out = _way_out(header)
        self._is_seen = False
        self.is_personal = False
        self.has_leave = False
        self.has_postal_address = False
        self.links: list[str] = []
        self.left: list[Why] = []

    def part(self, content: bytes, part: TextPart) -> bytes | None:
        """Return a part's body, encoded; None: it stays as it is."""
        if part.stop - part.start > MAX_OCTETS:
            self.left.append("long")
            return None
        manner = _Manner(
            wishes=self._wishes,
            way_out=self._way_out,
            form=part.form,
            encoding=part.encoding,
            charset=part.charset,
            is_spaced=part.is_spaced,
            is_seen=self._is_seen,
            room=MAX_LINKS - len(self.links),
        )
        body = content[part.start : part.stop]
        outline = (_outline if len(body) > _REMEMBERED else _remembered)(body, manner)
        if outline.left is not None:
            self.left.append(outline.left)
        self._is_seen |= outline.tells
        self.is_personal |= outline.is_personal
        self.has_leave |= outline.has_leave
        self.has_postal_address |= outline.has_postal_address
        if not outline.pieces:
            return None
        first = len(self.links)
        self.links += outline.targets
        tokens = (self._mint(first + at, each) for at, each in enumerate(outline.targets))
        return with_tokens(outline.pieces, tokens)


class _Manner(msgspec.Struct, frozen=True, kw_only=True):
    """All that an outline depends on, besides the part's octets."""

    wishes: Wishes
    way_out: frozenset[str]
    form: Form
    encoding: bytes
    charset: str
    is_spaced: bool
    is_seen: bool  # a part before it tells that it was
    room: int  # links that may be counted


def _outline(octets: bytes, manner: _Manner) -> _Outline:
    body = decoded(octets, manner.encoding)
    text = None if body is None else characters(body, manner.charset)
    if text is None:
        return _Outline(left="unreadable")
    if has_slot(text.text):
        return _Outline(left="unreadable")
    # First for five characters: Python looks for more of them slowly in a long text
    if "N PGP" in text.text and "-----BEGIN PGP" in text.text:
        is_sealed = "-----BEGIN PGP MESSAGE" in text.text
        return _Outline(left="encrypted" if is_sealed else "signed")  # TR2
    wishes, is_html = manner.wishes, manner.form != "text"
    places, edits = _of_links(text, manner)
    tells = bool(edits)
    edits += [
        Edit(start=each.start, stop=each.stop, text=_address(wishes, is_quoted=each.is_quoted))
        for each in places
    ]
    edits += of_codes(text.text, wishes.base_url, is_html=is_html)
    addresses = [*of_address(text, wishes.postal_address, is_html=is_html)]
    edits += addresses
    if not edits:
        return _Outline()
    between = encoded_between_links(edited(text.text, edits), text.codec)  # TR1, TR3
    if len(between.pieces) != len(places) + 1:  # another change stands where one of them did
        return _Outline(left="unreadable")
    return _Outline(
        pieces=between.pieces,
        is_personal=between.has_slots,
        has_leave=between.has_leave,
        targets=tuple(each.target for each in places),
        tells=tells,
        has_postal_address=bool(addresses),
    )


# The same letter is sent to many, each time as a message of its own
_remembered: Final = lru_cache(maxsize=16)(_outline)


def _of_links(text: Characters, manner: _Manner) -> tuple[list[Place], list[Edit]]:
    """Return the links that are counted, and what tells that the part was seen."""
    wishes = manner.wishes
    left = Left(wishes.base_url, manner.way_out)
    if manner.form == "html" and (wishes.clicks or (wishes.opens and not manner.is_seen)):
        found = find_links(text, left, with_links=wishes.clicks)
        places = list(found.links[: manner.room])
        unseen = "" if manner.is_seen else _unseen(wishes, has_links=bool(found.links))
        return places, [Edit(start=found.end, stop=found.end, text=unseen)] if unseen else []
    if manner.form == "text" and wishes.clicks and wishes.text_links:
        places = [*find_text_links(text, left, is_spaced=manner.is_spaced)]
        return places[: manner.room], []
    return [], []


def _unseen(wishes: Wishes, *, has_links: bool) -> str:
    trap = honeypot(wishes.base_url) if wishes.clicks and has_links else ""
    return trap + (pixel(wishes.base_url) if wishes.opens else "")


def _address(wishes: Wishes, *, is_quoted: bool) -> str:
    address = tracked_link(wishes.base_url)
    return address if is_quoted else f'"{address}"'


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
