"""SendGrid's older way to fill in a mail: each tag that is found in a text is replaced by its value. Pure.

A value may name sections, whose texts may have tags again; no deeper than that.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

# Ours: what a text may come to by what is put into it
MAX_CHARACTERS: Final = 20_000_000


class TooLongError(ValueError):
    """What is filled in makes it longer than ``MAX_CHARACTERS``."""


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    substitutions: Mapping[str, str] = {}  # no tag is ""
    sections: Mapping[str, str] = {}

    def fill(self, text: str) -> str:
        """Raises TooLongError."""
        for values in (self.substitutions, self.sections, self.substitutions):
            text = _replaced(text, values)
        return text


def _replaced(text: str, values: Mapping[str, str]) -> str:
    """In one pass, from left to right, the longest tag first: the order of tags says nothing."""
    if not values or not text:
        return text
    tags = re.compile("|".join(re.escape(tag) for tag in sorted(values, key=len, reverse=True)))
    room = MAX_CHARACTERS - len(text)
    pieces: list[str] = []
    end = 0
    for found in tags.finditer(text):
        value = values[found[0]]
        room -= len(value)
        if room < 0:
            raise TooLongError
        pieces += (text[end : found.start()], value)
        end = found.end()
    pieces.append(text[end:])
    return "".join(pieces)
