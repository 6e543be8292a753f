"""The composition root of what looks at tracking hosts and has their certificates ordered."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.config.schema import Acme, Config
from angarium.config.tracking_host import default_host
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.insight.tracking_hosts import HostLook, Subject
from angarium.issuance.model import HostStatus
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.queue import UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.service.platform.certificate_watch import CertificateWatch, Orders
from angarium.service.platform.domain_parts import fresh_dns
from angarium.service.platform.host_keeping import HostKeeping
from angarium.service.platform.host_watch import HostWatch
from angarium.service.runtime import Runtime
from angarium.service.snapshots import snapshots_of
from angarium.telemetry import log
from angarium.tenancy.tracking_host_check import HostFinding
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tracking.host_proof import HostProof

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform


class TrackingHostParts:
    def __init__(self, runtime: Runtime, keepsakes: Keepsakes) -> None:
        """Raises DnsSetupError, TenancySetupError; StartError: the key file, or tracking.ca_file, cannot be used."""
        self._config = runtime.config
        self._dns = DnsResolver(fresh_dns(runtime.config.dns), time.monotonic)
        self._store = IssuanceStore(Path(runtime.config.server.data_dir))
        self._keeping = HostKeeping(self._open)
        self._proof = _proof(runtime.config)
        self._check_authorities()
        own = default_host(runtime.config).host
        self.hosts: Final = HostWatch(
            snapshots_of(runtime.config),
            self._keeping,
            self._look_at,
            keepsakes,
            runtime.clock,
            runtime.metrics,
            own,
        )
        self.certificates: Final = CertificateWatch(
            runtime.config.acme,
            self._store,
            self._orders(runtime.clock),
            self.hosts.states,
            self._has_files,
            self.hosts.hurry,
            runtime.clock,
            runtime.metrics,
        )

    def _check_authorities(self) -> None:
        """Raises StartError: at the start, instead of at each look."""
        try:
            HostLook(self._config, self._proof, self._dns, os.urandom)
        except OSError as error:
            text = f"tracking.ca_file: {self._config.tracking.ca_file}: {error}"
            raise StartError(text, EX_CONFIG) from None

    def exchange(self, config: Config) -> None:
        """Go by this from now on; a nameserver that is none leaves the old ones asked."""
        self._config = config
        self.certificates.exchange(config.acme)
        try:
            self._dns.exchange(fresh_dns(config.dns))
        except DnsSetupError as error:
            log("reload_refused", "error", problem=str(error))

    async def close(self) -> None:
        await self._dns.close()
        await asyncio.to_thread(self._keeping.close)

    def _orders(self, clock: Callable[[], UnixMs]) -> Callable[[Acme], Orders]:
        def open_orders(config: Acme) -> Orders:
            # Imported where there is something to order: it is 7 MB
            from angarium.issuance.authority import Authority

            return Authority(config, self._store, clock)

        return open_orders

    def _open(self) -> "Platform":
        # Imported where there are hosts: SQLAlchemy is 25 MB
        from angarium.tenancy.platform import Platform

        return Platform.open(self._config, actor="server")

    def _has_files(self, host: str) -> bool:
        return any(each.host == host for each in self._config.tracking_certificate)

    async def _look_at(
        self, host: TrackingHost, owner_problem: str | None
    ) -> tuple[HostFinding, ...]:
        subject = Subject(
            host=host.host,
            owner_problem=owner_problem,
            status=self._status(host.host),
            has_files=self._has_files(host.host),
        )
        return await HostLook(self._config, self._proof, self._dns, os.urandom).look(subject)

    def _status(self, host: str) -> HostStatus:
        try:
            return self._store.status(host)
        except IssuanceError:
            return HostStatus()  # the one that orders says so


def _proof(config: Config) -> HostProof:
    try:
        return HostProof(read_tracking_keys(Path(config.tracking.key_file)))
    except TrackingKeyError as error:
        raise StartError(str(error), EX_CONFIG) from None
