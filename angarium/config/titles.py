"""What something is called for people, in several languages. Pure."""

from collections.abc import Mapping
from typing import Final

from angarium.config.languages import FALLBACK, is_tag, nearest

TITLE_CHARACTERS: Final = 100
MAX_TITLES: Final = 40  # ours


def title_in(titles: Mapping[str, str], language: str, name: str) -> str:
    """Return what people who read this language are shown: the nearest title, English, the first one, the name."""
    if not titles:
        return name
    tags = tuple(titles)
    return titles[nearest(tags, language, nearest(tags, FALLBACK, tags[0]))]


def find_language_fault(tag: str) -> str | None:
    """Say what is wrong with the language of a title; None: nothing."""
    if is_tag(tag):
        return None
    return f"{tag[:40]!r} is no language; write en, de, pt-BR, for instance"


def find_title_fault(title: str) -> str | None:
    """Say what is wrong with a title, without the white space around it; None: nothing."""
    if 0 < len(title) <= TITLE_CHARACTERS and title.isprintable():
        return None
    return f"a title has 1 to {TITLE_CHARACTERS} printable characters"
