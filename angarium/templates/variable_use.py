"""Which variables a version asks for, beside those that it declares. Pure."""

from collections.abc import Collection, Iterator
from typing import Final

from angarium.templates.bundle import Bundle
from angarium.templates.compiled import Compiled
from angarium.templates.filters.table import LOCALE, TIME_ZONE
from angarium.templates.given import CODES
from angarium.templates.mustache.scope import HERE, ROOT
from angarium.templates.rendering import Hint
from angarium.templates.tags import find_names

# What the engine gives, and we
_GIVEN: Final = frozenset(
    {
        *("range", "dict", "namespace", "cycler", "joiner", "loop", "self", "super", "caller"),
        *("now", LOCALE, TIME_ZONE, ROOT, HERE),
        *CODES,
    }
)


def used_variables(compiled: Compiled) -> set[str]:
    """Return the variables that it asks for: ``order.total``, and not the ``order`` that it is in."""
    found: set[str] = set()
    for name in compiled.sources.names():
        for each in compiled.engine.undeclared_variables_in_template(name.text, nested=True):
            path = _without_context(each)
            if path and path.partition(".")[0] not in _GIVEN:
                found.add(path)
    # What is in it says that it is used itself
    return found - {outer for each in found for outer in _around(each)}


def _around(path: str) -> Iterator[str]:
    """Yield what a variable is in: of ``a.b.c`` that is ``a.b`` and ``a``."""
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _without_context(path: str) -> str:
    """A mustache asks for each variable of what is here."""
    first, _, rest = path.partition(".")
    return rest if first in (ROOT, HERE) else path


def undeclared_variables(used: set[str], bundle: Bundle) -> tuple[str, ...]:
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


def touched_variables(used: set[str], declared: set[str]) -> set[str]:
    """Return the declared variables that are asked for, wholly or in part, or with what they are in."""
    asked = used | {outer for each in used for outer in _around(each)}
    return {
        each for each in declared if each in asked or any(outer in used for outer in _around(each))
    }


def undeclared_hints(compiled: Compiled, variables: Collection[str]) -> list[Hint]:
    """Return one for each, with the first place that asks for it."""
    found: dict[str, Hint] = {}
    for name in compiled.sources.names():
        rest = [each for each in variables if each not in found]
        if not rest:
            break
        places = find_names(compiled.sources.written(name.text), rest)
        for variable, (line, column) in places.items():
            found[variable] = Hint(
                part=name.part,
                locale=name.locale,
                template=name.template,
                line=line,
                column=None if compiled.sources.is_translated else column,
                variable=variable,
                message=_undeclared(variable),
            )
    return [found.get(each) or Hint(variable=each, message=_undeclared(each)) for each in variables]


def _undeclared(variable: str) -> str:
    return f"{variable} is not among the variables: declare it"


def unused_hint(variable: str) -> Hint:
    return Hint(variable=variable, message=f"{variable} is declared, and nothing asks for it")
