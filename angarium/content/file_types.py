"""What type a file is, by its name, where nobody says. Pure: the same on all machines."""

import mimetypes
from typing import Final

UNKNOWN: Final = "application/octet-stream"
_TYPES: Final = mimetypes.MimeTypes()  # what Python ships, and nothing of the machine's own
_MORE: Final = {
    ".ics": "text/calendar",
    ".md": "text/markdown",
    ".webp": "image/webp",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def guess_type(filename: str) -> str:
    """Return ``application/pdf`` for ``a.pdf``."""
    dot, extension = filename.rpartition(".")[1:]
    suffix = f"{dot}{extension}".lower()
    return _MORE.get(suffix) or _TYPES.types_map[1].get(suffix, UNKNOWN)
