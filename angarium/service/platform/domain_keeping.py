"""What checks of domains change in the platform's database, by a thread: the loop that asks never waits for SQL."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from angarium.dkim.keys import SigningKey
from angarium.service.platform.platform_thread import PlatformThread
from angarium.tenancy.domain_check import DomainCheck
from angarium.tenancy.model import Domain, DomainKey, TenancyError
from angarium.tenancy.signing import open_domain_key

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform


class DomainKeeping:
    """One thing at a time. Each raises TenancySetupError: the database or the secret cannot be used now."""

    def __init__(self, open_platform: Callable[[], "Platform"]) -> None:
        """``open_platform``: as ``PlatformThread`` has it."""
        self._thread = PlatformThread(open_platform)

    async def read_checks(self, take: Callable[[DomainCheck], None]) -> None:
        """Hand over the last check of each domain. ``take`` is called by the thread."""

        def read(platform: "Platform") -> None:
            platform.domain_checks.each(take)

        await self._thread.run(read)

    async def open_keys(self, domain: Domain) -> list[SigningKey]:
        def open_all(platform: "Platform") -> list[SigningKey]:
            return [
                open_domain_key(platform.secrets, domain.name, each)
                for each in domain.published_keys
            ]

        return await self._thread.run(open_all)

    async def keep(self, domain: Domain, check: DomainCheck) -> None:
        """Keep what was found, and do what follows: a domain is proved, a key takes over. On disk on return."""

        # Imported where there are domains: SQLAlchemy is 25 MB
        from angarium.tenancy.domain_progress import take_check

        def keep(platform: "Platform") -> None:
            with contextlib.suppress(TenancyError):  # another tenant was first, or it is gone
                take_check(platform, domain, check)

        await self._thread.run(keep)

    async def forget_retired(self) -> list[tuple[Domain, DomainKey]]:
        """Forget keys that were retired long ago, and return them."""
        return await self._thread.run(lambda platform: platform.domain_keys.forget_retired())

    def close(self) -> None:
        self._thread.close()
