"""What is wrong with MJML that its reader passes over: elements that it does not know, and such as are not closed.
Pure.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from angarium.content.html_tags import tags

_KNOWN: Final = frozenset(
    {
        *("mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-font"),
        *("mj-breakpoint", "mj-style", "mj-title", "mj-preview", "mj-html-attributes"),
        *("mj-selector", "mj-html-attribute", "mj-wrapper", "mj-section", "mj-column"),
        *("mj-group", "mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer"),
        *("mj-table", "mj-raw", "mj-hero", "mj-navbar", "mj-navbar-link", "mj-social"),
        *("mj-social-element", "mj-accordion", "mj-accordion-element", "mj-accordion-title"),
        *("mj-accordion-text", "mj-carousel", "mj-carousel-image", "mj-include"),
    }
)
_NOT_LOADED: Final = "mj-include"


class MjmlFault(NamedTuple):
    offset: int  # in characters
    message: str


def find_faults(source: str) -> Iterator[MjmlFault]:
    """Yield each, in order. ``source`` may have been filled in, or not yet."""
    open_ones: list[tuple[str, int]] = []
    for tag in tags(source):
        if not tag.name.startswith("mj"):
            continue
        if tag.name not in _KNOWN:
            yield MjmlFault(tag.start, f"<{tag.name}> is no element of MJML")
        elif tag.name == _NOT_LOADED:
            yield MjmlFault(tag.start, "mj-include loads nothing here: use a partial of yours")
        if not tag.closing:
            if source[tag.end - 2 : tag.end] != "/>":
                open_ones.append((tag.name, tag.start))
        elif open_ones and open_ones[-1][0] == tag.name:
            open_ones.pop()
        else:
            where = f"where <{open_ones[-1][0]}> is open" if open_ones else "and is not open"
            yield MjmlFault(tag.start, f"</{tag.name}> closes it here, {where}")
            return
    for name, start in open_ones[-1:]:
        yield MjmlFault(start, f"<{name}> is not closed")
