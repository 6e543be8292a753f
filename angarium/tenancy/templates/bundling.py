"""What a version is rendered from: what its author wrote, with the layouts and partials that it names. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from angarium.templates.bundle import (
    MAX_BUNDLE_OCTETS,
    MAX_PIECES,
    PARTS,
    Bundle,
    Part,
    Parts,
    Piece,
    encode_bundle,
    encoded_digest,
)
from angarium.templates.rendering import Problem, ProblemKind
from angarium.tenancy.templates.model import Content, TemplateError

# What MiniJinja takes pieces in by; what is named by a variable cannot be told before it is rendered
_JINJA: Final = re.compile(
    r"""\{%[-+]?\s*(?:extends|include|import|from)\s+(?P<quote>["'])(?P<name>[^"'\n]*)(?P=quote)"""
)
_MUSTACHE: Final = re.compile(r"\{\{~?>\s*(?P<name>[^\s}~]+)")
_RAW: Final = re.compile(
    r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}", re.S
)


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """Where a version names a layout or a partial."""

    name: str
    locale: str = ""
    part: Part | None = None  # None: it is the version's layout
    line: int | None = None
    column: int | None = None


class Bundled(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is ready to be examined."""

    bundle: Bundle
    encoded: bytes
    digest: str
    uses: tuple[str, ...]  # sorted


def namings(content: Content) -> Iterator[Naming]:
    """Yield which layouts and partials are named, and where."""
    if content.layout:
        yield Naming(name=content.layout)
    pattern = _JINJA if content.syntax == "jinja" else _MUSTACHE
    for locale, parts in content.locales.items():
        for part in PARTS:
            source = parts.source(part)
            if source is None:
                continue
            blanked = _RAW.sub(_blank, source) if content.syntax == "jinja" else source
            for found in pattern.finditer(blanked):
                at = found.start("name")
                yield Naming(
                    name=found["name"],
                    locale=locale,
                    part=part,
                    line=source.count("\n", 0, at) + 1,
                    column=at - source.rfind("\n", 0, at),
                )


def bundle_of(content: Content, find_piece: Callable[[str], Content | None]) -> Bundled:
    """``find_piece``: what is published of a layout or a partial. Raises TemplateError: one is missing, a mustache
    cannot be translated, or all together is too large.
    """
    pieces: dict[str, Piece] = {}
    waiting = [(content, "")]
    while waiting:
        user, whose = waiting.pop()
        for naming in namings(user):
            if naming.name in pieces:
                continue
            found = find_piece(naming.name)
            if found is None:
                raise _missing(naming, whose, content)
            if len(pieces) >= MAX_PIECES:
                text = f"more than {MAX_PIECES} layouts and partials are used"
                raise TemplateError.of(
                    Problem(kind=ProblemKind.TOO_LARGE, message=text), content=content
                )
            pieces[naming.name] = Piece(
                locales=_translated(found, naming.name, content),
                default_locale=found.default_locale,
            )
            waiting.append((found, naming.name))
    bundle = Bundle(
        locales=_translated(content, "", content),
        default_locale=content.default_locale,
        kind=content.html_kind,
        syntax=content.syntax,
        layout=content.layout,
        pieces=pieces,
        variables=content.variables,
        missing=content.missing,
        time_zone=content.time_zone,
    )
    encoded = encode_bundle(bundle)
    if len(encoded) > MAX_BUNDLE_OCTETS:
        text = f"with its layouts and partials it has {len(encoded)} octets: at most {MAX_BUNDLE_OCTETS}"
        raise TemplateError.of(Problem(kind=ProblemKind.TOO_LARGE, message=text), content=content)
    return Bundled(
        bundle=bundle,
        encoded=encoded,
        digest=encoded_digest(encoded),
        uses=tuple(sorted(pieces)),
    )


def _translated(source: Content, name: str, of: Content) -> Mapping[str, Parts]:
    """Return its parts as MiniJinja has them. ``name``: of the piece, "" of the version. Raises TemplateError."""
    return source.locales


def _missing(naming: Naming, whose: str, content: Content) -> TemplateError:
    text = f"no layout or partial {naming.name[:100]!a} is published: publish it first"
    if naming.part is None:
        return TemplateError(text, field="layout")
    problem = Problem(
        kind=ProblemKind.SYNTAX,
        part=naming.part,
        line=naming.line,
        column=naming.column,
        message=text,
        template=whose,
        locale=naming.locale,
    )
    return TemplateError.of(problem, content=content)


def _blank(found: re.Match[str]) -> str:
    """What is no statement; lines and columns stay."""
    return re.sub(r"[^\n]", " ", found[0])
