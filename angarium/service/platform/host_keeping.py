"""What looks at tracking hosts change in the platform's database."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from angarium.service.platform.platform_thread import PlatformThread
from angarium.tenancy.tracking_host_check import HostCheck
from angarium.tenancy.tracking_policy import TrackingHost

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform


class HostKeeping:
    """Each raises TenancySetupError: the database or the secret cannot be used now."""

    def __init__(self, open_platform: Callable[[], "Platform"]) -> None:
        """``open_platform``: as ``PlatformThread`` has it."""
        self._thread = PlatformThread(open_platform)

    async def read_checks(self) -> dict[str, HostCheck]:
        return await self._thread.run(lambda platform: platform.tracking_hosts.checks())

    async def find_owner_problem(self, host: TrackingHost) -> str | None:
        return await self._thread.run(
            lambda platform: platform.tracking_hosts.find_owner_problem(host)
        )

    async def keep(self, check: HostCheck) -> TrackingHost | None:
        """On disk on return, with the state that follows; None: the host was removed meanwhile."""
        return await self._thread.run(lambda platform: platform.tracking_hosts.record(check))

    def close(self) -> None:
        self._thread.close()
