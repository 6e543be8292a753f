"""A message as it is stored once for all its recipients: links that are counted, a picture, ways to leave. Pure."""

import html
import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from angarium.content.html_tags import tags
from angarium.smtp.mime import with_encoding
from angarium.smtp.transfer_encoding import decoded
from angarium.tracking.codes import address_of, find_codes, has_code, link_of
from angarium.tracking.slots import encoded, honeypot, pixel, tracked_link
from angarium.tracking.text_parts import TextPart, Why, read_parts
from angarium.tracking.tokens import TARGET_OCTETS


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a message. Codes for leaving are replaced whatever it is."""

    opens: bool
    clicks: bool
    text_links: bool  # those in plain text, too; nothing without ``clicks``
    base_url: str  # of the tracking host, such as "https://t.example.com"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes
    header_octets: int
    links: tuple[str, ...]  # where each leads, by its number
    is_personal: bool  # it has slots


class Untouched(msgspec.Struct, frozen=True):
    """The message stays as it is."""

    why: Why | Literal["nothing"]  # nothing: there is nothing in it to change


Mint = Callable[[int, str], str]
_Edit = tuple[int, int, str]


def prepare(content: bytes, header_octets: int, wishes: Wishes, link: Mint) -> Prepared | Untouched:
    """Return the message with slots. ``link`` mints a link's token, of its number and target."""
    found = read_parts(content, header_octets)
    links: list[str] = []
    pieces: list[bytes] = []
    at, has_pixel, header = 0, False, header_octets
    for part in found.parts:
        body = decoded(content[part.start : part.stop], part.encoding)
        if body is None:
            continue
        text = body.decode("latin-1")
        edits = _edits(text, part, wishes, links, link)
        if part.form == "html" and not has_pixel and (wishes.opens or wishes.clicks):
            where = text.lower().rfind("</body>")
            where = len(text) if where < 0 else where
            addition = honeypot(wishes.base_url) if wishes.clicks else ""
            addition += pixel(wishes.base_url) if wishes.opens else ""
            edits.append((where, where, addition))
            has_pixel = True
        if not edits:
            continue
        fields = with_encoding(content[part.fields : part.fields_stop], b"quoted-printable")
        if part.fields == 0:
            header += len(fields) - (part.fields_stop - part.fields)
        new = encoded(_edited(text, edits).encode("latin-1"))
        pieces += (
            content[at : part.fields],
            fields,
            content[part.fields_stop : part.start],
            new,
        )
        at = part.stop
    if not pieces:
        return Untouched(found.left[0] if found.left else "nothing")
    return Prepared(
        content=b"".join((*pieces, content[at:])),
        header_octets=header,
        links=tuple(links),
        is_personal=True,
    )


def _edited(text: str, edits: list[_Edit]) -> str:
    pieces, at = [], 0
    for start, stop, new in sorted(edits):
        pieces += (text[at:start], new)
        at = stop
    return "".join((*pieces, text[at:]))


_WEB: Final = re.compile(r"https?://", re.IGNORECASE)


def _edits(text: str, part: TextPart, wishes: Wishes, links: list[str], link: Mint) -> list[_Edit]:
    edits: list[_Edit] = []
    if part.form == "html" and wishes.clicks:
        for tag in tags(text):
            if tag.closing or tag.name not in ("a", "area"):
                continue
            href = tag.find("href")
            if href is None or href.start < 0:
                continue
            target = html.unescape(href.value)
            if _WEB.match(target) is None or has_code(target) or len(target) > TARGET_OCTETS:
                continue
            new = tracked_link(wishes.base_url, link(len(links), target))
            links.append(target)
            is_quoted = text[href.start - 1] in "\"'"
            edits.append((href.start, href.end, new if is_quoted else f'"{new}"'))
    for code in find_codes(text):
        is_address = (
            part.form == "text"
            or not code.is_link
            or text[code.start - 1 : code.start] in ('"', "'")
        )
        make = address_of if is_address else link_of
        edits.append((code.start, code.stop, make(code.page, wishes.base_url)))
    return edits
