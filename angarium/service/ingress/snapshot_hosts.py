"""Which hosts are for tracking, and whose, by the configuration and by what the platform publishes."""

from angarium.api.tracked.hosts import NamedHosts
from angarium.config.schema import Config
from angarium.tenancy import SnapshotFile


class SnapshotHosts:
    """Satisfies TrackingHosts. Tenants' hosts are theirs from the moment they are published, verified or not: an
    authority looks before they are, and links of before lead to them afterwards.
    """

    def __init__(self, config: Config, snapshots: SnapshotFile) -> None:
        host = config.tracking.host
        self._default = {} if host is None else {host: ""}
        self._snapshots = snapshots
        self._of: object = None
        self._named = NamedHosts(self._default)

    def find(self, host: str) -> str | None:
        current = self._snapshots.current
        if self._of is not current:
            self._of = current
            tenants = {each.host: each.tenant for each in current.tracking_hosts.values()}
            self._named = NamedHosts({**tenants, **self._default})
        return self._named.find(host)
