"""As whom a tenant may send, what is in the way of it, and which record is missing.

``strict`` (the usual): exactly as domains that it has verified, so that nothing that it sends depends on what others
publish above or below. ``relaxed``: as those below them, too, which one DKIM key aligns as well (RFC 7489 section
3.1.1). ``off``: as anybody whom no other tenant is. From and the return path are held to the same: only where both are
aligned do SPF and DKIM both pass, as some large receivers want it.
"""

from typing import Final

from angarium.tenancy.model import Domain, DomainKey
from angarium.tenancy.snapshot import Snapshot
from angarium.tenancy.snapshot_file import SnapshotFile

_SHOWN: Final = 5  # domains


class Alignments:
    """Satisfies ``intake.required_signatures.Owners``."""

    def __init__(self, snapshots: SnapshotFile) -> None:
        self._snapshots = snapshots

    def signs_for(self, tenant: str, domain: str) -> bool:
        """Whether a key of the tenant's signs what it sends as this domain."""
        owned = self._snapshots.current.find_sending_domain(tenant, domain)
        return owned is not None and bool(owned.signing_keys)

    def find_fault(self, tenant: str, domain: str, *, is_signed: bool) -> str | None:
        """Return why the tenant may not send as the domain, though its patterns allow it; None: it may.

        ``is_signed``: a key of the configuration signs for it.
        """
        snapshot = self._snapshots.current
        owned = snapshot.find_sending_domain(tenant, domain)
        alignment = snapshot.alignment_of(tenant)
        if owned is None:
            is_taken = alignment != "strict" and snapshot.is_taken(tenant, domain)
            return _foreign(domain) if is_taken else None
        if owned.signing_keys or is_signed or alignment == "off":
            return None
        return _unsigned(owned)


def explain_domain(snapshot: Snapshot, tenant: str, domain: str) -> str:
    """Say why a domain that the tenant's patterns do not have is refused, and what to do."""
    if (pending := snapshot.find_pending(tenant, domain)) is not None:
        record = f'{pending.token_name} TXT "{pending.token_value}"'
        return (
            f"the domain {domain} is not verified yet: publish {record}; it is then found by itself"
        )
    if snapshot.is_taken(tenant, domain):
        return _foreign(domain)
    if (above := snapshot.find_above(tenant, domain)) is not None:
        return (
            f"this tenant sends as exactly its domains, and {domain} is below {above.name}: verify it, too, or have the"
            f" alignment relaxed (`postmaster tenant set {tenant} --alignment relaxed`)"
        )
    own = ", ".join(snapshot.domains_of(tenant)[:_SHOWN]) or "none"
    return (
        f"the domain {domain} is not among the verified ones of this tenant ({own}): add it with"
        f" `postmaster domain add {domain} --tenant {tenant}`, and publish its records"
    )


def _foreign(domain: str) -> str:
    return f"the domain {domain} is the verified domain of another tenant"


def _unsigned(owned: Domain) -> str:
    key: DomainKey = owned.keys[-1]
    record = f"{key.selector}._domainkey.{owned.name}"
    return f"No DKIM key of {owned.name} is found in DNS yet: publish {record} TXT, with the value that came with it"
