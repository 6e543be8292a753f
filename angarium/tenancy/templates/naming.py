"""Versions by the names that vendors' clients have for them. Pure values."""

from collections.abc import Callable

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.templates.model import Content, Template, VersionHead

# What a version without a tag is called
Naming = Callable[[Template, VersionHead], str]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    head: VersionHead  # of the version that counts
    created: UnixMs  # of the first one of this name
    numbers: tuple[int, ...]  # of all with this name

    @property
    def is_active(self) -> bool:
        return self.head.state == "published"


class NamedVersion(Named, frozen=True, kw_only=True):
    template: Template
    content: Content


class VersionEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What of a version becomes another."""

    rewrite: Callable[[Content], Content]
    comment: str | None = None  # None: stays
    publish: bool = False  # else it stays published or not
