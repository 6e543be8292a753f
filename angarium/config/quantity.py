"""Spans of time, sizes and rates as operators write them: ``1h30m``, ``64MiB``, ``100/min``. One reading for the file
and the command line.

Pure.
"""

import functools
import re
from typing import Final

import msgspec

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
_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/(s|min|h|d)(?: burst ([1-9][0-9]{0,6}))?")
_RATE_UNITS_S: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
# Different ones of a configuration that are remembered
RATES: Final = 1_000
UNLIMITED: Final = "unlimited"
# What a rate lets through at once, as a part of a second's worth. Ours: a timer is late by less, and no peer sees it
_BURSTS_PER_S: Final = 10
RATE_EXAMPLES: Final = "100/s, 10/min, 500/h or 2000/d burst 50"
DURATION_EXAMPLES: Final = "90s, 15m, 1h30m or 2d"
SIZE_EXAMPLES: Final = "64MB, 256MiB or 2GB"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """At most ``count`` in ``period_s``, evenly, ``burst`` of them at once."""

    count: int
    period_s: int
    burst: int = 1

    @property
    def interval_us(self) -> int:
        """From one to the next; rounded up, so that no more than ``count`` fit."""
        return -(-self.period_s * 1_000_000 // self.count)


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


@functools.lru_cache(RATES)
def find_rate(text: str, at_once: int = 1) -> Rate | None:
    """The same as ``parse_rate``, for each message: it is remembered. None: ``unlimited``."""
    return None if text.strip().lower() == UNLIMITED else parse_rate(text, at_once)


def parse_rate(text: str, at_once: int = 1) -> Rate:
    """Read ``100/s``, ``10/min``, ``500/h``, ``2000/d``, each with ``burst 50`` behind it or without.

    Without it a tenth of a second's worth may go at once, and ``at_once`` at least. Raises ValueError.
    """
    match = _RATE.fullmatch(" ".join(text.lower().split()))
    if match is None:
        raise ValueError(f"{text!r} is not a rate; write {RATE_EXAMPLES}, or {UNLIMITED}")
    count, period_s = int(match[1]), _RATE_UNITS_S[match[2]]
    burst = int(match[3]) if match[3] else max(at_once, count // (period_s * _BURSTS_PER_S))
    return Rate(count=count, period_s=period_s, burst=burst)


def even_rate(messages_per_s: float) -> Rate:
    """Return so many a second, none of them at once; at least one a day."""
    day_s = _RATE_UNITS_S["d"]
    return Rate(count=max(1, round(messages_per_s * day_s)), period_s=day_s)


def rate_text(messages_per_s: float) -> str:
    """A rate as it would be written, in the smallest unit that has one of it: ``2.5/s``, ``1/min``."""
    units = list(_RATE_UNITS_S.items())
    unit, seconds = next((each for each in units if messages_per_s * each[1] >= 1), units[-1])
    return f"{messages_per_s * seconds:.3g}/{unit}"


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
