"""HTML and text that were finished with gaps in them, and are filled in a moment. Pure."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from angarium.content.letter import LetterError
from angarium.content.plain_text import plain_text
from angarium.templates.finishing import FinishError, html_of_mjml, with_inlined_css
from angarium.templates.shapes.pieces import Pieces
from angarium.templates.shapes.places import STYLES, find_deciding, judged, numbered
from angarium.templates.shapes.recording import ESCAPES, NO_BREAK, Recorded
from angarium.templates.shapes.text_shape import TextShape


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """How HTML is made of what is filled in."""

    make: Callable[[str], str]  # may raise FinishError
    # What of a value in an attribute may be written in another way than is known here
    unsure: re.Pattern[str]
    name: str


# Inlined CSS leaves it as it is, and others than parsers may take it for a tag
HTML: Final = Finish(make=with_inlined_css, unsure=re.compile("<"), name="html")
# Attributes are written as Rust writes texts to those who debug
MJML: Final = Finish(make=html_of_mjml, unsure=re.compile(r"[^ -~]|[<\\]"), name="mjml")

# How values are written in text and in attributes: as the engine does, or as HTML is written anew
_Forms = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
_AS_FILLED: Final[_Forms] = (ESCAPES, ESCAPES)
_WRITTEN_ANEW: Final[_Forms] = (
    (("&", "&amp;"), (NO_BREAK, "&nbsp;"), ("<", "&lt;"), (">", "&gt;")),
    (("&", "&amp;"), (NO_BREAK, "&nbsp;"), ('"', "&quot;")),
)
_SPECIAL: Final = re.compile(f"[&<>\"'{NO_BREAK}]")
# Ours: to prepare takes as long as some mails do, and is part of one. Elements times rules are what inlining takes
MAX_CHARACTERS: Final = 64 * 1024
MAX_STEPS: Final = 500_000
MAX_GAPS: Final = 5000


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    html: str
    text: str | None


class Shape:
    """Invariant FL3: what is filled in by a shape is what would come of finishing the filled-in HTML itself."""

    def __init__(
        self, html: Pieces, forms: _Forms, text: TextShape | None, unsure: re.Pattern[str]
    ) -> None:
        self._html = html
        self._unsure = unsure
        self._forms = forms
        self._text = text

    @property
    def characters(self) -> int:
        """What it holds in memory, about."""
        return self._html.characters + (0 if self._text is None else self._text.characters)

    def fill(self, recorded: Recorded) -> Finished | None:
        """Return both; None: not with these values. They are plain, and as many as there are gaps."""
        unsure, values = self._unsure, recorded.values
        if unsure.search(recorded.joined) and any(
            unsure.search(values[at]) for at in self._html.others
        ):
            return None
        html = self._html.fill(_formed(recorded, self._forms, has_unread=self._html.has_unread))
        if self._text is None:
            return Finished(html=html, text=None)
        text = self._text.fill(recorded)
        return None if text is None else Finished(html=html, text=text)


def _formed(recorded: Recorded, forms: _Forms, *, has_unread: bool) -> list[str]:
    if _SPECIAL.search(recorded.joined) is None:
        return recorded.values * 3
    in_text, in_attributes = forms
    first = recorded.replaced(in_text)
    if in_text is in_attributes:
        return first * 3
    formed = first + recorded.replaced(in_attributes)
    return formed + recorded.replaced(ESCAPES) if has_unread else formed


class Pinned(msgspec.Struct, frozen=True):
    """Values of these numbers may change more than what is written in their place: they belong to the text."""

    numbers: frozenset[int]
    characters: int = 0


def prepare(recorded: Recorded, finish: Finish, *, wants_text: bool) -> Shape | Pinned | None:
    """Finish it with gaps, and once with values to see that it comes to the same. None: it does not, or may not."""
    text, count = recorded.text, len(recorded.values)
    if len(text) > MAX_CHARACTERS or count > MAX_GAPS:
        return None
    if deciding := find_deciding(text):
        return Pinned(deciding)
    styles = "".join(STYLES.findall(text))
    marked = numbered(text)
    if marked is None or text.count("<") * styles.count("{") > MAX_STEPS:
        return None
    try:
        html = finish.make(marked)
        found = judged(html, count, styles)
        if found.harmful:
            return Pinned(found.harmful)
        text_shape = TextShape(html, count) if wants_text else None
        return _proven(recorded.text, Pieces(found.html, count), text_shape, finish)
    except (FinishError, LetterError):
        return None  # whoever finishes it itself says what is wrong


def _proven(
    text: str, pieces: Pieces, text_shape: TextShape | None, finish: Finish
) -> Shape | None:
    """Raises FinishError, LetterError."""
    probe = Recorded(text, _probe(pieces, finish, text))
    expected = finish.make(probe.filled())
    for forms in (_AS_FILLED, _WRITTEN_ANEW):
        shape = Shape(pieces, forms, text_shape, finish.unsure)
        filled = shape.fill(probe)
        if filled is not None and filled.html == expected:  # FL3
            told = None if text_shape is None else plain_text(expected)
            return shape if filled.text == told else None
    return None


def _probe(pieces: Pieces, finish: Finish, text: str) -> list[str]:
    """Values that are all different, and have whatever is written in another way."""
    special = "&<>\"' z" if "<pre" in text.lower() else f"&<>\"' z{NO_BREAK}\u00e9"
    usual = [f"p{at}{special}" for at in range(pieces.count)]
    for at in pieces.others:
        usual[at] = finish.unsure.sub("", usual[at])
    return usual
