"""A tenant's templates and their versions, as they are kept. Pure values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.templates.bundle import (
    MAX_LOCALES,
    MAX_NAME_CHARACTERS,
    MAX_PART_OCTETS,
    MAX_SUBJECT_OCTETS,
    MAX_VARIABLES,
    PARTS,
    Parts,
    Syntax,
)
from angarium.templates.mustache.translation import Dialect
from angarium.templates.rendering import MAX_DATA_OCTETS, Problem
from angarium.templates.variables import Variable
from angarium.tenancy.model import TenancyError
from angarium.tenancy.templates.index import Kind, State

KINDS: Final[tuple[Kind, ...]] = ("mail", "layout", "partial")
# Ours, of one tenant
MAX_TEMPLATES: Final = 1000
MAX_VERSIONS: Final = 500  # of one template
MAX_OCTETS: Final = 256 * 1024 * 1024  # of all versions, with what was made of them
MAX_ALIAS: Final = 100
MAX_NAME: Final = 200
MAX_COMMENT: Final = 2000
MAX_TAG: Final = 100
_ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
ALIAS_RULE: Final = (
    f"1 to {MAX_ALIAS} letters, digits, dots, hyphens, underscores; the first a letter or digit"
)


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the author of a version wrote. On disk as JSON: fields are appended only."""

    locales: Mapping[str, Parts]  # by language tag, the default one at least
    default_locale: str = "en"
    html_kind: Literal["html", "mjml"] = "html"
    syntax: Syntax = "jinja"
    layout: str = ""  # the alias of one that HTML and text are put into
    variables: Mapping[str, Variable] | None = None  # None: nothing is said of them, any will do
    sample: Mapping[str, Any] = {}  # what a preview is filled with
    missing: Literal["strict", "lenient"] = "strict"  # of a variable that is not given
    time_zone: str = "UTC"
    dialect: Dialect = "mustache"  # whose mustache it is


class Template(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # a UUIDv7
    tenant: str  # its name
    alias: str
    name: str  # for people
    kind: Kind
    published: int | None = None  # the number of the version; None: there is none
    newest: int = 0  # the number of the last version that was made; 0: none was
    created: UnixMs
    changed: UnixMs  # of it, or of one of its versions


class VersionHead(msgspec.Struct, frozen=True, kw_only=True):
    """A version without what is written in it."""

    number: int
    state: State
    comment: str
    author: str  # who saved it last
    digest: str  # of its bundle: hexadecimal digits
    uses: tuple[str, ...]  # aliases of layouts and partials, also of those that these use
    created: UnixMs
    changed: UnixMs
    published: UnixMs | None = None  # when it last was
    tag: str = ""  # what a vendor's clients call it; "": they know it by its number


class Version(VersionHead, frozen=True, kw_only=True):
    content: Content


class TemplateWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new template is to be."""

    tenant: str
    alias: str
    name: str = ""  # "": as its alias
    kind: Kind = "mail"


class TemplateChange(msgspec.Struct, frozen=True, kw_only=True):
    """What of a template becomes another; None: stays."""

    alias: str | None = None
    name: str | None = None


class TemplateError(TenancyError):
    """A version cannot be: something in it is wrong."""

    def __init__(self, text: str, *, field: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text, field=field)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, *problems: Problem, content: Content) -> "TemplateError":
        """``problems``: at least one."""
        first, *rest = problems
        field = field_of(first, content.default_locale)
        more = f" (and {len(rest)} more)" if rest else ""
        whose = f"in {first.template}: " if first.template else ""
        where = "" if first.line is None else f"line {first.line}, column {first.column}: "
        name = f"{field}: {where}" if field else ""
        return cls(f"{name}{whose}{first.message}{more}", field=field, problems=problems)


def field_of(problem: Problem, default_locale: str) -> str:
    """Return what of a version a problem is about, as requests name it; "": nothing alone."""
    if not problem.part:
        return ""
    if problem.template or problem.locale in ("", default_locale):
        return f"parts.{problem.part}"
    return f"locales.{problem.locale}.{problem.part}"


def check_alias(alias: str) -> None:
    """Raises TenancyError."""
    fits = len(alias) <= MAX_ALIAS and _ALIAS.fullmatch(alias)
    if not fits or _UUID.fullmatch(alias):  # TPI1
        raise TenancyError(f"alias: {ALIAS_RULE}; and not like an id", field="alias")


def check_tag(tag: str) -> None:
    """Raises TenancyError."""
    if len(tag) > MAX_TAG or not _TAG.fullmatch(tag):
        text = f"tag: 1 to {MAX_TAG} letters, digits, dots, hyphens, underscores, tildes; the first a letter or digit"
        raise TenancyError(text, field="tag")


def check_content(kind: Kind, content: Content) -> None:
    """See that it can be kept; what is written in it is the examination's. Raises TenancyError."""
    default = content.default_locale
    if default not in content.locales:
        text = f"defaultLocale: there are no parts in {default[:100]!a}"
        raise TenancyError(text, field="defaultLocale")
    if len(content.locales) > MAX_LOCALES:
        raise TenancyError(f"locales: at most {MAX_LOCALES}", field="locales")
    for locale, parts in content.locales.items():
        where = "parts" if locale == default else f"locales.{locale}"
        if len(locale) > MAX_NAME_CHARACTERS or not _LOCALE.fullmatch(locale):
            text = f"locales: {locale[:100]!a} is no language tag, like en or pt-BR"
            raise TenancyError(text, field="locales")
        for part in PARTS:
            most = MAX_SUBJECT_OCTETS if part in ("subject", "preheader") else MAX_PART_OCTETS
            if len((parts.source(part) or "").encode()) > most:
                field = f"{where}.{part}"
                raise TenancyError(f"{field}: at most {most} octets", field=field)
    parts = content.locales[default]
    if not (parts.html or parts.text):
        text = "parts: html, text or both must be there"
        raise TenancyError(text, field="parts")
    if content.layout and kind != "mail":
        text = f"layout: a {kind} has none; write {{% extends %}} in it"
        raise TenancyError(text, field="layout")
    if len(content.variables or {}) > MAX_VARIABLES:
        raise TenancyError(f"variables: at most {MAX_VARIABLES}", field="variables")
    if len(msgspec.json.encode(content.sample)) > MAX_DATA_OCTETS:
        raise TenancyError(f"sample: at most {MAX_DATA_OCTETS} octets as JSON", field="sample")


def check_words(field: str, text: str, most: int) -> None:
    """Raises TenancyError. Lines may end in it."""
    if len(text) > most or not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise TenancyError(f"{field}: at most {most} printable characters", field=field)
