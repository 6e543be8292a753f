"""What serves tracking hosts in an ingress process, made of its configuration and of what the platform publishes."""

import hashlib
from pathlib import Path

from angarium.access.networks import Networks
from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.api.tracked.hosts import NamedHosts
from angarium.api.tracked.site import LeavingPages, TrackedSite
from angarium.config.machine_networks import all_networks
from angarium.config.schema import Config
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.queue import DEFAULT_TENANT, LmdbSpool
from angarium.service.ingress.fetch_recorder import FetchRecorder
from angarium.service.runtime import Runtime
from angarium.telemetry.metrics import Metrics
from angarium.tenancy import SnapshotFile
from angarium.tracking.networks import MachineNetworks, NetworkOwner
from angarium.tracking.tokens import TrackingKeys, tenant_tag


class TrackedParts:
    def __init__(
        self,
        runtime: Runtime,
        spool: LmdbSpool,
        snapshots: SnapshotFile,
        leaving: LeavingPages | None = None,
    ) -> None:
        """Raises StartError: the key file cannot be used."""
        config = runtime.config
        self.recorder = FetchRecorder(spool.record)
        secrets = _secrets(config)
        self.site = TrackedSite(
            hosts=_hosts(config),
            keys=TrackingKeys(secrets, config.tracking.link_days),
            tenants=_SnapshotTags(snapshots),
            networks=_networks(config),
            record=self.recorder,
            clock=runtime.clock,
            veil=_veil(secrets),
            is_secure=not config.tracking.insecure,
            proxies=Networks(config.tracking.proxies),
            leaving=leaving,
        )
        self._config = config

    def reload(self) -> None:
        """Read the keys again. Raises StartError; then those of before stay."""
        self.site.keys = TrackingKeys(_secrets(self._config), self._config.tracking.link_days)

    def set_metrics(self, metrics: Metrics) -> None:
        metrics.fetches_lost["memory"].follow(self.recorder.lost)
        metrics.fetches_lost["repeated"].follow(self.recorder.repeated)
        refusals = self.site.refusals
        metrics.tracking_refused["malformed"].follow(refusals.malformed)
        metrics.tracking_refused["forged"].follow(refusals.forged)
        metrics.tracking_refused["expired"].follow(refusals.expired)


class _SnapshotTags:
    """Satisfies TenantsByTag: by the snapshot in use."""

    def __init__(self, snapshots: SnapshotFile) -> None:
        self._snapshots = snapshots
        self._of: object = None
        self._names: dict[bytes, str] = {}

    def named(self, tag: bytes) -> str:
        current = self._snapshots.current
        if self._of is not current:
            self._of = current
            tenants = (DEFAULT_TENANT, *current.tenants)
            self._names = {tenant_tag(each): each for each in tenants}
        return self._names.get(tag, "")


def _secrets(config: Config) -> dict[int, bytes]:
    try:
        return read_tracking_keys(Path(config.tracking.key_file))
    except TrackingKeyError as error:
        raise StartError(str(error), EX_CONFIG) from None


def _hosts(config: Config) -> NamedHosts:
    host = config.tracking.host
    return NamedHosts({} if host is None else {host: ""})


def _networks(config: Config) -> MachineNetworks:
    return MachineNetworks(
        (NetworkOwner(name=each.name, kind=each.kind), network)
        for each in all_networks(config.tracking)
        for network in each.networks
    )


def _veil(secrets: dict[int, bytes]) -> bytes:
    """Return what networks are veiled by: derived from the oldest key, so that a new one changes no visitor's mark."""
    return hashlib.sha256(b"angarium tracking veil" + secrets[min(secrets)]).digest()
