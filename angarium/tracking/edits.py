"""Changes of a text at some places. Pure."""

from collections.abc import Iterable

import msgspec


class Edit(msgspec.Struct, frozen=True, kw_only=True, order=True):
    start: int
    stop: int
    text: str  # that stands there then


def edited(text: str, edits: Iterable[Edit]) -> list[str]:
    """Return the text changed, in pieces: in turns what stays of it, perhaps nothing, and what stands there now.

    Where one begins before another has ended, the first counts.
    """
    pieces, at = list[str](), 0
    for each in sorted(edits):
        if each.start >= at:
            pieces += (text[at : each.start], each.text)
            at = each.stop
    pieces.append(text[at:])
    return pieces
