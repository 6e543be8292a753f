"""Which suppressions a list is to show. Pure."""

import msgspec

from angarium.queue.suppression_key import (
    address_key,
    compared_domain,
    compared_form,
    compared_prefix,
    domain_key,
)
from angarium.queue.suppressions import Scope, Suppression


class SuppressionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All given conditions must hold."""

    email: str = ""  # this address
    prefix: str = ""  # addresses that begin so, as they are compared
    domain: str = ""
    scope: Scope | None = None
    reason: str = ""
    tenant: str = ""  # of this tenant, whatever their stream
    everybodys: bool = False  # with ``tenant``: also those of everybody's mail


class CompiledSuppressionFilter:
    """A filter made ready to be asked a million times."""

    def __init__(self, wanted: SuppressionFilter) -> None:
        """Raises ValueError for an address or domain that is none."""
        self._email = compared_form(wanted.email) if wanted.email else ""
        self._prefix = compared_prefix(wanted.prefix)
        self._domain = f"@{compared_domain(wanted.domain)}" if wanted.domain else ""
        self._scope = wanted.scope
        self._reason = wanted.reason
        self._tenants = {wanted.tenant, None} if wanted.everybodys else {wanted.tenant}
        self._is_of_tenant = bool(wanted.tenant)
        self.start = self._start(wanted)

    def _start(self, wanted: SuppressionFilter) -> bytes:
        """Return what the keys of all that match begin with."""
        if wanted.email:
            return address_key(wanted.email)
        if wanted.domain:
            return domain_key(wanted.domain)
        return self._prefix.rpartition("@")[2].encode() if "@" in self._prefix else b""

    def matches(self, found: Suppression) -> bool:
        if self._reason and found.reason != self._reason:
            return False
        if self._scope is not None and found.scope != self._scope:
            return False
        if self._is_of_tenant and found.scope.tenant not in self._tenants:
            return False
        if not (self._email or self._prefix or self._domain):
            return True
        form = compared_form(found.email)
        return (
            (not self._email or form == self._email)
            and form.startswith(self._prefix)
            and form.endswith(self._domain)
        )
