"""Slots: where a prepared message gets what belongs to one recipient's copy of it. Pure.

A prepared message is stored once. In its quoted-printable parts each slot stands on a line of its own, between soft
line ends, so that filling is one replacement of octets: no part is read again, and no line grows beyond what RFC 2045
allows. The slot of a copy is as long as what fills it.
"""

import html
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from angarium.smtp.transfer_encoding import decoded, quoted_printable
from angarium.tracking.text_parts import read_parts
from angarium.tracking.tokens import target_of

# As long as a who token: random, so that nobody writes it by chance
TRACK_SLOT: Final = "angariumWhoPbTnEz3fVq8LhR5kXw2JcMd7YsGa9NtUv4QeZo6KiBxCyA1rW"
# Where the token of a link is put in: until then a part is the same for all messages that have it
_LINK_SLOT: Final = "angariumLinkQy7wNe4ZpRk9TsVb2GhXj6LmDf3CuYa8WxHqBo5MiJtE1nP0"
LEAVE_SLOT: Final = "angariumLeaveHd5mSx8QcTz2KvJn9RwFg3LpYb7UeXa4ZtMo6NiDqVkE1sG"
_SOFT: Final = b"=\r\n"
_TRACK_LINE: Final = _SOFT + TRACK_SLOT.encode() + _SOFT
_LEAVE_LINE: Final = _SOFT + LEAVE_SLOT.encode() + _SOFT
# Each slot, and how the address of a link ends
_SLOT: Final = re.compile(f"{TRACK_SLOT}/{_LINK_SLOT}|{TRACK_SLOT}|{LEAVE_SLOT}")
_SLOT_OCTETS: Final = re.compile(f"({TRACK_SLOT}|{LEAVE_SLOT})".encode())
_LINK_END: Final = f"{TRACK_SLOT}/{_LINK_SLOT}"
# What of that is written in front of its token
_BEFORE_TOKEN: Final = _TRACK_LINE + b"/" + _SOFT
_LINES: Final = {TRACK_SLOT: _TRACK_LINE, LEAVE_SLOT: _LEAVE_LINE}
# Between pieces that are encoded at once, which is faster than one by one: a line that stays as it is
_CUT: Final = f"\r\n{_LINK_SLOT}\r\n"
# What each slot has in it, and few texts. Python looks for no more than five characters fast
_OF_SLOTS: Final = "gariu"
_LONGEST: Final = 76  # characters of a line
# Of a long token on a line; if there is a way, such that the next begins like no boundary
_TOKEN_LINE: Final = re.compile(rb".{1,72}(?!-)|.{1,72}|\n")


def encoded(text: bytes) -> bytes:
    """Return a text with slots as quoted-printable: each slot is on a line of its own."""
    first, *others = _SLOT_OCTETS.split(text)
    slots, texts = others[::2], (first, *others[1::2])
    octets = _encoded(_CUT.encode().join(texts), len(texts))
    return b"".join(
        each
        for pair in zip(octets, (*(_SOFT + slot + _SOFT for slot in slots), b""), strict=True)
        for each in pair
    )


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """A part encoded, cut where the tokens of its links are put in."""

    pieces: tuple[bytes, ...]
    has_slots: bool
    has_leave: bool  # one of them is to leave by


def has_slot(text: str) -> bool:
    """Whether there is a slot in a text that nobody has prepared: whoever wrote it has it from here."""
    if _OF_SLOTS not in text:
        return False
    return any(each in text for each in (TRACK_SLOT, LEAVE_SLOT, _LINK_SLOT))


def encoded_between_links(pieces: Sequence[str], codec: str) -> Between:
    """Return a part's text encoded. ``pieces``: of it, in turns without slots and such as may have some."""
    written, slots = [pieces[0]], list[str]()
    for added, kept in zip(pieces[1::2], pieces[2::2], strict=True):
        cut, its_slots = _cut(added)
        written += (cut, kept)
        slots += its_slots
    # As a whole, since what octets stand for a character may depend on those before it
    octets = _encoded("".join(written).encode(codec), len(slots) + 1)
    found, current = list[bytes](), list[bytes]()
    for text, slot in zip(octets, (*slots, ""), strict=True):
        current.append(text)
        if slot == _LINK_END:
            found.append(current[0] if len(current) == 1 else b"".join(current))
            current.clear()
        elif slot:
            current.append(_LINES[slot])
    return Between(
        pieces=(*found, b"".join(current)), has_slots=bool(slots), has_leave=LEAVE_SLOT in slots
    )


