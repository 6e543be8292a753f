"""What the pages say, in several languages: ``words/*.toml``, all of the same texts. Read once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from angarium.config.languages import FALLBACK, nearest

# In the order in which they are offered
LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
# Ours, of what is looked at of a header
_HEADER_CHARACTERS: Final = 500
_RANGES: Final = 20


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``{address}``, ``{sender}``, ``{topic}`` and ``{stream}`` stand for what they name."""

    name: str  # of the language, in it
    direction: Literal["ltr", "rtl"] = "ltr"
    languages: str
    ask_title: str
    ask_topic: str
    ask_stream: str
    ask_note: str
    ask_button: str
    choose_link: str
    left_title: str
    left_topic: str
    left_stream: str
    left_note: str
    undo_text: str
    undo_button: str
    back_title: str
    back_topic: str
    back_stream: str
    kept_title: str
    kept_text: str
    preferences_title: str
    preferences_text: str
    topics: str
    streams: str
    stream: str
    both_note: str
    kept_note: str
    save_button: str
    leave_all_button: str
    saved: str
    expired_title: str
    expired_text: str
    unknown_title: str
    unknown_text: str
    failed_title: str
    failed_text: str


@cache
def all_words() -> Mapping[str, Words]:
    """Return the texts by language, in the order in which these are offered. Blocks at its first call."""
    place = resources.files("angarium.api.leaving").joinpath("words")
    return MappingProxyType(
        {
            each: msgspec.convert(
                tomllib.loads(place.joinpath(f"{each}.toml").read_text("utf-8")), Words
            )
            for each in LANGUAGES
        }
    )


def chosen_language(asked: str, own: str, accepted: str) -> str:
    """Return one of LANGUAGES: what the link says, else the mail's own, else what the browser would rather have.

    ``accepted``: Accept-Language (RFC 9110 section 12.5.4).
    """
    for tag in (asked, own, *_by_preference(accepted)):
        if found := nearest(LANGUAGES, tag, ""):
            return found
    return FALLBACK


def _by_preference(accepted: str) -> list[str]:
    weighed: list[tuple[float, str]] = []
    for each in accepted[:_HEADER_CHARACTERS].split(",")[:_RANGES]:
        tag, _, parameter = each.strip().partition(";")
        weight = parameter.strip().removeprefix("q=") or "1"
        try:
            quality = float(weight)
        except ValueError:
            continue
        if 0 < quality <= 1:
            weighed.append((-quality, tag.strip()))
    # Stable: of equal ones the first
    return [tag for _, tag in sorted(weighed, key=lambda each: each[0])]
