"""HTML as plain text: enough to read a notice, with work linear in its length (C4). Pure."""

import html
import re
from typing import Final

_BLOCK: Final = re.compile(
    r"<\s*/?\s*(?:br|p|div|tr|li|ul|ol|table|h[1-6]|hr|pre|blockquote|section|body|title)\b[^<>]*>",
    re.IGNORECASE,
)
_CELL: Final = re.compile(r"<\s*/\s*t[dh]\b[^<>]*>", re.IGNORECASE)
# Not an address in brackets: some notices are called HTML, and are none
_TAG: Final = re.compile(r"</?(?![^<>\s=\"]{1,320}@[^<>\s=\"]{1,255}>)[A-Za-z!?][^<>]*>")
_SPACES: Final = re.compile(r"[ \t\u00a0]+")
_HIDDEN: Final = (("<style", "</style"), ("<script", "</script"), ("<!--", "-->"))


def plain_text(text: str) -> str:
    for opening, closing in _HIDDEN:
        text = _without(text, opening, closing)
    # Line ends of the source mean nothing, but where it is no real HTML
    if "<" in text and _BLOCK.search(text):
        if "<pre" not in text.lower():
            text = text.replace("\n", " ")
        text = _BLOCK.sub("\n", text)
    text = _TAG.sub("", _CELL.sub(" ", text))
    return "\n".join(_SPACES.sub(" ", line).strip() for line in html.unescape(text).split("\n"))


def _without(text: str, opening: str, closing: str) -> str:
    lower = text.lower()
    if len(lower) != len(text):
        return text
    kept, position = [], 0
    while (start := lower.find(opening, position)) >= 0:
        end = lower.find(closing, start + len(opening))
        kept.append(text[position:start])
        if end < 0:
            # Never closed: a cut mail. What follows cannot be told from style.
            return "".join(kept)
        position = end + len(closing)
        if closing[-1] != ">":
            position = max(position, lower.find(">", position) + 1)
    kept.append(text[position:])
    return "".join(kept)
