"""What the platform says of a tenant who sends: its plan, and its domains."""

from angarium.queue.terms import Terms
from angarium.tenancy import SnapshotFile


class SnapshotTenants:
    """Satisfies ``order_desk.Tenants`` and ``tenant_limits.TenantLimits``."""

    def __init__(self, snapshots: SnapshotFile) -> None:
        self._snapshots = snapshots

    def terms(self, tenant: str) -> Terms:
        return self._snapshots.current.terms(tenant)

    def find_refusal(self, tenant: str, stream: str, pool: str | None) -> str | None:
        return self._snapshots.current.plan(tenant).find_refusal(stream, pool)

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
