"""What programs that show mail leave out, as far as it matters to who writes one. Pure."""

from typing import Final

import msgspec


class Unsupported(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    clients: str  # that do not show it, or take it out


# Elements, as publicly known of the largest programs
TAGS: Final = {
    "audio": Unsupported(what="<audio>", clients="Gmail, Outlook, Yahoo"),
    "button": Unsupported(what="<button>", clients="Gmail, Outlook (shown, and does nothing)"),
    "canvas": Unsupported(what="<canvas>", clients="all"),
    "dialog": Unsupported(what="<dialog>", clients="Gmail, Outlook, Yahoo"),
    "math": Unsupported(what="<math>", clients="Gmail, Outlook, Yahoo"),
    "marquee": Unsupported(what="<marquee>", clients="Gmail, Outlook"),
    "svg": Unsupported(what="<svg>", clients="Gmail, Outlook, Yahoo"),
    "video": Unsupported(what="<video>", clients="Gmail, Outlook, Yahoo"),
}
# In style attributes and elements: a pattern, without case
CSS: Final = {
    r"display\s*:\s*(?:inline-)?flex": Unsupported(
        what="display: flex", clients="Outlook for Windows"
    ),
    r"display\s*:\s*(?:inline-)?grid": Unsupported(
        what="display: grid", clients="Gmail, Outlook for Windows"
    ),
    r"position\s*:\s*(?:fixed|absolute|sticky)": Unsupported(
        what="position", clients="Gmail, Outlook, Yahoo"
    ),
    r"var\(\s*--": Unsupported(what="var()", clients="Gmail, Outlook, Yahoo"),
    r"@import\b": Unsupported(what="@import", clients="Gmail, Outlook, Yahoo"),
    r"\banimation(?:-name)?\s*:": Unsupported(what="animation", clients="Gmail, Outlook, Yahoo"),
    r"\bfilter\s*:": Unsupported(what="filter", clients="Gmail, Outlook, Yahoo"),
    r"\bclip-path\s*:": Unsupported(what="clip-path", clients="Gmail, Outlook, Yahoo"),
}
# Gmail takes no style element that is longer
LARGEST_STYLE: Final = 8192
