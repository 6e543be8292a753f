"""The line that lists of mail show behind the subject: text at the head of the HTML that nobody sees in it. Pure."""

import html as entities
from typing import Final

from angarium.content.html_body import start_of_body

MAX_CHARACTERS: Final = 250  # ours: lists show a hundred
_STYLE: Final = (
    "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;"
    "overflow:hidden;mso-hide:all"
)
# Blanks that no list shows, so that what the letter begins with does not follow the line
_PADDING: Final = "&#847;&zwnj;&nbsp;" * 100


def with_preheader(html: str, text: str) -> str:
    """Return the HTML with the line at the beginning of its body, and otherwise as it is."""
    at = start_of_body(html)
    shown = entities.escape(text)
    line = f'<div style="{_STYLE}" aria-hidden="true">{shown}{_PADDING}</div>'
    return html[:at] + line + html[at:]
