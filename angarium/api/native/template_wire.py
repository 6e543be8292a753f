"""What is asked for and answered at /v1/templates."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from angarium.api.native.wire import Asked, PageAsked, Time, Wire, maybe_time, time_text
from angarium.templates.bundle import Parts, Syntax
from angarium.templates.mustache.translation import Dialect
from angarium.templates.rendering import Examination, Hint
from angarium.templates.variables import Variable
from angarium.tenancy.templates.index import Kind, State
from angarium.tenancy.templates.model import Content, Template, Version, VersionHead

MAX_NUMBER: Final = 2**31 - 1
Number = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
_Alias = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_Name = Annotated[str, Meta(max_length=200)]
_Comment = Annotated[str, Meta(max_length=2000)]
_Locale = Annotated[str, Meta(max_length=100)]
HtmlKind = Literal["html", "mjml"]
Missing = Literal["strict", "lenient"]


class PartsAsked(Asked, frozen=True, kw_only=True):
    """The sources of one mail in one language."""

    subject: str = ""
    preheader: str = ""  # what lists of mail show behind the subject
    html: str | None = None  # MJML, where htmlKind says so
    text: str | None = None  # omitted: made of the HTML
    amp: str | None = None


class VersionAsked(Asked, frozen=True, kw_only=True):
    parts: PartsAsked  # in the default locale
    locales: Mapping[str, PartsAsked] = {}  # in others, by language tag
    default_locale: _Locale = "en"
    html_kind: HtmlKind = "html"
    syntax: Syntax = "jinja"
    dialect: Dialect = "mustache"  # of syntax mustache: whose it is
    layout: _Locale = ""  # the alias of one that has a block named content
    variables: Mapping[str, Variable] | None = None  # omitted: any will do
    sample: Mapping[str, Any] = {}  # what previews are filled with
    missing: Missing = "strict"  # of a variable that is not given: refused, or empty
    time_zone: _Locale = "UTC"
    comment: _Comment = ""  # of its author
    publish: bool = False  # at once


class VersionChanged(Asked, frozen=True, kw_only=True):
    """What is omitted stays; what is given takes the place of the whole."""

    parts: PartsAsked | None = None
    locales: Mapping[str, PartsAsked] | None = None
    default_locale: _Locale | None = None
    html_kind: HtmlKind | None = None
    syntax: Syntax | None = None
    dialect: Dialect | None = None
    layout: _Locale | None = None
    variables: Mapping[str, Variable] | None = None
    sample: Mapping[str, Any] | None = None
    missing: Missing | None = None
    time_zone: _Locale | None = None
    comment: _Comment | None = None


class TemplateAsked(Asked, frozen=True, kw_only=True):
    alias: _Alias  # what mail names it by
    name: _Name = ""  # for people; omitted: the alias
    kind: Kind = "mail"
    version: VersionAsked | None = None  # its first one
    tenant: str = ""  # omitted: the caller's own


class TemplateChanged(Asked, frozen=True, kw_only=True):
    """What is omitted stays."""

    alias: _Alias | None = None
    name: _Name | None = None


class CopyAsked(Asked, frozen=True, kw_only=True):
    alias: _Alias  # of the copy
    name: _Name = ""
    version: Number | None = None  # omitted: the published one, or else the newest


class RollbackAsked(Asked, frozen=True, kw_only=True):
    version: Number | None = None  # omitted: the one that was published before


class OneTemplateAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class TemplatesAsked(PageAsked, frozen=True, kw_only=True):
    kind: Kind | None = None
    tenant: str = ""  # omitted: the caller's own


class VersionsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class TemplateShown(Wire, frozen=True, kw_only=True):
    id: str
    tenant: str
    alias: str
    name: str
    kind: Kind
    published_version: int | None  # null: there is none
    newest_version: int | None  # also if it was removed; null: there was none
    created_at: Time
    changed_at: Time  # of it, or of one of its versions


class TemplateList(Wire, frozen=True, kw_only=True):
    """By alias."""

    templates: Sequence[TemplateShown]
    cursor: str | None  # of the next page; null: there is none


class VersionHeadShown(Wire, frozen=True, kw_only=True):
    """A version without what is written in it."""

    version: int
    state: State
    comment: str
    author: str  # who saved it last
    tag: str  # what a vendor's clients call it; "": they know it by its number
    digest: str  # of what it is rendered from: differs when a layout was changed
    uses: Sequence[str]  # aliases of layouts and partials, also of those that these use
    created_at: Time
    changed_at: Time
    published_at: Time | None  # the last time; null: it never was


class VersionList(Wire, frozen=True, kw_only=True):
    """The newest first."""

    versions: Sequence[VersionHeadShown]
    cursor: str | None  # of the next page; null: there is none


class PartsShown(Wire, frozen=True, kw_only=True):
    subject: str
    preheader: str
    html: str | None
    text: str | None  # null: made of the HTML
    amp: str | None


class VersionShown(VersionHeadShown, frozen=True, kw_only=True):
    parts: PartsShown
    locales: Mapping[str, PartsShown]
    default_locale: str
    html_kind: HtmlKind
    syntax: Syntax
    dialect: Dialect  # of syntax mustache
    layout: str  # empty: none
    variables: Mapping[str, Variable] | None  # null: any will do
    sample: Mapping[str, Any]
    missing: Missing
    time_zone: str


class HintShown(Wire, frozen=True, kw_only=True):
    """What its author may want to look at."""

    message: str
    part: str  # empty: of none alone
    line: int | None
    column: int | None
    template: str  # the layout or partial in which it is; empty: the template itself
    locale: str
    variable: str


class VersionSaved(VersionShown, frozen=True, kw_only=True):
    """As it is kept, and what was found when it was examined."""

    warnings: Sequence[HintShown]
    used_variables: Sequence[str]
    undeclared_variables: Sequence[str]  # of these, those that variables lacks


class TemplateMade(TemplateShown, frozen=True, kw_only=True):
    version: VersionSaved | None  # the first one; null: none was given


class VersionPublished(VersionShown, frozen=True, kw_only=True):
    renewed: Sequence[str]  # aliases of what uses it, and is made with it from now on


def template_shown(template: Template) -> TemplateShown:
    return TemplateShown(**_template(template))


def template_made(template: Template, version: VersionSaved | None) -> TemplateMade:
    return TemplateMade(**_template(template), version=version)


def head_shown(head: VersionHead) -> VersionHeadShown:
    return VersionHeadShown(**_head(head))


def version_shown(version: Version) -> VersionShown:
    return VersionShown(**_version(version))


def version_saved(version: Version, found: Examination) -> VersionSaved:
    return VersionSaved(
        **_version(version),
        warnings=[hint_shown(each) for each in found.hints],
        used_variables=found.used,
        undeclared_variables=found.undeclared,
    )


def version_published(version: Version, renewed: Sequence[str]) -> VersionPublished:
    return VersionPublished(**_version(version), renewed=renewed)


def hint_shown(hint: Hint) -> HintShown:
    return HintShown(**msgspec.structs.asdict(hint))


def content_of(asked: VersionAsked) -> Content:
    parts = {name: parts_of(each) for name, each in asked.locales.items()}
    return Content(
        locales={asked.default_locale: parts_of(asked.parts), **parts},
        default_locale=asked.default_locale,
        html_kind=asked.html_kind,
        syntax=asked.syntax,
        dialect=asked.dialect,
        layout=asked.layout,
        variables=asked.variables,
        sample=asked.sample,
        missing=asked.missing,
        time_zone=asked.time_zone,
    )


def changed_content(before: Content, asked: VersionChanged) -> Content:
    """A default locale that becomes another one takes its parts from what is given, or from what it had."""
    default = asked.default_locale or before.default_locale
    others = {name: each for name, each in before.locales.items() if name != default}
    if asked.locales is not None:
        others = {name: parts_of(each) for name, each in asked.locales.items()}
    parts = others.pop(default, None) or before.locales.get(default)
    if asked.parts is not None:
        parts = parts_of(asked.parts)
    given = {
        name: value
        for name in (
            "html_kind",
            "syntax",
            "dialect",
            "layout",
            "variables",
            "sample",
            "missing",
            "time_zone",
        )
        if (value := getattr(asked, name)) is not None
    }
    return msgspec.structs.replace(
        before,
        locales=others if parts is None else {default: parts, **others},
        default_locale=default,
        **given,
    )


def parts_of(asked: PartsAsked) -> Parts:
    return Parts(**msgspec.structs.asdict(asked))


def _template(template: Template) -> dict[str, Any]:
    return {
        "id": template.id,
        "tenant": template.tenant,
        "alias": template.alias,
        "name": template.name,
        "kind": template.kind,
        "published_version": template.published,
        "newest_version": template.newest or None,
        "created_at": time_text(template.created),
        "changed_at": time_text(template.changed),
    }


def _head(head: VersionHead) -> dict[str, Any]:
    return {
        "version": head.number,
        "state": head.state,
        "comment": head.comment,
        "author": head.author,
        "tag": head.tag,
        "digest": head.digest,
        "uses": head.uses,
        "created_at": time_text(head.created),
        "changed_at": time_text(head.changed),
        "published_at": maybe_time(head.published),
    }


def _version(version: Version) -> dict[str, Any]:
    content = version.content
    shown = {
        name: PartsShown(**msgspec.structs.asdict(each)) for name, each in content.locales.items()
    }
    return {
        **_head(version),
        "parts": shown.pop(content.default_locale),
        "locales": shown,
        "default_locale": content.default_locale,
        "html_kind": content.html_kind,
        "syntax": content.syntax,
        "dialect": content.dialect,
        "layout": content.layout,
        "variables": content.variables,
        "sample": content.sample,
        "missing": content.missing,
        "time_zone": content.time_zone,
    }
