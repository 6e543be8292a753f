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
