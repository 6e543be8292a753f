"""What the platform says of a tenant who sends by the HTTP API: its quotas, and its domains."""

from angarium.queue.terms import Terms
from angarium.tenancy import SnapshotFile


class SnapshotTenants:
    """Satisfies ``order_desk.Tenants``."""

    def __init__(self, snapshots: SnapshotFile) -> None:
        self._snapshots = snapshots

    def terms(self, tenant: str) -> Terms:
        return Terms(tenant=tenant)

    def explain_domain(self, tenant: str, domain: str) -> str:
        pending = self._snapshots.current.find_pending(tenant, domain)
        if pending is not None:
            return (
                f"from: the domain {domain} is not verified yet: publish the record that"
                f" `postmaster domain show {domain}` names, then ask for a check"
            )
        own = ", ".join(self._snapshots.current.domains_of(tenant)[:5]) or "none"
        return (
            f"from: the domain {domain} is not among the verified ones of this tenant ({own}): add it"
            f" with `postmaster domain add {domain}`, and publish its records"
        )
