"""What a tenant says of what is taken in, by its plan and its topics: a protocol, and what is told where that forbids
it. Pure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from angarium.queue.terms import OverQuota, Terms
from angarium.smtp.refusal import Refusal

_SHOWN: Final = 40  # characters of what a client wrote
_TOLD: Final = 400


class TenantLimits(Protocol):
    def terms(self, tenant: str) -> Terms:
        """Its quotas, and no key."""
        ...

    def find_refusal(self, tenant: str, stream: str, pool: str | None) -> str | None:
        """Say why it may not send by this stream, which has a pool of its own or not; None: it may."""
        ...

    def topics(self, tenant: str) -> Mapping[str, str]:
        """Return the names of what its mail may be about, by name and by id."""
        ...


class Unlimited:
    """Satisfies TenantLimits: nobody has a plan."""

    def terms(self, tenant: str) -> Terms:
        return Terms(tenant=tenant)

    def find_refusal(self, _tenant: str, _stream: str, _pool: str | None) -> str | None:
        return None

    def topics(self, _tenant: str) -> Mapping[str, str]:
        return {}


UNLIMITED: Final = Unlimited()


def explain_topic(text: str, known: Mapping[str, str]) -> str:
    """Say that there is no such topic, and which ones there are; printable ASCII."""
    shown = "".join(c if " " <= c <= "~" else "?" for c in text[:_SHOWN])
    names = ", ".join(dict.fromkeys(known.values()))
    there = (
        f"there are {names}" if names else "this tenant has none: `postmaster topic add` adds one"
    )
    return f"there is no topic {shown}; {there}"[:_TOLD]


def quota_refusal(over: OverQuota) -> Refusal:
    """RFC 3463: X.7.1 is what a policy forbids; for now, unless it could never be allowed."""
    about = f"the quota of this tenant, {over.quota.limit} recipients per {over.quota.period}"
    if over.too_many:
        return Refusal(550, "5.7.1", f"The message has more recipients than {about}")
    opens = datetime.fromtimestamp(over.until // 1000, UTC)
    return Refusal(451, "4.7.1", f"Over {about}; try again after {opens:%Y-%m-%d %H:%M:%S} UTC")
