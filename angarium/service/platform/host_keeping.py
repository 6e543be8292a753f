"""What looks at tracking hosts change in the platform's database, by a thread: the loop that looks never waits for SQL."""

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from angarium.tenancy.tracking_host_check import HostCheck
from angarium.tenancy.tracking_policy import TrackingHost

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

T = TypeVar("T")


class HostKeeping:
    """One thing at a time. Each raises TenancySetupError: the database or the secret cannot be used now."""

    def __init__(self, open_platform: Callable[[], "Platform"]) -> None:
        """``open_platform``: called when there is something to do, and again after it has failed."""
        self._open = open_platform
        self._platform: Platform | None = None
        self._turn = threading.Lock()

    async def read_checks(self) -> dict[str, HostCheck]:
        return await self._in_thread(lambda platform: platform.tracking_hosts.checks())

    async def find_owner_problem(self, host: TrackingHost) -> str | None:
        return await self._in_thread(
            lambda platform: platform.tracking_hosts.find_owner_problem(host)
        )

    async def keep(self, check: HostCheck) -> TrackingHost | None:
        """On disk on return, with the state that follows; None: the host was removed meanwhile."""
        return await self._in_thread(lambda platform: platform.tracking_hosts.record(check))

    def close(self) -> None:
        with self._turn:
            if self._platform is not None:
                self._platform.close()
                self._platform = None

    async def _in_thread(self, act: Callable[["Platform"], T]) -> T:
        def run() -> T:
            with self._turn:
                if self._platform is None:
                    self._platform = self._open()
                return act(self._platform)

        return await asyncio.to_thread(run)
