"""How commands of templates have what they change examined, and mail rendered: by workers, as the server does."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from angarium.cli.exit import EX_TEMPFAIL, CommandError
from angarium.config.schema import Config
from angarium.queue.wall_clock import wall_clock
from angarium.service.rendering import settings_of
from angarium.templates.rendering import Renderer
from angarium.templates.workers.observer import Unobserved
from angarium.templates.workers.pool import RenderPool
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.examining import RendererBusyError, with_examined

T = TypeVar("T")


class Rendering:
    def __init__(self, runner: asyncio.Runner, renderer: Renderer) -> None:
        self._runner = runner
        self._renderer = renderer

    def changed(self, tenant: str, change: Callable[[Examined], T]) -> T:
        """Return what ``change`` returns, once all that it keeps has been examined.

        Raises TenancyError, CommandError.
        """

        async def turn(examined: Examined) -> T:
            return change(examined)

        now = wall_clock()
        return self.run(lambda renderer: with_examined(turn, renderer, tenant, now))

    def run(self, work: Callable[[Renderer], Coroutine[Any, Any, T]]) -> T:
        """Raises CommandError: no worker can be started."""
        try:
            return self._runner.run(work(self._renderer))
        except RendererBusyError as error:
            raise CommandError(str(error), EX_TEMPFAIL) from None


@contextmanager
def rendering(config: Config) -> Iterator[Rendering]:
    """Give workers, which start when there is something to do and end with the block."""
    with asyncio.Runner() as runner:
        pool = RenderPool(settings_of(config.templates), Unobserved())
        try:
            yield Rendering(runner, pool)
        finally:
            runner.run(pool.close())
