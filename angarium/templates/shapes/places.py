"""Which gaps of HTML stand where their values change nothing but themselves. Pure.

Values are words, escaped (``Recorded.is_plain``). Within text and within some attributes they change no element and no
rule of a style sheet, as the HTML standard has it (section 13.2); elsewhere they might.
"""

import re
from typing import Final

import msgspec

from angarium.content.html_tags import Attribute, Tag, tags
from angarium.templates.shapes.recording import GAP

# What stands for a gap while HTML is finished, about its number. MJML is written with such as are no symbols escaped
_MARK: Final = "\u241c"
_END: Final = "\u241d"
# Of a gap whose value is written in another way than the others: in an attribute, in an address
OTHER: Final = "\u241e"
# Of a gap where nothing is read as HTML, so that the value stands there as it was filled in
AS_FILLED: Final = "\u241b"
FORMS: Final = _MARK, OTHER, AS_FILLED
MARK: Final = re.compile(f"([{''.join(FORMS)}])([0-9]+){_END}")
_MARKS: Final = frozenset((*FORMS, _END))
# No tag is found in any of these
_UNREAD: Final = re.compile(r"<!--.*?-->|<script\b.*?</script", re.I | re.S)
# A value might go on with a tag's name, a comment's begin or a character's name that stands before it
_BEGUN: Final = re.compile(rf"[<&][^\s<>&\"';]*{GAP}")
# What may be a style sheet, and more
STYLES: Final = re.compile(r"<(?:mj-)?style\b.*?(?:</(?:mj-)?style|\Z)", re.I | re.S)
# Where other rules hold: of what is text, and of what text does
_APART: Final = re.compile(r"<!\[cdata\[|<frameset", re.I)
# Of these, readers and style sheets ask whether they are there, if at all
_ATTRIBUTES: Final = frozenset(
    {
        *("href", "src", "alt", "title", "width", "height", "bgcolor", "background", "align"),
        *("valign", "color", "face", "size", "border", "cellpadding", "cellspacing", "name"),
        *("value", "srcset", "cite", "datetime", "summary", "target", "aria-label"),
    }
)
_NOT_OF: Final = frozenset({"style", "link", "script", "base", "meta", "html", "svg", "math"})
# Of four alike that are open, the parser forgets one: whether they are may lie in a value. Not so of ``a``
_FORMATTING: Final = frozenset(
    {
        *("b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong"),
        *("tt", "u"),
    }
)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """Finished HTML, and what is known of its gaps."""

    html: str  # with other marks for gaps in attributes, and where nothing is read
    harmful: frozenset[int]  # numbers of gaps that are gone, or stand where they may change more


def find_deciding(text: str) -> frozenset[int]:
    """Return the numbers of gaps that go on with something, or say what a style sheet says."""
    found: set[int] = set()
    for pattern in (_BEGUN, STYLES):
        for each in pattern.finditer(text):
            first = text.count(GAP, 0, each.start())
            found.update(range(first, first + each[0].count(GAP)))
    return frozenset(found)


def numbered(text: str) -> str | None:
    """Return it with a mark for each gap, by which it is known again; None: what stands there cannot be told."""
    if _APART.search(text) or any(each in text for each in _MARKS):
        return None
    first, *rest = text.split(GAP)
    marked = [f"{_MARK}{number}{_END}{each}" for number, each in enumerate(rest)]
    return "".join((first, *marked))


def judged(html: str, count: int, selectors: str) -> Judged:
    """``html``: with marks, finished; ``selectors``: whatever has the style sheets in it."""
    harmful = set(range(count)) - set(_numbers(html))
    pieces: list[str] = []
    at = 0
    for tag in tags(html):
        if html.find(_MARK, tag.start, tag.end) < 0:
            continue
        harmful |= _harmful(html, tag, may_be_selected="[" in selectors)
        pieces += html[at : tag.start], html[tag.start : tag.end].replace(_MARK, OTHER)
        at = tag.end
    marked = "".join((*pieces, html[at:]))
    marked = _UNREAD.sub(lambda found: found[0].replace(_MARK, AS_FILLED), marked)
    return Judged(html=marked, harmful=frozenset(harmful))


def has_marks(text: str) -> bool:
    return _MARK in text or OTHER in text


def before_mark(text: str) -> str:
    return text.partition(_MARK)[0].partition(OTHER)[0]


def marked_as_other(text: str) -> str:
    return text.replace(_MARK, OTHER)


def _numbers(text: str) -> list[int]:
    return [int(each[2]) for each in MARK.finditer(text)]


def _harmful(html: str, tag: Tag, *, may_be_selected: bool) -> set[int]:
    """Return the numbers of gaps in it that may change more than what is written."""
    found = set(_numbers(html[tag.start : tag.end]))
    if may_be_selected or tag.closing or tag.name in _NOT_OF or tag.name in _FORMATTING:
        return found
    fit: list[int] = []
    for each in tag.attributes:
        if _is_fit(html, each):
            fit += _numbers(html[each.start : each.end])
    within = _numbers(html[tag.start : tag.end])
    # One that stands in a harmless place and in another one is harmful
    return {each for each in found if fit.count(each) != within.count(each)}


def _is_fit(html: str, attribute: Attribute) -> bool:
    return (
        attribute.name in _ATTRIBUTES and attribute.start > 0 and html[attribute.start - 1] in "\"'"
    )
