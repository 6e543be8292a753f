"""What the audit of a platform has."""

from angarium.tenancy.model import AuditEntry
from angarium.tenancy.platform import Platform


def audit_entries(platform: Platform) -> list[AuditEntry]:
    """The newest first."""
    return [each.entry for each in platform.audit.page(None, None, 1000)]
