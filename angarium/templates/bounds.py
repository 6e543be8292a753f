"""Bounds of a version, and what cannot be of it at all: told before anything is read. Pure."""

from collections.abc import Iterator

from angarium.config import languages
from angarium.templates.bundle import (
    MAX_BUNDLE_OCTETS,
    MAX_LOCALES,
    MAX_PART_OCTETS,
    MAX_SUBJECT_OCTETS,
    PARTS,
    Bundle,
    encode_bundle,
)
from angarium.templates.filters.fault import FilterError
from angarium.templates.filters.moments import find_zone
from angarium.templates.rendering import Problem, ProblemKind


def find_excesses(bundle: Bundle) -> Iterator[Problem]:
    """Yield what is too large, and what cannot be at all."""
    if bundle.default_locale not in bundle.locales:
        yield _of_all(
            ProblemKind.SYNTAX,
            f"there are no parts in {bundle.default_locale!r}, which is the default language",
        )
    if len(bundle.locales) > MAX_LOCALES:
        yield _of_all(ProblemKind.TOO_LARGE, f"it has more than {MAX_LOCALES} languages")
    for tag in bundle.locales:
        if not languages.is_tag(tag):
            yield _of_all(
                ProblemKind.SYNTAX, f"{tag[:40]!r} is no language tag: write it as en or de-AT"
            )
    try:
        find_zone(bundle.time_zone)
    except FilterError as error:
        yield _of_all(ProblemKind.SYNTAX, str(error))
    yield from _find_large_parts(bundle)
    if len(encode_bundle(bundle)) > MAX_BUNDLE_OCTETS:
        yield _of_all(
            ProblemKind.TOO_LARGE,
            f"with its layouts and partials it has more than {MAX_BUNDLE_OCTETS} octets",
        )


def _of_all(kind: ProblemKind, message: str) -> Problem:
    return Problem(kind=kind, message=message)


def _find_large_parts(bundle: Bundle) -> Iterator[Problem]:
    written = 0
    for tag, parts in bundle.locales.items():
        for part in PARTS:
            source = parts.source(part)
            if source is None:
                continue
            written += 1
            limit = MAX_SUBJECT_OCTETS if part in ("subject", "preheader") else MAX_PART_OCTETS
            if len(source.encode(errors="replace")) > limit:
                yield Problem(
                    kind=ProblemKind.TOO_LARGE,
                    part=part,
                    locale=tag,
                    message=f"it has more than {limit} octets",
                )
    if not written:
        yield _of_all(ProblemKind.SYNTAX, "it has no part: write a subject, HTML or text")
