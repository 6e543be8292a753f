"""Publishes what others than this machine's commands change in the platform's database."""

import asyncio
from typing import TYPE_CHECKING, Final

from angarium.config.schema import Config
from angarium.telemetry.log import log
from angarium.tenancy import TenancySetupError
from angarium.tenancy.location import has_database

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

# Ours: with ``snapshots.FOLLOW_S`` it stays below a second
LOOK_S: Final = 0.25
AFTER_TROUBLE_S: Final = 5.0


class TenancyPublisher:
    """Publishes what others have changed in the database. Its state is a cache: the published version."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._platform: Platform | None = None
        self._published: int | None = None
        self._trouble = ""
        self.looks = 0  # so far

    async def run(self) -> None:
        """Look until cancelled. A database that does not answer is waited for; what was published holds."""
        try:
            while True:
                trouble = await asyncio.to_thread(self._look)
                if trouble and trouble != self._trouble:
                    log("tenancy_database_unreachable", "error", problem=trouble)
                self._trouble = trouble
                self.looks += 1
                await asyncio.sleep(AFTER_TROUBLE_S if trouble else LOOK_S)
        finally:
            if self._platform is not None:
                self._platform.close()

    def notes(self) -> tuple[str, ...]:
        """What an operator should know."""
        return (f"tenants are as they last were: {self._trouble}",) if self._trouble else ()

    def _look(self) -> str:
        """Return what is wrong; "": nothing. Blocks."""
        try:
            if self._platform is None:
                if not has_database(self._config):
                    return ""
                self._platform = _open(self._config)
            if self._platform.version() != self._published:
                self._published = self._platform.publish()
        except TenancySetupError as error:
            return str(error)
        return ""


def _open(config: Config) -> "Platform":
    from angarium.tenancy.platform import Platform

    return Platform.open(config, actor="server")
