"""What the resources of our own dialect work with, and what each of them asks of a caller."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from aiohttp import web

from angarium.api.native.wire import invalid
from angarium.api.platform_access import PlatformAccess
from angarium.config.schema import Config
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.queue import Suppressions
from angarium.queue.model import UnixMs
from angarium.queue.quota import QuotaUse
from angarium.telemetry.log import log
from angarium.templates.rendering import Renderer
from angarium.tenancy import SnapshotFile
from angarium.tenancy.scopes import allows


class Admits(Protocol):
    def __call__(self, request: web.Request, resource: str, action: str) -> Caller:
        """Say whose request it is. ``resource`` "": any valid key will do. Raises FaultError."""
        ...


class Premises(msgspec.Struct, frozen=True, kw_only=True):
    """One of an ingress process."""

    admit: Admits
    platform: PlatformAccess
    snapshots: SnapshotFile
    suppressions: Suppressions
    config: Callable[[], Config]  # as it is now: a reload changes it
    clock: Callable[[], UnixMs]
    renderer: Renderer
    quota_use: Callable[[str], Sequence[QuotaUse]]  # of a tenant, in the present periods

    @property
    def data_dir(self) -> Path:
        return Path(self.config().server.data_dir)

    def scopes(self, caller: Caller) -> tuple[str, ...]:
        """Return what its key may do."""
        if caller.scopes:
            return caller.scopes
        key = self.snapshots.current.keys.get(caller.key_id)
        return () if key is None else key.scopes

    def may(self, caller: Caller, resource: str, action: str) -> bool:
        return allows(self.scopes(caller), resource, action)

    def tenant_of(self, caller: Caller, asked: str, action: str) -> str:
        """Return whose things are meant; ``asked``: a tenant's name, "" for the caller's own.

        Raises FaultError: others' are for who has the scope ``tenants``.
        """
        if asked in ("", caller.tenant):
            return caller.tenant
        if not self.may(caller, "tenants", action):
            text = f"The key is of tenant {caller.tenant}: for another one's it needs the scope tenants:{action}"
            raise invalid("tenant", text, FaultKind.NO_SCOPE)
        if asked not in self.snapshots.current.tenants:
            raise invalid("tenant", f"There is no tenant {asked[:64]!a}")
        return asked

    async def note(
        self, caller: Caller, action: str, subject: str, *, tenant: str = "", **details: str
    ) -> None:
        """Leave the audit entry of what was done outside the platform's database, once it is done.

        That cannot be undone any more: an entry that cannot be written is in the log. The queue's events have the key.
        """
        whose = tenant or caller.tenant
        try:
            await self.platform.run(
                lambda platform: platform.audit.note(action, whose, subject, **details), by=caller
            )
        except FaultError as error:
            log(
                "audit_entry_lost",
                "error",
                action=action,
                key=caller.key_id,
                subject=subject,
                problem=str(error),
            )
