"""Language tags, and which of several comes nearest. Pure.

Tags are BCP 47's (RFC 5646), as far as they matter here: ``de``, ``de-AT``, ``zh-Hant-TW``; upper and lower case and
``_`` for ``-`` are alike.
"""

import functools
import re
from typing import Final

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,5}")
FALLBACK: Final = "en"  # ours: where nobody says a language


def is_tag(text: str) -> bool:
    """Whether it has the form of a language tag."""
    return _TAG.fullmatch(text) is not None


def is_within(tag: str, other: str) -> bool:
    """Whether it is the other, or a kind of it: ``de-AT`` of ``de``."""
    return f"{_folded(tag)}-".startswith(f"{_folded(other)}-")


@functools.lru_cache(maxsize=1000)
def nearest(tags: tuple[str, ...], wanted: str, default: str) -> str:
    """Return which of the tags comes nearest: itself, else what is left when its end is cut off, else the default.

    The default is returned even where it is none of the tags.
    """
    known = {_folded(each): each for each in tags}
    asked = _folded(wanted)
    while asked:
        if asked in known:
            return known[asked]
        asked = asked.rpartition("-")[0]
    return known.get(_folded(default), default)


def _folded(tag: str) -> str:
    return tag.replace("_", "-").lower()
