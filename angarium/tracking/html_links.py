"""The links of an HTML text that may be counted, and where what is not to be seen is put. Pure."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.content.html_body import start_of_body
from angarium.content.html_tags import Comment, Tag, tags, tags_and_comments
from angarium.content.html_value import attribute_value
from angarium.content.leaving_words import which_speak_of_leaving
from angarium.tracking.codes import has_code
from angarium.tracking.octets import Characters
from angarium.tracking.targets import Left, Place, target_of_address

_LINKS: Final = frozenset({"a", "area"})
_NAMES: Final = _LINKS | {"/body", "/html"}
# Outlook draws buttons by these, in comments that only it reads
_DRAWN: Final = frozenset(
    f"v:{each}"
    for each in (
        "roundrect",
        "rect",
        "shape",
        "oval",
        "group",
        "image",
        "line",
        "polyline",
        "arc",
        "curve",
    )
)
_OUTLOOK: Final = _LINKS | _DRAWN
_CONDITION: Final = re.compile(r"\s*\[if\b[^\]>]{0,200}\]>")
# By which several services let a link alone; no values: whatever it is
_MARKS: Final[dict[str, tuple[str, ...]]] = {
    "data-track": ("no", "off", "false"),
    # SendGrid
    "clicktracking": ("off",),
    # Postmark
    "data-pm-no-track": (),
    # SES
    "ses:no-track": (),
    # Mailgun
    "disable-tracking": ("true",),
}
_ATTRIBUTES: Final = frozenset({"href", *_MARKS})
_LINK_END: Final = re.compile("</(?:[aA]|[vV]:[A-Za-z]+)[ >]")
_WORDS: Final = 400  # characters of a link's content that are looked at
# Characters: of a mail that is longer, Gmail shows the end only if one asks for it
_LONG: Final = 90_000


class Found(msgspec.Struct, frozen=True, kw_only=True):
    links: tuple[Place, ...]  # in order
    end: int  # where something can be put that is not seen: before the end, mostly


class _Candidate(msgspec.Struct, kw_only=True):
    start: int
    stop: int
    written: str
    content: int  # where it starts


def find_links(html: Characters, left: Left, *, with_links: bool) -> Found:
    """Find all links of the web but those that are left alone; without ``with_links`` none."""
    text = html.text
    candidates: list[_Candidate] = []
    bodies = dict[str, int]()
    for each in tags_and_comments(text, _NAMES, _ATTRIBUTES):
        if isinstance(each, Comment):
            if with_links:
                candidates += _for_outlook(text, each)
        elif each.closing:
            bodies[each.name] = each.start
        elif with_links:
            _note(candidates, each, 0)
    links = [] if not candidates else list(_counted(html, candidates, left))
    return Found(links=tuple(links), end=_place(text, bodies))


def _note(candidates: list[_Candidate], tag: Tag, offset: int) -> None:
    href = None
    for each in tag.attributes:
        if each.name == "href":
            href = each
        elif each.name in _MARKS:
            values = _MARKS[each.name]
            if not values or each.value.strip().lower() in values:
                return
    if href is not None and href.end > href.start:
        candidates.append(
            _Candidate(
                start=offset + href.start,
                stop=offset + href.end,
                written=href.value,
                content=offset + tag.end,
            )
        )


def _for_outlook(text: str, comment: Comment) -> Iterator[_Candidate]:
    """Those in a conditional comment, which is HTML to Outlook; another comment is none."""
    condition = _CONDITION.match(text, comment.start, comment.end)
    if condition is None:
        return
    end = text.rfind("<![endif]", condition.end(), comment.end)
    if end < 0:
        return
    candidates: list[_Candidate] = []
    for tag in tags(text[condition.end() : end], _OUTLOOK, _ATTRIBUTES):
        _note(candidates, tag, condition.end())
    yield from candidates


def _counted(html: Characters, candidates: list[_Candidate], left: Left) -> Iterator[Place]:
    text = html.text
    places: list[Place] = []
    said: list[str] = []
    for each in candidates:
        meant = html.meaning(each.written)
        if meant is None or has_code(meant):
            continue
        meant = attribute_value(meant)
        target = target_of_address(meant)
        if target is None or left.has(target) or (meant != target and left.has(meant)):
            continue
        words = html.words(_content(text, each.content))
        said.append(f"{attribute_value(words)}\n{target}")
        is_quoted = text[each.start - 1] in "\"'"
        places.append(Place(start=each.start, stop=each.stop, is_quoted=is_quoted, target=target))
    leaving = which_speak_of_leaving(said)
    return (place for place, is_leaving in zip(places, leaving, strict=True) if not is_leaving)


def _content(text: str, at: int) -> str:
    """Return what a link has in it, as far as it is looked at."""
    end = _LINK_END.search(text, at, at + _WORDS)
    return text[at : at + _WORDS if end is None else end.start()]


def _place(text: str, closing: dict[str, int]) -> int:
    if len(text) <= _LONG:
        for name in ("body", "html"):
            if name in closing:
                return closing[name]
        if _is_open_at_end(text):
            return len(text.removesuffix("\r\n"))
    return start_of_body(text)


_PROBE: Final = "<x-probe>"


def _is_open_at_end(text: str) -> bool:
    """Whether a tag at the end would be one: not in a comment or a script that never ends."""
    return any(
        each.end == len(text) + len(_PROBE) for each in tags(text + _PROBE, frozenset({"x-probe"}))
    )
