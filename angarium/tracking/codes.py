"""Codes that stand for the way to leave, in the words of several services, and what they become. Pure."""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from angarium.tracking.slots import LEAVE_SLOT

Page = Literal["u", "p"]  # leave; see and change preferences
# Addresses: what stands there becomes one
_ADDRESSES: Final[dict[Page, tuple[str, ...]]] = {
    "u": (
        r"\{\{\{?\s*unsubscribe_url\s*\}?\}\}",
        r"%(?:tag_|mailing_list_)?unsubscribe_url%",  # Mailgun
        r"(?:<|&lt;)%\s*asm_(?:group|global)_unsubscribe_raw_url\s*%(?:>|&gt;)",  # SendGrid
        r"\[unsubscribe\](?!\()",  # SendGrid; what is followed by "(" is a link of Markdown
        r"\{\{\{\s*unsubscribe\s*\}\}\}",  # SendGrid
        r"\{\{\{\s*pm:unsubscribe_url\s*\}\}\}",  # Postmark
        r"\{\{\{\s*RESEND_UNSUBSCRIBE_URL\s*\}\}\}",
        r"\{\{\s*amazonSESUnsubscribeUrl\s*\}\}",
        r"\*\|UNSUB\|\*",  # Mailchimp
    ),
    "p": (
        r"\{\{\{?\s*preferences_url\s*\}?\}\}",
        r"(?:<|&lt;)%\s*asm_preferences_raw_url\s*%(?:>|&gt;)",
        r"\{\{\{\s*unsubscribe_preferences\s*\}\}\}",
        r"\*\|UPDATE_PROFILE\|\*",
    ),
}
# Links: what stands there becomes one with words of its own, but in an attribute, and in plain text, an address
_LINKS: Final[dict[Page, tuple[str, ...]]] = {
    "u": (
        r"(?:<|&lt;)%\s*(?:asm_(?:group|global)_unsubscribe_url|unsubscribe)\s*%(?:>|&gt;)",
        r"\{\{\{\s*pm:unsubscribe\s*\}\}\}",
    ),
    "p": (r"(?:<|&lt;)%\s*asm_preferences_url\s*%(?:>|&gt;)",),
}
_WORDS: Final[dict[Page, str]] = {"u": "Unsubscribe", "p": "Manage preferences"}
_GROUPS: Final = (("u", _ADDRESSES), ("p", _ADDRESSES), ("u", _LINKS), ("p", _LINKS))
_CODE: Final = re.compile("|".join(f"({'|'.join(table[page])})" for page, table in _GROUPS))


class Code(msgspec.Struct, frozen=True, kw_only=True):
    start: int
    stop: int
    page: Page
    is_link: bool  # it brings its words


def find_codes(text: str) -> Iterator[Code]:
    for found in _CODE.finditer(text):
        page, table = _GROUPS[(found.lastindex or 1) - 1]
        yield Code(start=found.start(), stop=found.end(), page=page, is_link=table is _LINKS)


def has_code(text: str) -> bool:
    return _CODE.search(text) is not None


def address_of(page: Page, base_url: str) -> str:
    return f"{base_url}/{page}/{LEAVE_SLOT}"


def link_of(page: Page, base_url: str) -> str:
    """Return a link of HTML, with its words."""
    return f'<a href="{address_of(page, base_url)}">{_WORDS[page]}</a>'
