"""The fields of requests to a collector, from a file that the operator names: ``name: value``, one a line."""

import re
from pathlib import Path
from typing import Final

MAX_OCTETS: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


class HeaderFileError(Exception):
    """The file cannot be used; the text names the line and quotes nothing of it."""


def read_headers(path: Path) -> dict[str, str]:
    """Blocks. Lines that are empty, or begin with #, say nothing. Raises HeaderFileError."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        text = f"tracing.headers_file: {path}: {error.strerror or type(error).__name__}"
        raise HeaderFileError(text) from None
    if len(octets) > MAX_OCTETS or not octets.isascii():
        raise HeaderFileError(f"tracing.headers_file: {path}: is not ASCII, or over 64 KiB")
    found: dict[str, str] = {}
    for number, line in enumerate(octets.decode("ascii").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or _NAME.fullmatch(name.strip()) is None or not value.strip().isprintable():
            text = f"tracing.headers_file: {path}: line {number}: write name: value"
            raise HeaderFileError(text)
        found[name.strip().lower()] = value.strip()
    return found
