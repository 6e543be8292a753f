"""What serves tracking hosts in an ingress process, made of its configuration and of what the platform publishes."""

from angarium.access.networks import Networks
from angarium.api.leaving import LeavingPages, PublishedFacts
from angarium.api.tracked.site import TrackedSite
from angarium.api.tracked.well_known import WellKnown
from angarium.config.machine_networks import all_networks
from angarium.config.schema import Config
from angarium.issuance.store import IssuanceStore
from angarium.queue import DEFAULT_TENANT, LmdbSpool
from angarium.service.ingress.fetch_recorder import FetchRecorder
from angarium.service.ingress.snapshot_hosts import SnapshotHosts
from angarium.service.runtime import Runtime
from angarium.service.tracking_keys import load_tracking_keys
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
    ) -> None:
        """Raises StartError: the key file cannot be used."""
        config = runtime.config
        self._config = config
        self.recorder = FetchRecorder(spool.record)
        keys = load_tracking_keys(config.tracking)
        issued = IssuanceStore(runtime.data_dir.path)
        self._well_known = WellKnown(keys.host_proof, issued.find_answer)
        facts = PublishedFacts(snapshots, lambda: self._config)
        self._leaving = LeavingPages(keys, facts, spool.suppressions, runtime.clock)
        self.site = TrackedSite(
            hosts=SnapshotHosts(config, snapshots),
            keys=keys,
            tenants=_SnapshotTags(snapshots),
            networks=_networks(config),
            record=self.recorder,
            clock=runtime.clock,
            is_secure=not config.tracking.insecure,
            proxies=Networks(config.tracking.proxies),
            leaving=self._leaving,
            well_known=self._well_known,
        )

    def exchange(self, config: Config) -> None:
        """Offer these streams to who leaves, from now on. What is of [tracking] stays as it was."""
        self._config = config

    def exchange_keys(self, keys: TrackingKeys) -> None:
        self.site.keys = self._leaving.keys = keys
        self._well_known.proof = keys.host_proof

    def set_metrics(self, metrics: Metrics) -> None:
        metrics.fetches_lost["memory"].follow(self.recorder.lost)
        metrics.fetches_lost["repeated"].follow(self.recorder.repeated)
        metrics.fetches_waiting.set(self.recorder.held)
        for kind, number in self.site.requests.items():
            metrics.tracking_requests[kind].follow(number)
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


def _networks(config: Config) -> MachineNetworks:
    return MachineNetworks(
        (NetworkOwner(name=each.name, kind=each.kind), network)
        for each in all_networks(config.tracking)
        for network in each.networks
    )
