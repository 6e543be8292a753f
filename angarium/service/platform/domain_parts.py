"""The composition root of what looks at tenants' domains: its resolver, its database, what it tells."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from angarium.config.schema import Config, Dns
from angarium.dkim.keys import SigningKey
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.domain_records import check_records
from angarium.queue.keepsakes import Keepsakes
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.service.platform.domain_keeping import DomainKeeping
from angarium.service.platform.domain_watch import DomainWatch
from angarium.service.runtime import Runtime
from angarium.service.snapshots import snapshots_of
from angarium.telemetry import log
from angarium.tenancy.domain_check import CheckedRecord
from angarium.tenancy.model import Domain

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

# Ours: who has just published a record is not told for minutes that there is none
FRESH_S: Final = 5.0
LOOK_UPS: Final = 32
ENTRIES: Final = 10_000


class DomainParts:
    def __init__(self, runtime: Runtime, keepsakes: Keepsakes) -> None:
        """Raises DnsSetupError, TenancySetupError."""
        self._config = runtime.config
        # Its own: answers that others keep are too old for it, and it keeps nobody waiting
        self._dns = DnsResolver(fresh_dns(runtime.config.dns), time.monotonic)
        self._keeping = DomainKeeping(self._open)
        self.watch: Final = DomainWatch(
            snapshots_of(runtime.config),
            self._keeping,
            self._look_up,
            keepsakes,
            runtime.clock,
            runtime.metrics,
        )

    def exchange(self, config: Config) -> None:
        """Go by this from now on; a nameserver that is none leaves the old ones asked."""
        self._config = config
        try:
            self._dns.exchange(fresh_dns(config.dns))
        except DnsSetupError as error:
            log("reload_refused", "error", problem=str(error))

    async def close(self) -> None:
        await self._dns.close()
        await asyncio.to_thread(self._keeping.close)

    def _open(self) -> "Platform":
        # Imported where there are domains: SQLAlchemy is 25 MB
        from angarium.tenancy.platform import Platform

        return Platform.open(self._config, actor="server")

    async def _look_up(
        self, domain: Domain, keys: Sequence[SigningKey]
    ) -> tuple[CheckedRecord, ...]:
        return (await check_records(self._config, domain, keys, PatientDns(self._dns))).records


def fresh_dns(dns: Dns) -> Dns:
    return msgspec.structs.replace(
        dns,
        max_ttl_s=FRESH_S,
        min_ttl_s=min(dns.min_ttl_s, FRESH_S),
        negative_ttl_s=min(dns.negative_ttl_s, FRESH_S),
        look_ups=min(dns.look_ups, LOOK_UPS),
        cache_entries=min(dns.cache_entries, ENTRIES),
    )
