"""Spans of time and sizes as operators write them: ``1h30m``, ``64MiB``. One reading for the file and the command line.

Pure.
"""

import re
from typing import Final

_DURATION_UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_SIZE_UNITS: Final = {
    "gib": 1024**3,
    "mib": 1024**2,
    "kib": 1024,
    "gb": 1000**3,
    "mb": 1000**2,
    "kb": 1000,
    "": 1,
}
_SPELLED: Final = {"gib": "GiB", "mib": "MiB", "kib": "KiB", "gb": "GB", "mb": "MB", "kb": "KB"}
_PART: Final = re.compile(r"([0-9]{1,9})(ms|[dhms])")
_SIZE: Final = re.compile(r"([0-9]{1,15})((?:[kmg]i?b)?)")
DURATION_EXAMPLES: Final = "90s, 15m, 1h30m or 2d"
SIZE_EXAMPLES: Final = "64MB, 256MiB or 2GB"


def parse_duration_ms(text: str) -> int:
    """Read ``90s``, ``15m``, ``1h30m``, ``2d``, ``500ms``; a number alone is seconds. Raises ValueError."""
    lowered = text.strip().lower()
    if lowered.isdecimal() and lowered.isascii() and len(lowered) < 10:
        return int(lowered) * 1000
    parts = _PART.findall(lowered)
    if not parts or "".join(number + unit for number, unit in parts) != lowered:
        raise ValueError(f"{text!r} is not a duration; write {DURATION_EXAMPLES}")
    return sum(int(number) * _DURATION_UNITS_MS[unit] for number, unit in parts)


def parse_octets(text: str) -> int:
    """Read ``64MB`` (of 1,000), ``64MiB`` (of 1,024); a number alone is octets. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write {SIZE_EXAMPLES}")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def duration_text(seconds: float) -> str:
    """The same span as it is written: ``5d``, ``1h30m``, ``0s``. Below a millisecond nothing is said."""
    left = round(seconds * 1000)
    parts = ""
    for unit, size in _DURATION_UNITS_MS.items():
        number, left = divmod(left, size)
        if number:
            parts += f"{number}{unit}"
    return parts or "0s"


def size_text(octets: int) -> str:
    """The same size as it is written, in the largest unit that leaves no rest: ``256MiB``, ``1500``."""
    for unit, size in _SIZE_UNITS.items():
        if octets >= size and octets % size == 0:
            return f"{octets // size}{_SPELLED.get(unit, '')}"
    return str(octets)
