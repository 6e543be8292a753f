"""Keeps the audit: says in the log what its head is, for whoever compares, and lets go of what is old."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from angarium.config.schema import Config
from angarium.queue.model import UnixMs
from angarium.telemetry.log import log
from angarium.tenancy import TenancySetupError
from angarium.tenancy.location import has_database

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

LOOK_S: Final = 5.0
FORGET_S: Final = 3600.0
# Between two small steps, for whoever writes
FORGET_PAUSE_S: Final = 0.05
_DAY_MS: Final = 86_400_000


class AuditKeeper:
    """Its state is a cache: which head the log has."""

    def __init__(self, config: Config, clock: Callable[[], UnixMs]) -> None:
        self._config = config
        self._clock = clock
        self._platform: Platform | None = None
        self._told = 0
        self._forgotten_at: float | None = None

    def exchange(self, config: Config) -> None:
        self._config = config

    async def run(self) -> None:
        """Look until cancelled. A database that does not answer is waited for: others say that it does not."""
        try:
            while True:
                forgot = await asyncio.to_thread(self._look)
                await asyncio.sleep(FORGET_PAUSE_S if forgot else LOOK_S)
        finally:
            if self._platform is not None:
                self._platform.close()

    def _look(self) -> int:
        """Return how many entries were let go; there may be more. Blocks."""
        try:
            if self._platform is None:
                if not has_database(self._config):
                    return 0
                self._platform = _open(self._config)
            self._tell(self._platform)
            return self._forget(self._platform)
        except TenancySetupError:
            return 0

    def _tell(self, platform: "Platform") -> None:
        head = platform.audit.head()
        if head.number != self._told:
            log("audit_head", number=head.number, digest=head.digest)
            self._told = head.number

    def _forget(self, platform: "Platform") -> int:
        now = time.monotonic()
        if self._forgotten_at is not None and now - self._forgotten_at < FORGET_S:
            return 0
        days = self._config.retention.audit_days
        forgot = platform.audit.forget(UnixMs(self._clock() - days * _DAY_MS))
        if not forgot:
            self._forgotten_at = now
        return forgot


def _open(config: Config) -> "Platform":
    from angarium.tenancy.platform import Platform

    return Platform.open(config, actor="server")
