"""Commands that ask DNS themselves, as the server would."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from angarium.cli.exit import EX_TEMPFAIL, CommandError
from angarium.config.schema import Config
from angarium.routing.dns import DnsResolver, DnsSetupError

T = TypeVar("T")


def ask_dns(config: Config, ask: Callable[[DnsResolver], Awaitable[T]]) -> T:
    """Return what it comes to. Raises CommandError where no nameserver is known."""

    async def run() -> T:
        resolver = DnsResolver(config.dns, time.monotonic)
        try:
            return await ask(resolver)
        finally:
            await resolver.close()

    try:
        return asyncio.run(run())
    except DnsSetupError as error:
        raise CommandError(str(error), EX_TEMPFAIL) from None
