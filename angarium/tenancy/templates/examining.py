"""Has a renderer examine what a store of templates lacks, and asks the store again, until the change is done."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from angarium.queue.model import UnixMs
from angarium.templates.rendering import Filling, ProblemKind, Renderer
from angarium.tenancy.model import ConflictError
from angarium.tenancy.templates.examined import Examined, UnexaminedError

T = TypeVar("T")
# Ours: what others change meanwhile is to be examined, too; they hardly do so each time
ROUNDS: Final = 5


class RendererBusyError(Exception):
    """Nobody renders now. Nothing has changed: try again."""


async def with_examined(
    change: Callable[[Examined], Awaitable[T]], renderer: Renderer, tenant: str, now: UnixMs
) -> T:
    """Return what ``change`` returns. ``now``: that samples are filled in at.

    Raises what it raises; RendererBusyError; ConflictError: others change layouts all the while.
    """
    examined = Examined()
    for _ in range(ROUNDS):
        try:
            return await change(examined)
        except UnexaminedError as error:
            for each in error.lacking:
                sample = Filling(data=each.sample, now=now) if each.sample else None
                found = await renderer.examine(each.bundle, sample, tenant=tenant)
                for problem in found.problems:
                    if problem.kind is ProblemKind.BUSY:
                        raise RendererBusyError(problem.message) from None
                examined.add(each, found)
    raise ConflictError("layouts that it uses are being changed all the while: try again")
