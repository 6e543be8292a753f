"""Which layouts and partials a version needs, gathered when it is saved. Pure.

They go into its bundle as they are then: what is changed later changes nothing that was published.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from angarium.templates.bundle import MAX_PIECES, PARTS, Part, Parts, Piece
from angarium.templates.rendering import Problem, ProblemKind
from angarium.templates.tags import line_and_column, loads


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, by its name, and what was not."""

    pieces: Mapping[str, Piece]
    problems: tuple[Problem, ...] = ()


def gather(
    locales: Mapping[str, Parts], layout: str, find: Callable[[str], Piece | None]
) -> Gathered:
    """Return all that the sources name, and what those name in turn.

    ``find`` gives a layout or a partial of the tenant's by its name. What is named by an expression is not found here:
    it may name whatever the version names otherwise, too.
    """
    found: dict[str, Piece] = {}
    problems: list[Problem] = []
    waiting = [*_named(locales, "")]
    if layout:
        waiting.append((layout, Problem(kind=ProblemKind.SYNTAX, message="")))
    while waiting:
        name, place = waiting.pop(0)
        if name in found:
            continue
        piece = find(name)
        if piece is None:
            if place is not None:
                problems.append(
                    msgspec.structs.replace(
                        place, message=f"there is no layout or partial {name!r}: create it before"
                    )
                )
            continue
        if len(found) == MAX_PIECES:
            message = f"it needs more than {MAX_PIECES} layouts and partials: use fewer"
            problems.append(Problem(kind=ProblemKind.TOO_LARGE, message=message))
            break
        found[name] = piece
        waiting += _named(piece.locales, name)
    return Gathered(pieces=found, problems=tuple(problems))


def _named(locales: Mapping[str, Parts], template: str) -> Iterable[tuple[str, Problem | None]]:
    """Yield each name with its place; None: it may be missing."""
    for locale, parts in locales.items():
        for part in PARTS:
            yield from _in_part(parts.source(part) or "", part, locale, template)


def _in_part(
    source: str, part: Part, locale: str, template: str
) -> Iterable[tuple[str, Problem | None]]:
    for load in loads(source):
        if load.may_be_missing:
            yield load.name, None
            continue
        line, column = line_and_column(source, load.offset)
        yield (
            load.name,
            Problem(
                kind=ProblemKind.SYNTAX,
                part=part,
                locale=locale,
                template=template,
                line=line,
                column=column,
                message="",
            ),
        )
