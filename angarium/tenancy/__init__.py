"""Whose mail it is: tenants, their keys, the domains that they send as, and who changed what.

Start with ``SnapshotFile``, which the server's processes read on the way of a message. ``platform.Platform`` is what
commands change; it is imported from its module, since only who reads the database pays for SQL. Knows nothing of
sessions, sockets and DNS.
"""

from angarium.tenancy.model import (
    AuditEntry,
    ConflictError,
    Domain,
    DomainKey,
    Key,
    KeyKind,
    NotFoundError,
    TenancyError,
    TenancySetupError,
    Tenant,
)
from angarium.tenancy.plan import Plan
from angarium.tenancy.plan_change import PlanChange
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot
from angarium.tenancy.snapshot_file import SnapshotFile

__all__ = [
    "AuditEntry",
    "ConflictError",
    "Domain",
    "DomainKey",
    "Key",
    "KeyGrant",
    "KeyKind",
    "KeyProblem",
    "NotFoundError",
    "Plan",
    "PlanChange",
    "Snapshot",
    "SnapshotFile",
    "TenancyError",
    "TenancySetupError",
    "Tenant",
]
