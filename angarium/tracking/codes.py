"""Codes that stand for the way to leave, in the words of several services, and what they become. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal

import msgspec

from angarium.tracking.edits import Edit
from angarium.tracking.slots import LEAVE_SLOT

Page = Literal["u", "p"]  # leave; see and change preferences

# Editors of HTML write these otherwise in attributes, and in text
_TWO: Final = (r"(?:\{\{|%7B%7B)", r"(?:\}\}|%7D%7D)")
_THREE: Final = (r"(?:\{\{\{|%7B%7B%7B)", r"(?:\}\}\}|%7D%7D%7D)")
_TAG: Final = (r"(?:<|&lt;|%3C)%", r"%(?:>|&gt;|%3E)")


def _code(around: tuple[str, str], name: str) -> str:
    blanks = "(?:[ \t]|%20){0,8}"
    return f"{around[0]}{blanks}{name}{blanks}{around[1]}"


# Addresses: what stands there becomes one
_ADDRESSES: Final[dict[Page, tuple[str, ...]]] = {
    "u": (
        _code(_THREE, "unsubscribe_url"),
        _code(_TWO, "unsubscribe_url"),
        r"%(?:tag_|mailing_list_)?unsubscribe_url%",  # Mailgun
        _code(_TAG, "asm_(?:group|global)_unsubscribe_raw_url"),  # SendGrid
        r"\[unsubscribe\](?!\()",  # SendGrid; what is followed by "(" is a link of Markdown
        _code(_THREE, "unsubscribe"),  # SendGrid
        _code(_THREE, "pm:unsubscribe_url"),  # Postmark
        _code(_THREE, "RESEND_UNSUBSCRIBE_URL"),  # Resend
        _code(_TWO, "amazonSESUnsubscribeUrl"),  # SES
        r"\*\|UNSUB\|\*",  # Mailchimp
    ),
    "p": (
        _code(_THREE, "preferences_url"),
        _code(_TWO, "preferences_url"),
        _code(_TAG, "asm_preferences_raw_url"),  # SendGrid
        _code(_THREE, "unsubscribe_preferences"),  # SendGrid
        r"\*\|UPDATE_PROFILE\|\*",  # Mailchimp
    ),
}
# Links: what stands there becomes one with words of its own, but in an attribute, and in plain text, an address
_LINKS: Final[dict[Page, tuple[str, ...]]] = {
    "u": (
        _code(_TAG, "(?:asm_(?:group|global)_unsubscribe_url|unsubscribe)"),  # SendGrid
        _code(_THREE, "pm:unsubscribe"),  # Postmark
    ),
    "p": (_code(_TAG, "asm_preferences_url"),),  # SendGrid
}
_WORDS: Final[dict[Page, str]] = {"u": "Unsubscribe", "p": "Manage preferences"}
_GROUPS: Final[tuple[tuple[Page, dict[Page, tuple[str, ...]]], ...]] = (
    ("u", _ADDRESSES),
    ("p", _ADDRESSES),
    ("u", _LINKS),
    ("p", _LINKS),
)
_ANY: Final = "|".join(f"({'|'.join(table[page])})" for page, table in _GROUPS)
# Each begins with one of few characters: most places are passed by that
_CODE: Final = re.compile(rf"(?=[{{%<&\[*])(?:{_ANY})")
# Of which each code has one: they are found much sooner than codes. Each beside five characters of it, by which it is
# looked for: Python finds more than five slowly in a long text
_STEMS: Final = (
    ("nsubscribe", "scrib"),
    ("preferences", "feren"),
    ("UNSUB", "UNSUB"),
    ("|UPDATE_PROFILE|", "|"),
)
MAX_STEMS: Final = 1000  # of a text; ours
_AROUND: Final = 100  # characters: a code is shorter, and has its stem in it
_IN_ATTRIBUTE: Final = ('"', "'", "=")


class Code(msgspec.Struct, frozen=True, kw_only=True):
    start: int
    stop: int
    page: Page
    is_link: bool  # it brings its words


def find_codes(text: str) -> Iterator[Code]:
    """Yield them in order, those behind ``MAX_STEMS`` words like theirs left out."""
    behind = 0
    for at in sorted(islice(_stems(text), MAX_STEMS)):
        found = _CODE.search(text, max(behind, at - _AROUND), at + _AROUND)
        if found is not None:
            behind = found.end()
            page, table = _GROUPS[(found.lastindex or 1) - 1]
            yield Code(start=found.start(), stop=behind, page=page, is_link=table is _LINKS)


def _stems(text: str) -> Iterator[int]:
    for stem, part in _STEMS:
        before = stem.index(part)
        at = text.find(part)
        while at >= 0:
            if at >= before and text.startswith(stem, at - before):
                yield at - before
            at = text.find(part, at + 1)


def has_code(text: str) -> bool:
    # Most have not even the words, and this is asked of each link
    if "nsubscribe" in text or "UNSUB" in text or "preferences" in text or "UPDATE_PROFILE" in text:
        return next(find_codes(text), None) is not None
    return False


def of_codes(text: str, base_url: str, *, is_html: bool) -> Iterator[Edit]:
    """Yield the changes of all codes in a text."""
    for each in find_codes(text):
        address = f"{base_url}/{each.page}/{LEAVE_SLOT}"
        is_link = is_html and each.is_link and not text.endswith(_IN_ATTRIBUTE, 0, each.start)
        new = f'<a href="{address}">{_WORDS[each.page]}</a>' if is_link else address
        yield Edit(start=each.start, stop=each.stop, text=new)
