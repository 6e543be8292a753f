"""What a tenant's mail may be about, so that people may leave one topic and keep the others. Pure values."""

from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.config.address import LABEL_RULE, is_label
from angarium.queue.model import UnixMs
from angarium.templates.locales import is_tag, nearest
from angarium.tenancy.model import TenancyError

MAX_TOPICS: Final = 200  # ours, of one tenant: a person reads them all on one page
MAX_TITLES: Final = 40
TITLE_CHARACTERS: Final = 100
FALLBACK: Final = "en"


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """There is one of each name in a tenant."""

    id: str  # a UUID
    tenant: str  # its name
    name: str  # what mail and suppressions are labelled with
    titles: dict[str, str] = {}  # what people read, by language tag; there may be none
    created: UnixMs

    def title(self, language: str) -> str:
        """Return what people who read this language are shown: the nearest title, English, the first one, the name."""
        if not self.titles:
            return self.name
        tags = tuple(self.titles)
        found = nearest(tags, language, nearest(tags, FALLBACK, tags[0]))
        return self.titles[found]


def check_name(name: str) -> str:
    """Return it. Raises TenancyError."""
    if not is_label(name):
        raise TenancyError(f"name: a topic is {LABEL_RULE}", field="name")
    return name


def tidy_titles(titles: Mapping[str, str]) -> dict[str, str]:
    """Return them as they are kept, in order. Raises TenancyError that names the language."""
    if len(titles) > MAX_TITLES:
        raise TenancyError(f"titles: at most {MAX_TITLES}", field="titles")
    tidy: dict[str, str] = {}
    for tag, title in titles.items():
        field = f"titles.{tag[:40]}"
        if not is_tag(tag):
            text = f"titles: {tag[:40]!r} is no language; write en, de, pt-BR, for instance"
            raise TenancyError(text, field="titles")
        text = title.strip()
        if not text or len(text) > TITLE_CHARACTERS or not text.isprintable():
            rule = f"1 to {TITLE_CHARACTERS} printable characters"
            raise TenancyError(f"{field}: a title has {rule}", field=field)
        tidy[tag] = text
    return tidy
