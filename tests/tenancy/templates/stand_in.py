"""What stands in for a renderer where stores are tested: it finds what they put into a source."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from angarium.queue.model import UnixMs
from angarium.templates.bundle import PARTS, Bundle
from angarium.templates.rendering import (
    Examination,
    Filling,
    Hint,
    Problem,
    ProblemKind,
    Rendered,
)
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.examining import with_examined

T = TypeVar("T")


class StandIn:
    """Satisfies ``Renderer``. A source with BROKEN has a problem there, and one with ODD a hint."""

    def __init__(self) -> None:
        self.examined: list[Bundle] = []
        self.samples: list[Filling | None] = []

    async def render(
        self,
        bundle_digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
        *,
        tenant: str,
    ) -> list[Rendered | Problem]:
        raise NotImplementedError

    async def examine(
        self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
    ) -> Examination:
        self.examined.append(bundle)
        self.samples.append(sample)
        pieces = [(name, each.locales) for name, each in bundle.pieces.items()]
        found = [
            (name, locale, part, source)
            for name, locales in [("", bundle.locales), *pieces]
            for locale, parts in locales.items()
            for part in PARTS
            if (source := parts.source(part)) is not None
        ]
        problems = [
            Problem(
                kind=ProblemKind.SYNTAX,
                part=part,
                line=source.count("\n", 0, source.index("BROKEN")) + 1,
                column=1,
                message="it is broken",
                template=name,
                locale=locale,
            )
            for name, locale, part, source in found
            if "BROKEN" in source
        ]
        hints = [Hint(part=part, message="odd") for _, _, part, source in found if "ODD" in source]
        return Examination(problems=tuple(problems), hints=tuple(hints))


async def done(change: Callable[[Examined], T], renderer: StandIn) -> T:
    async def turn(examined: Examined) -> T:
        return change(examined)

    return await with_examined(turn, renderer, "default", UnixMs(0))
