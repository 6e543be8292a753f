"""Rates as operators write them: ``100/s``, ``10/min``, ``500/h``. Pure."""

import re
from typing import Final

_RATE: Final = re.compile(r"([0-9]{1,9})/(s|min|h|d)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def per_second(text: str) -> float:
    """Raises ValueError."""
    found = _RATE.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is not a rate; write 10/s, 1/min or 500/h")
    return int(found[1]) / _SECONDS[found[2]]


def rate_text(messages_per_s: float) -> str:
    """The same rate as it is written, in the unit that makes a number of two digits or so: ``1.5/min``."""
    for unit, seconds in _SECONDS.items():
        if (number := messages_per_s * seconds) >= 1 or unit == "d":
            return f"{number:.3g}/{unit}"
    raise AssertionError