# All links of a part have the same
@lru_cache(maxsize=64)
def _cut(added: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with cuts in the places of its slots, and these."""
    return _SLOT.sub(_CUT, added), tuple(_SLOT.findall(added))


def _encoded(text: bytes, count: int) -> list[bytes]:
    """Return so many pieces, between cuts, encoded such that another line goes on behind a soft end."""
    cut = _CUT.encode()
    pieces = quoted_printable(text).split(cut)
    if len(pieces) != count:
        # Line ends are encoded, too
        pieces = list(map(quoted_printable, text.split(cut)))
    pieces[:-1] = map(_with_room, pieces[:-1])
    return pieces


def _with_room(piece: bytes) -> bytes:
    """Return it such that the last line has room for a soft line end."""
    if len(piece) - piece.rfind(b"\n") - 1 < _LONGEST:
        return piece
    cut = len(piece) - (3 if piece[-3:-2] == b"=" else 1)
    last = b"=%02X" % piece[-1] if piece.endswith((b".", b"-")) else piece[cut:]
    return piece[:cut] + _SOFT + last


def filled(content: bytes, header_octets: int, *, who: str, leave: str) -> bytes:
    """Return a prepared message with one recipient's tokens in its slots; one without slots as it is.

    ``content``: all of it, of which the header's ``header_octets`` stay as they are.
    """
    body = content[header_octets:]
    if TRACK_SLOT.encode() in body:
        body = body.replace(_TRACK_LINE, _SOFT + who.encode("ascii") + _SOFT)
    if LEAVE_SLOT.encode() in body:
        body = body.replace(_LEAVE_LINE, _SOFT + _folded(leave.encode("ascii")) + _SOFT)
    return content[:header_octets] + body


def plain(content: bytes, header_octets: int) -> bytes:
    """Return a prepared message for a recipient who is not tracked: links lead where they did, and nothing is fetched.

    Slots to leave by are still there.
    """
    pieces, at = list[bytes](), header_octets
    for part in read_parts(content, header_octets).parts:
        body = content[part.start : part.stop]
        if part.encoding != b"quoted-printable" or TRACK_SLOT.encode() not in body:
            continue
        text = decoded(body, part.encoding)
        assert text is not None
        if _LINK_SLOT.encode() in text:  # nobody has prepared it
            continue
        pieces += (content[at : part.start], encoded(_untracked(text, is_html=part.is_html)))
        at = part.stop
    return b"".join((content[:header_octets], *pieces, content[at:]))


def pixel(base_url: str) -> str:
    """Return the picture that shows that a mail was opened."""
    style = "height:1px!important;width:1px!important;border:0!important;margin:0!important;padding:0!important"
    return f'<img src="{base_url}/o/{TRACK_SLOT}" alt="" width="1" height="1" border="0" style="{style}">'


def honeypot(base_url: str) -> str:
    """Return a link that no person sees, hears or reaches by keyboard: who follows it is a program."""
    link = f'<a href="{base_url}/h/{TRACK_SLOT}" tabindex="-1" rel="nofollow"></a>'
    return f'<div style="display:none;mso-hide:all" aria-hidden="true">{link}</div>'


def tracked_link(base_url: str) -> str:
    """Return the address of a link, without its token."""
    return f"{base_url}/c/{TRACK_SLOT}/{_LINK_SLOT}"


def with_tokens(pieces: Sequence[bytes], tokens: Iterable[str]) -> bytes:
    """Return the part with a token, which has no line end in it, between any two of its pieces."""
    # All at once, which is faster than one by one: line ends by themselves are between them
    text = "\n".join(tokens).encode("ascii")
    folded = _folded(text).split(_SOFT + b"\n" + _SOFT) if text else []
    written = [b""] * (2 * len(pieces) - 1)
    written[::2] = pieces
    written[1::2] = [_BEFORE_TOKEN + each + _SOFT for each in folded]
    return b"".join(written)


_ADDITIONS: Final = re.compile(
    "|".join(
        re.escape(each("\0")).replace("\0", "https?://[^\\s\"'<>/]{1,300}")
        for each in (pixel, honeypot)
    ).encode()
)
_TRACKED: Final = re.compile(
    rb"https?://[^\s\"'<>/]{1,300}/c/" + TRACK_SLOT.encode() + rb"/([A-Za-z0-9_-]{1,4096})"
)


def _untracked(text: bytes, *, is_html: bool) -> bytes:
    def back(link: re.Match[bytes]) -> bytes:
        target = target_of(link[1].decode("ascii"))
        if target is None:
            return link[0]
        written = html.escape(target) if is_html else target
        return written.encode("ascii", "xmlcharrefreplace" if is_html else "backslashreplace")

    if is_html:
        text = _ADDITIONS.sub(b"", text)
    return _TRACKED.sub(back, text)


def _folded(token: bytes) -> bytes:
    lines = _TOKEN_LINE.findall(token)
    folded = _SOFT.join(lines)
    if folded.startswith(b"-") or b"\n-" in folded:
        # It has more of these than a line has room for
        lines = [b"=2D" + each[1:] if each.startswith(b"-") else each for each in lines]
        folded = _SOFT.join(lines)
    return folded
