"""What is to be said of a version before it is used. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec
from minijinja import TemplateError

from angarium.templates import locales as languages
from angarium.templates import mjml_check, variable_check
from angarium.templates.bundle import (
    MAX_BUNDLE_OCTETS,
    MAX_LOCALES,
    MAX_PART_OCTETS,
    MAX_SUBJECT_OCTETS,
    PARTS,
    Bundle,
    Parts,
    encode_bundle,
)
from angarium.templates.compiled import Compiled
from angarium.templates.faults import problem_of
from angarium.templates.filters.fault import FilterError
from angarium.templates.filters.moments import find_zone
from angarium.templates.filters.table import LOCALE, TIME_ZONE
from angarium.templates.mustache.translation import HERE, ROOT
from angarium.templates.rendering import (
    Examination,
    Filling,
    Hint,
    Problem,
    ProblemKind,
    Rendered,
)
from angarium.templates.sources import SourceName
from angarium.templates.tags import filters, find_name, line_and_column, loads, tests

MAX_PROBLEMS: Final = 50  # ours: who has so many reads no more
# What the engine gives, and we
_GIVEN: Final = frozenset(
    {
        *("range", "dict", "namespace", "cycler", "joiner", "loop", "self", "super", "caller"),
        *("now", LOCALE, TIME_ZONE, ROOT, HERE),
    }
)


def examine(bundle: Bundle, sample: Filling | None = None) -> Examination:
    """Look at all sources, and fill in the sample in each language, if there is one."""
    bounds = list(_find_excesses(bundle))
    if bounds:
        return Examination(problems=tuple(bounds[:MAX_PROBLEMS]))
    compiled = Compiled(bundle)
    problems = list(_find_faults(compiled))
    used = set() if problems else _used(compiled)
    if bundle.variables is not None:
        problems += variable_check.find_faults(bundle.variables)
    declared = variable_check.names(bundle.variables or {})
    undeclared = () if bundle.variables is None else _undeclared(used, bundle)
    hints = [_undeclared_hint(compiled, each) for each in undeclared]
    if not problems:
        hints += [_unused_hint(each) for each in sorted(declared) if _is_unused(each, used)]
    rendered = None
    if not problems:
        rendered, more = _try(bundle, compiled, sample)
        problems += more
    return Examination(
        problems=tuple(problems[:MAX_PROBLEMS]),
        hints=tuple(hints[:MAX_PROBLEMS]),
        used=tuple(sorted(used)),
        undeclared=undeclared,
        sample=rendered,
    )


def _find_excesses(bundle: Bundle) -> Iterator[Problem]:
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


def _names(compiled: Compiled) -> Iterator[SourceName]:
    """Yield the names of all sources that are written."""
    bundle = compiled.bundle
    for tag, parts in bundle.locales.items():
        yield from _written(parts, tag, "")
    for name, piece in bundle.pieces.items():
        for tag, parts in piece.locales.items():
            yield from _written(parts, tag, name)


def _written(parts: Parts, tag: str, template: str) -> Iterator[SourceName]:
    for each in PARTS:
        if parts.source(each) is not None:
            yield SourceName(part=each, locale=tag, template=template)


def _find_faults(compiled: Compiled) -> Iterator[Problem]:
    """Yield what cannot be read in any source, and what it asks for that there is not."""
    for name in _names(compiled):
        try:
            compiled.engine.undeclared_variables_in_template(name.text)
        except TemplateError as error:
            yield problem_of(error, name.text, compiled.sources)
            continue
        source = compiled.sources.written(name.text)
        for token in filters(source):
            if not _is_known(compiled, f"none|{token.text}", "UnknownFilter"):
                yield _at(name, source, token.offset, f"there is no filter {token.text!r}")
        for token in tests(source):
            if not _is_known(compiled, f"none is {token.text}", "UnknownTest"):
                yield _at(name, source, token.offset, f"there is no test {token.text!r}")
        yield from _find_missing_pieces(compiled, name, source)


def _is_known(compiled: Compiled, expression: str, unknown: str) -> bool:
    try:
        compiled.engine.eval_expr(expression)
    except TemplateError as error:
        return bool(error.kind != unknown)
    except Exception:  # noqa: BLE001 - it is there, and does not like to be asked for nothing
        return True
    return True


def _find_missing_pieces(compiled: Compiled, name: SourceName, source: str) -> Iterator[Problem]:
    for load in loads(source):
        target = compiled.sources.join(load.name, name.text)
        if not load.may_be_missing and compiled.sources.load(target) is None:
            yield _at(
                name,
                source,
                load.offset,
                f"there is no layout or partial {load.name!r} with this part",
            )
    layout = compiled.bundle.layout
    if layout and not name.template and layout not in compiled.bundle.pieces:
        yield _at(name, source, 0, f"there is no layout {layout!r}")


def _at(name: SourceName, source: str, offset: int, message: str) -> Problem:
    line, column = line_and_column(source, offset)
    return Problem(
        kind=ProblemKind.SYNTAX,
        part=name.part,
        locale=name.locale,
        template=name.template,
        line=line,
        column=column,
        message=message,
    )


def _used(compiled: Compiled) -> set[str]:
    """Return the variables that it asks for: of ``order.total`` both, with and without what is in it."""
    found: set[str] = set()
    for name in _names(compiled):
        for each in compiled.engine.undeclared_variables_in_template(name.text, nested=True):
            path = _without_context(each)
            if path and path.partition(".")[0] not in _GIVEN:
                found.add(path)
    # What is in it says that it is used itself
    return {each for each in found if not any(other.startswith(f"{each}.") for other in found)}


def _without_context(path: str) -> str:
    """A mustache asks for each variable of what is here."""
    first, _, rest = path.partition(".")
    return rest if first in (ROOT, HERE) else path


def _undeclared(used: set[str], bundle: Bundle) -> tuple[str, ...]:
    """Return the variables that are not declared. What is in a variable of any content is."""
    missing = set()
    for path in used:
        level = bundle.variables or {}
        known = ""
        for name in path.split("."):
            variable = level.get(name)
            if variable is None:
                missing.add(f"{known}.{name}" if known else name)
                break
            known = f"{known}.{name}" if known else name
            if not variable.properties:
                break
            level = variable.properties
    return tuple(sorted(missing))


def _is_unused(declared: str, used: set[str]) -> bool:
    return not any(
        each == declared or each.startswith(f"{declared}.") or declared.startswith(f"{each}.")
        for each in used
    )


def _undeclared_hint(compiled: Compiled, variable: str) -> Hint:
    for name in _names(compiled):
        place = find_name(compiled.sources.written(name.text), variable)
        if place is not None:
            return Hint(
                part=name.part,
                locale=name.locale,
                template=name.template,
                line=place[0],
                column=None if compiled.sources.is_translated else place[1],
                variable=variable,
                message=f"{variable} is not among the variables: declare it",
            )
    return Hint(variable=variable, message=f"{variable} is not among the variables: declare it")


def _unused_hint(variable: str) -> Hint:
    return Hint(variable=variable, message=f"{variable} is declared, and nothing asks for it")


def _try(
    bundle: Bundle, compiled: Compiled, sample: Filling | None
) -> tuple[Rendered | None, list[Problem]]:
    """Fill it in. Without a sample only what MJML comes of it is looked at."""
    problems: list[Problem] = []
    if bundle.kind == "mjml":
        problems += _find_mjml_faults(bundle, sample)
    if sample is None or problems:
        return None, problems
    rendered = compiled.render(sample)
    if isinstance(rendered, Problem):
        return None, [rendered]
    for tag in bundle.locales:
        if tag != rendered.locale:
            other = compiled.render(msgspec.structs.replace(sample, locale=tag))
            if isinstance(other, Problem):
                problems.append(other)
    return rendered, problems


def _find_mjml_faults(bundle: Bundle, sample: Filling | None) -> Iterator[Problem]:
    compiled = Compiled(bundle, lenient=True)
    for tag in bundle.locales:
        filled = compiled.fill_part(
            "html", msgspec.structs.replace(sample or Filling(), locale=tag)
        )
        if not isinstance(filled, str):
            continue  # with data of its own it may be something; with the sample, that is told
        for fault in mjml_check.find_faults(filled):
            line, column = line_and_column(filled, fault.offset)
            yield Problem(
                kind=ProblemKind.SYNTAX,
                part="html",
                locale=tag,
                line=line,
                column=column,
                message=fault.message,
            )
