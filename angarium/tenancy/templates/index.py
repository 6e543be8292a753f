"""Which bundle a template's name and version mean, in memory. Answers in microseconds. Pure.

It is one state of the database for all questions, until it is exchanged whole.
"""

import enum
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs

FORMAT: Final = 1
_DYNAMIC_ID: Final = re.compile(r"d-[0-9a-f]{32}")
_DIGITS: Final = 9  # of a version's number
Kind = Literal["mail", "layout", "partial"]
# A draft is used by who names its number: previews and tests do
State = Literal["draft", "published", "retired"]


class IndexedVersion(msgspec.Struct, frozen=True, array_like=True):
    """On disk: fields are appended only."""

    number: int
    digest: bytes  # SHA-256 of its encoded bundle
    was_published: bool = True
    tag: str = ""  # what a vendor's clients call it


class IndexedTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """On disk, one of a tenant's."""

    tenant: str  # its name
    id: str  # a UUID
    alias: str
    kind: Kind
    published: int | None = None  # the number of the version; None: there is none
    versions: tuple[IndexedVersion, ...] = ()


class Parting(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that nobody is to use any more, kept for who has just been told of it."""

    digest: bytes
    until: UnixMs


class IndexData(msgspec.Struct, frozen=True, kw_only=True):
    """All templates at one state of the database, as they are handed from who reads it to who asks."""

    format: int = FORMAT
    templates: tuple[IndexedTemplate, ...] = ()
    partings: tuple[Parting, ...] = ()


class TemplateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a name means now."""

    id: str
    alias: str
    version: int
    digest: str  # of its bundle: hexadecimal digits
    state: State = "published"


class ProblemOfName(enum.Enum):
    """Why a name means no mail."""

    UNKNOWN = "unknown"  # no template of the tenant has this id or alias
    NO_VERSION = "no_version"  # it has no version of this number
    UNPUBLISHED = "unpublished"  # it has none that is published
    NO_MAIL = "no_mail"  # it is a layout or a partial, which mails use


class TemplateProblem(msgspec.Struct, frozen=True, kw_only=True):
    problem: ProblemOfName
    text: str  # for people: what is wrong, and what to do


class TemplateIndex:
    """Invariant TPI1: a tenant's name means a template of that tenant, or none."""

    def __init__(self, data: IndexData) -> None:
        self._by_id = {(each.tenant, each.id): each for each in data.templates}  # TPI1
        self._by_alias = {(each.tenant, each.alias): each for each in data.templates}  # TPI1
        self._by_number = {
            (each.tenant, str(number_of(each.id))): each for each in data.templates
        }  # TPI1
        self._by_dynamic_id = {
            (each.tenant, dynamic_id(each.id)): each for each in data.templates
        }  # TPI1

    def find(
        self, tenant: str, name: str, version: int | str | None = None
    ) -> TemplateEntry | TemplateProblem:
        """Return what is meant.

        ``name``: an alias, an id, or what vendors' clients have for one; an alias in lower case may be written in
        another. ``version``: None: the published one; a text: its tag, or its number in digits.
        """
        small = name.lower()
        found = (
            self._by_alias.get((tenant, name))
            or self._by_id.get((tenant, small))
            or self._by_number.get((tenant, name))
            or self._by_dynamic_id.get((tenant, small))
            or self._by_alias.get((tenant, small))
        )
        if found is None:
            return _problem(ProblemOfName.UNKNOWN, f"there is no template {name[:100]!a}")
        if found.kind != "mail":
            text = f"template {found.alias} is a {found.kind}, and no mail: name one that uses it"
            return _problem(ProblemOfName.NO_MAIL, text)
        number = _tagged(found, version) if isinstance(version, str) else version
        if version is None:
            number = found.published
        if version is None and number is None:
            text = f"no version of template {found.alias} is published: publish one"
            return _problem(ProblemOfName.UNPUBLISHED, text)
        for each in found.versions:
            if each.number == number:
                return TemplateEntry(
                    id=found.id,
                    alias=found.alias,
                    version=number,
                    digest=each.digest.hex(),
                    state=_state(each, found.published),
                )
        text = f"template {found.alias} has no version {str(version)[:100]}"
        return _problem(ProblemOfName.NO_VERSION, text)


def number_of(template_id: str) -> int:
    """Return the number of an id, for clients of a vendor who has no other ids: 1 to 2**48, always the same."""
    return int.from_bytes(hashlib.sha256(template_id.encode()).digest()[:6]) + 1


def dynamic_id(template_id: str) -> str:
    """Return the id as SendGrid's clients know it: what begins otherwise is no dynamic template to them."""
    return f"d-{template_id.replace('-', '')}"


def id_of_dynamic(name: str) -> str:
    """Return whose ``dynamic_id`` it is; "": it is none."""
    small = name.lower()
    return str(uuid.UUID(small[2:])) if _DYNAMIC_ID.fullmatch(small) else ""


def _tagged(template: IndexedTemplate, version: str) -> int | None:
    """Return the number of what has the tag: of several the published one, else the newest."""
    wanted = version.lower()
    numbers = [each.number for each in template.versions if each.tag.lower() == wanted]
    if template.published in numbers:
        return template.published
    if numbers:
        return max(numbers)
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) <= _DIGITS
    return int(wanted) if is_number else None


def digests(data: IndexData) -> Mapping[bytes, bool]:
    """Return the bundles that are in use, and whether each was ever published."""
    found: dict[bytes, bool] = {}
    for digest, was_published in _each(data):
        found[digest] = found.get(digest, False) or was_published
    return found


def _each(data: IndexData) -> Iterator[tuple[bytes, bool]]:
    for template in data.templates:
        for each in template.versions:
            yield each.digest, each.was_published


def _state(version: IndexedVersion, published: int | None) -> State:
    if version.number == published:
        return "published"
    return "retired" if version.was_published else "draft"


def _problem(problem: ProblemOfName, text: str) -> TemplateProblem:
    return TemplateProblem(problem=problem, text=text)


EMPTY: Final = IndexData()
