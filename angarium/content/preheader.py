"""The line that lists of mail show behind the subject: text at the head of the HTML that nobody sees in it. Pure."""

import html as entities
import re
from typing import Final

from angarium.content.html_tags import tags

MAX_CHARACTERS: Final = 250  # ours: lists show a hundred
_STYLE: Final = (
    "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;"
    "overflow:hidden;mso-hide:all"
)
_DOCTYPE: Final = re.compile(r"\s*<!doctype\b[^>]*>", re.IGNORECASE)
_HEAD: Final = frozenset(
    {"head", "title", "meta", "link", "style", "script", "base", "noscript", "template"}
)
# Blanks that no list shows, so that what the letter begins with does not follow the line
_PADDING: Final = "&#847;&zwnj;&nbsp;" * 100


def with_preheader(html: str, text: str) -> str:
    """Return the HTML with the line at the beginning of its body, and otherwise as it is."""
    at = _behind_doctype(html)
    for tag in tags(html):
        if tag.closing:
            if tag.name == "head":
                at = tag.end
        elif tag.name == "body":
            at = tag.end
            break
        elif tag.name == "html":
            at = tag.end
        elif tag.name not in _HEAD:
            break
    shown = entities.escape(text)
    line = f'<div style="{_STYLE}" aria-hidden="true">{shown}{_PADDING}</div>'
    return html[:at] + line + html[at:]


def _behind_doctype(html: str) -> int:
    """In front of it, it would be none."""
    found = _DOCTYPE.match(html)
    return 0 if found is None else found.end()
