"""How a language writes dates and numbers. Pure."""

import functools

from babel import Locale, UnknownLocaleError

from angarium.config.languages import FALLBACK


@functools.lru_cache(maxsize=1000)
def conventions(tag: str) -> Locale:
    """Return how dates and numbers are written there: of the tag, or of what is left of it, or English."""
    asked = tag.replace("_", "-")
    while asked:
        try:
            return Locale.parse(asked, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            asked = asked.rpartition("-")[0]
    return Locale.parse(FALLBACK)
