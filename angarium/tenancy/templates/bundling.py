"""What a version is rendered from: what its author wrote, with the layouts and partials that it names. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from angarium.templates.bundle import (
    MAX_BUNDLE_OCTETS,
    PARTS,
    Bundle,
    Parts,
    Piece,
    encode_bundle,
    encoded_digest,
)
from angarium.templates.mustache.translation import translate
from angarium.templates.pieces import gather
from angarium.templates.rendering import Problem, ProblemKind
from angarium.tenancy.templates.index import Kind
from angarium.tenancy.templates.model import Content, TemplateError


class Bundled(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is ready to be examined."""

    bundle: Bundle
    encoded: bytes
    digest: str
    uses: tuple[str, ...]  # sorted


def bundle_of(kind: Kind, content: Content, find_piece: Callable[[str], Content | None]) -> Bundled:
    """``find_piece``: what is published of a layout or a partial.

    Raises TemplateError: one is missing, a mustache cannot be translated, or all together is too large.
    """
    locales = _translated(content, "", content)
    if content.layout and find_piece(content.layout) is None:
        text = f"layout: no layout {content.layout[:100]!a} is published: publish it first"
        raise TemplateError(text, field="layout")

    def find(name: str) -> Piece | None:
        found = find_piece(name)
        if found is None:
            return None
        parts = _translated(found, name, content)
        return Piece(locales=parts, default_locale=found.default_locale)

    gathered = gather(locales, content.layout, find)
    if gathered.problems:
        raise TemplateError.of(*map(_unpublished, gathered.problems), content=content)
    bundle = Bundle(
        locales=locales,
        default_locale=content.default_locale,
        # A partial is no document, and is seen as one within the mails that use it
        kind="html" if kind == "partial" else content.html_kind,
        syntax=content.syntax,
        layout=content.layout,
        pieces=gathered.pieces,
        variables=content.variables,
        missing=content.missing,
        time_zone=content.time_zone,
    )
    encoded = encode_bundle(bundle)
    if len(encoded) > MAX_BUNDLE_OCTETS:
        text = f"with its layouts and partials it has {len(encoded)} octets: at most {MAX_BUNDLE_OCTETS}"
        problem = Problem(kind=ProblemKind.TOO_LARGE, message=text)
        raise TemplateError.of(problem, content=content)
    return Bundled(
        bundle=bundle,
        encoded=encoded,
        digest=encoded_digest(encoded),
        uses=tuple(sorted(gathered.pieces)),
    )


def _translated(source: Content, name: str, of: Content) -> Mapping[str, Parts]:
    """Return its parts as MiniJinja has them. ``name``: of the piece, "" of the version. Raises TemplateError."""
    if source.syntax == "jinja":
        return source.locales
    problems: list[Problem] = []
    locales = {}
    for locale, parts in source.locales.items():
        found: dict[str, Any] = {}
        for part in PARTS:
            text = parts.source(part)
            if text is None:
                continue
            translated = translate(text, source.dialect, part=part)
            if isinstance(translated, Problem):
                place = msgspec.structs.replace(translated, locale=locale, template=name)
                problems.append(place)
            else:
                found[part] = translated
        locales[locale] = Parts(**found)
    if problems:
        raise TemplateError.of(*problems, content=of)
    return locales


def _unpublished(problem: Problem) -> Problem:
    text = f"{problem.message}; only what is published counts"
    return msgspec.structs.replace(problem, message=text)
