"""The text of HTML with gaps in it. Pure.

What a link's address and words say decides whether the address is written: that is asked again with each mail's values.
"""

from typing import Final

import msgspec

from angarium.content.plain_text import (
    FOLLOWED,
    address_words,
    needs_address,
    plain_text,
)
from angarium.templates.shapes.pieces import Pieces
from angarium.templates.shapes.places import before_mark, has_marks, marked_as_other
from angarium.templates.shapes.recording import NO_BREAK, Recorded

MAX_VARIANTS: Final = 8  # ours: of one text, by which links' addresses are written
# Lines of nothing else, but spaces, are left out at the end of a text
_QUOTE: Final = ">"
# How values are written there
_IN_TEXT: Final = ((NO_BREAK, " "),)
_IN_ADDRESSES: Final = ((" ", "%20"), (NO_BREAK, "%20"))


class _Links:
    """Links whose values decide, in their order."""

    def __init__(self, count: int, values: "_Values") -> None:
        self._count = count
        self._values = values
        self.marked: list[tuple[str, str]] = []
        self.pieces: list[tuple[Pieces, Pieces]] = []
        self.choices: list[bool] = []

    def words(self, address: str, shown: str) -> str:
        """Return what is written behind a link."""
        if not has_marks(address + shown):
            is_needed = needs_address(address, shown)
        elif _is_always_needed(address, shown):
            is_needed = True
        else:
            pieces = Pieces(address, self._count), Pieces(shown, self._count)
            is_needed = _is_needed(*pieces, self._values)
            self.marked.append((address, shown))
            self.pieces.append(pieces)
            self.choices.append(is_needed)
        # Spaces of an address are written in another way
        return address_words(marked_as_other(address), shown) if is_needed else ""


class _Values(msgspec.Struct, frozen=True, kw_only=True):
    plain: list[str]
    told: list[str]  # as they stand in the text, and then as in addresses there


def _is_needed(address: Pieces, shown: Pieces, values: _Values) -> bool:
    return needs_address(address.fill(values.plain), shown.fill(values.told))


def _is_always_needed(address: str, shown: str) -> bool:
    """Whether what stands before the first value of the address settles it."""
    stem = before_mark(address)
    rest = stem.partition(":")[2].strip("/")
    if has_marks(shown) or not rest or not stem.lower().startswith(FOLLOWED):
        return False
    return not (
        shown.startswith((stem.rstrip("/"), rest)) or shown.partition("://")[2].startswith(rest)
    )


class TextShape:
    def __init__(self, html: str, count: int) -> None:
        """``html``: with a mark for each gap; ``count``: of the gaps."""
        self._html = html
        self._count = count
        self._keeps_spaces = "<pre" in html.lower()
        # Of links that are settled by values; None: nothing was filled in yet
        self._marked: list[tuple[str, str]] | None = None
        self._open: list[tuple[Pieces, Pieces]] = []
        self._variants: dict[tuple[bool, ...], Pieces] = {}
        self.characters = len(html) * 4

    def fill(self, recorded: Recorded) -> str | None:
        """Return the text; None: it cannot be told with these values. Raises LetterError as ``plain_text`` does."""
        if recorded.has_only(_QUOTE):
            return None
        if self._keeps_spaces and NO_BREAK in recorded.joined:
            return None
        told = recorded.replaced(_IN_TEXT) + recorded.replaced(_IN_ADDRESSES)
        values = _Values(plain=recorded.values, told=told)
        choices = tuple([_is_needed(*each, values) for each in self._open])
        pieces = self._variants.get(choices)
        return self._new_variant(values) if pieces is None else pieces.fill(told)

    def _new_variant(self, values: _Values) -> str | None:
        if len(self._variants) >= MAX_VARIANTS:
            return None
        links = _Links(self._count, values)
        pieces = Pieces(plain_text(self._html, links.words), self._count)
        if self._marked is None:
            self._marked, self._open = links.marked, links.pieces
        elif links.marked != self._marked:
            return None  # what one link says changes what is seen of the next
        self._variants[tuple(links.choices)] = pieces
        return pieces.fill(values.told)
