"""What a tenant's mail may be about, so that people may leave one topic and keep the others. Pure values."""

from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.config.address import LABEL_RULE, is_label
from angarium.config.titles import MAX_TITLES, find_language_fault, find_title_fault, title_in
from angarium.queue.model import UnixMs
from angarium.tenancy.model import TenancyError

MAX_TOPICS: Final = 200  # ours, of one tenant: a person reads them all on one page


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """There is one of each name in a tenant."""

    id: str  # a UUID
    tenant: str  # its name
    name: str  # what mail and suppressions are labelled with
    titles: dict[str, str] = {}  # what people read, by language tag; there may be none
    created: UnixMs

    def title(self, language: str) -> str:
        """Return what people who read this language are shown: the nearest title, English, the first one, the name."""
        return title_in(self.titles, language, self.name)


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
        if (fault := find_language_fault(tag)) is not None:
            raise TenancyError(f"titles: {fault}", field="titles")
        text = title.strip()
        if (fault := find_title_fault(text)) is not None:
            raise TenancyError(f"{field}: {fault}", field=field)
        tidy[tag] = text
    return tidy
