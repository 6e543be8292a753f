"""What is to be said of a version before it is used. Pure."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
from minijinja import TemplateError

from angarium.templates import bounds, mjml_check, variable_check, variable_use
from angarium.templates.bundle import Bundle
from angarium.templates.compiled import Compiled
from angarium.templates.faults import problem_of
from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered
from angarium.templates.sources import SourceName
from angarium.templates.tags import filters, line_and_column, loads, tests

MAX_USED: Final = 1000  # ours
MAX_PROBLEMS: Final = 50  # ours: who has so many reads no more


def examine(bundle: Bundle, sample: Filling | None = None) -> Examination:
    """Look at all sources, and fill in the sample in each language, if there is one."""
    excesses = list(bounds.find_excesses(bundle))
    if excesses:
        return Examination(problems=tuple(excesses[:MAX_PROBLEMS]))
    compiled = Compiled(bundle)
    problems = list(islice(_find_faults(compiled), MAX_PROBLEMS))
    used = set() if problems else variable_use.used_variables(compiled)
    if bundle.variables is not None:
        problems += variable_check.find_faults(bundle.variables)
    declared = variable_check.names(bundle.variables or {})
    undeclared = () if bundle.variables is None else variable_use.undeclared_variables(used, bundle)
    hints = variable_use.undeclared_hints(compiled, undeclared[:MAX_PROBLEMS])
    if not problems:
        unused = declared - variable_use.touched_variables(used, declared)
        hints += [variable_use.unused_hint(each) for each in sorted(unused)]
    rendered = None
    if not problems:
        rendered, more = _try(bundle, compiled, sample)
        problems += more
    return Examination(
        problems=tuple(problems[:MAX_PROBLEMS]),
        hints=tuple(hints[:MAX_PROBLEMS]),
        used=tuple(sorted(used)[:MAX_USED]),
        undeclared=undeclared[:MAX_USED],
        sample=rendered,
    )


def _find_faults(compiled: Compiled) -> Iterator[Problem]:
    """Yield what cannot be read in any source, and what it asks for that there is not."""
    known = _Known(compiled)
    for name in compiled.sources.names():
        try:
            compiled.engine.undeclared_variables_in_template(name.text)
        except TemplateError as error:
            yield problem_of(error, name.text, compiled.sources)
            continue
        source = compiled.sources.written(name.text)
        for token in filters(source):
            if not known.filter(token.text):
                yield _at(name, source, token.offset, f"there is no filter {token.text!r}")
        for token in tests(source):
            if not known.test(token.text):
                yield _at(name, source, token.offset, f"there is no test {token.text!r}")
        yield from _find_missing_pieces(compiled, name, source)


class _Known:
    """Which filters and tests there are. Each name is asked for once."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._answers: dict[str, bool] = {}

    def filter(self, name: str) -> bool:
        return self._is_known(f"none|{name}", "UnknownFilter")

    def test(self, name: str) -> bool:
        return self._is_known(f"none is {name}", "UnknownTest")

    def _is_known(self, expression: str, unknown: str) -> bool:
        if expression not in self._answers:
            self._answers[expression] = self._try(expression) != unknown
        return self._answers[expression]

    def _try(self, expression: str) -> str:
        try:
            self._compiled.engine.eval_expr(expression)
        except TemplateError as error:
            return str(error.kind)
        except Exception:  # noqa: BLE001 - it is there, and does not like to be asked for nothing
            return ""
        return ""


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
    compiled = Compiled(msgspec.structs.replace(bundle, variables=None), lenient=True)
    for tag in bundle.locales:
        filled = compiled.fill_part(
            "html", msgspec.structs.replace(sample or Filling(), locale=tag)
        )
        if not isinstance(filled, str):
            continue  # with data of its own it may be something; with the sample, that is told
        for fault in islice(mjml_check.find_faults(filled), MAX_PROBLEMS):
            line, column = line_and_column(filled, fault.offset)
            yield Problem(
                kind=ProblemKind.SYNTAX,
                part="html",
                locale=tag,
                line=line,
                column=column,
                message=fault.message,
            )
