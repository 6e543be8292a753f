"""What the platform says of a tenant who sends: its plan, and its domains."""

from collections.abc import Mapping

from angarium.intake.tracking import TenantTracking
from angarium.queue.terms import Terms
from angarium.tenancy import SnapshotFile
from angarium.tenancy.alignment import explain_domain


class SnapshotTenants:
    """Satisfies ``order_desk.Tenants``, ``tenant_limits.TenantLimits`` and ``tracking.TrackedTenants``."""

    def __init__(self, snapshots: SnapshotFile) -> None:
        self._snapshots = snapshots

    def terms(self, tenant: str) -> Terms:
        return self._snapshots.current.terms(tenant)

    def find_refusal(self, tenant: str, stream: str, pool: str | None) -> str | None:
        return self._snapshots.current.plan(tenant).find_refusal(stream, pool)

    def find_tracking(self, tenant: str) -> TenantTracking:
        snapshot = self._snapshots.current
        return TenantTracking(
            policy=snapshot.tracking_of(tenant),
            host=snapshot.tracking_host_of(tenant),
            postal_address=snapshot.postal_address_of(tenant),
        )

    def topics(self, tenant: str) -> Mapping[str, str]:
        return self._snapshots.current.topic_names_of(tenant)

    def explain_domain(self, tenant: str, domain: str) -> str:
        return f"from: {explain_domain(self._snapshots.current, tenant, domain)}"
