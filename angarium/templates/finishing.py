"""What is done with the parts of a mail once they are filled in: MJML, CSS, text of HTML, subjects of one line. Pure.

Nothing is loaded, from the network or from files: no include of MJML, no stylesheet by its address (P4).
"""

import re
from typing import Final

import css_inline
import mrml

_STYLE: Final = re.compile(r"<style[\s>]", re.IGNORECASE)
_ROOT: Final = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?")
_POSITION: Final = re.compile(r"position ([0-9]+)")
# What ends a line, for whoever reads a header, and what no header has
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_EMPTY_STYLE: Final = "<style></style>"
_INLINER: Final = css_inline.CSSInliner(
    load_remote_stylesheets=False,
    # Rules that cannot be inlined stay: media queries, :hover
    keep_style_tags=True,
    remove_inlined_selectors=True,
)
_MJML: Final = mrml.ParserOptions(include_loader=mrml.noop_loader())


class FinishError(Exception):
    """The HTML or MJML cannot be finished. ``offset`` is where, in octets of what was filled in; None: unknown."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


def one_line(text: str) -> str:
    """Return it without a line end in it: no variable begins another field of the header (C1)."""
    return " ".join(filter(None, (each.strip() for each in _CONTROL.split(text))))


def html_of_mjml(source: str) -> str:
    """Raises FinishError."""
    start = _ROOT.match(source)
    skipped = start.end() if start else 0
    try:
        return str(mrml.to_html(source[skipped:], _MJML).content)
    except OSError as error:
        found = _POSITION.search(str(error))
        offset = None if found is None else int(found[1]) + len(source[:skipped].encode())
        raise FinishError(_plain_words(str(error)), offset) from error


def _plain_words(message: str) -> str:
    if "unable to load included template" in message:
        return "mj-include loads nothing here: use a partial of yours"
    if "unable to find mjml element" in message or "unable to parse next template" in message:
        return "it is no MJML: begin it with <mjml>"
    words = message.partition(" in root template")[0]
    return f"it is no MJML: {words}"


def has_styles(html: str) -> bool:
    """Whether it has style sheets."""
    return _STYLE.search(html) is not None


def with_inlined_css(html: str) -> str:
    """Return it with its style sheets' rules at the elements; as it is, if it has none. Raises FinishError."""
    if not has_styles(html):
        return html
    try:
        return _INLINER.inline(html).replace(_EMPTY_STYLE, "")
    except ValueError as error:
        raise FinishError(f"its CSS cannot be inlined: {error}"[:200]) from error
