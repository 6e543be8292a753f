"""Where the body of an HTML text begins, in which tags may be left out. Pure."""

import re
from typing import Final

from angarium.content.html_tags import tags

_DOCTYPE: Final = re.compile(r"\s*<!doctype\b[^>]*>", re.IGNORECASE)
_HEAD: Final = frozenset(
    {"head", "title", "meta", "link", "style", "script", "base", "noscript", "template"}
)


def start_of_body(html: str) -> int:
    """Return the place at which what is put there is the first in the body."""
    at = _behind_doctype(html)
    for tag in tags(html):
        if tag.closing:
            if tag.name == "head":
                at = tag.end
        elif tag.name == "body":
            return tag.end
        elif tag.name == "html":
            at = tag.end
        elif tag.name not in _HEAD:
            break
    return at


def _behind_doctype(html: str) -> int:
    """In front of it, it would be none."""
    found = _DOCTYPE.match(html)
    return 0 if found is None else found.end()
