"""What a tenant's plan says of what is taken in: a protocol, and the reply where a quota has no room. Pure."""

from datetime import UTC, datetime
from typing import Final, Protocol

from angarium.queue.terms import OverQuota, Terms
from angarium.smtp.refusal import Refusal


class TenantLimits(Protocol):
    def terms(self, tenant: str) -> Terms:
        """Its quotas, and no key."""
        ...

    def find_refusal(self, tenant: str, stream: str, pool: str | None) -> str | None:
        """Say why it may not send by this stream, which has a pool of its own or not; None: it may."""
        ...


class Unlimited:
    """Satisfies TenantLimits: nobody has a plan."""

    def terms(self, tenant: str) -> Terms:
        return Terms(tenant=tenant)

    def find_refusal(self, _tenant: str, _stream: str, _pool: str | None) -> str | None:
        return None


UNLIMITED: Final = Unlimited()


def quota_refusal(over: OverQuota) -> Refusal:
    """RFC 3463: X.7.1 is what a policy forbids; for now, unless it could never be allowed."""
    about = f"the quota of this tenant, {over.quota.limit} recipients per {over.quota.period}"
    if over.too_many:
        return Refusal(550, "5.7.1", f"The message has more recipients than {about}")
    opens = datetime.fromtimestamp(over.until // 1000, UTC)
    return Refusal(451, "4.7.1", f"Over {about}; try again after {opens:%Y-%m-%d %H:%M:%S} UTC")
