"""Spans of time as people write and read them. Pure."""

import re
from typing import Final

import click

_UNITS_S: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d{1,9})([dhms])")


class Duration(click.ParamType[int]):
    """``90s``, ``15m``, ``1h30m``, ``2d``; a number alone is seconds. Converts to milliseconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip().lower()
        if text.isdecimal() and text.isascii():
            return int(text) * 1000
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{value!r} is not a duration; write 90s, 15m, 1h30m or 2d", param, ctx)
        return sum(int(number) * _UNITS_S[unit] for number, unit in parts) * 1000


def span_text(milliseconds: int) -> str:
    """The two largest units: ``3 d 4 h``, ``5 min 2 s``, ``12 s``, ``40 ms``."""
    if milliseconds < 1000:
        return f"{max(milliseconds, 0)} ms"
    seconds = milliseconds // 1000
    found: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            found.append(f"{number} {name}")
        elif found:
            break
        if len(found) == 2:
            break
    return " ".join(found)


def octets_text(octets: int) -> str:
    """``512 octets``, ``20.0 KB``, ``1.2 MB``."""
    if octets < 1000:
        return f"{octets} octets"
    number = float(octets)
    for unit in ("KB", "MB", "GB", "TB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number:.0f} TB"
