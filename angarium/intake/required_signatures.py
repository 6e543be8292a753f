"""Refuses what is not aligned: what nobody could sign, where all must be signed (``dkim.required``), and what a tenant
sends as a domain for which none of its keys signs. Pure.
"""

from typing import Protocol

from angarium.config.schema import Dkim
from angarium.dkim import SigningDomains
from angarium.smtp.refusal import Refusal


class Owners(Protocol):
    """``tenancy.alignment.Alignments`` is."""

    def signs_for(self, tenant: str, domain: str) -> bool:
        """Whether a key of the tenant's, besides those of the configuration, signs for the domain."""
        ...

    def find_fault(self, tenant: str, domain: str, *, is_signed: bool) -> str | None:
        """Return why a tenant's program may not send as the domain, with the record that is missing."""
        ...


class RequiredSignatures:
    def __init__(self, config: Dkim, owners: Owners | None = None) -> None:
        """``owners``: of tenants' domains; None: there are no tenants."""
        self._owners = owners
        self.exchange(config)

    def exchange(self, config: Dkim) -> None:
        """Ask by these keys from now on."""
        self._is_required = config.required
        self._domains = SigningDomains.of(config)

    def find_refusal(
        self, header_from: str, tenant: str = "", *, is_program: bool = True
    ) -> Refusal | None:
        """Return the reply to a tenant's message with this domain in From; None: it may go on its way.

        ``is_program``: it came with a key of the tenant's; a user of the file may send as the file says.
        """
        is_signed = self._domains.covers(header_from)
        domain = header_from.lower()
        if self._owners is not None and is_program:
            fault = self._owners.find_fault(tenant, domain, is_signed=is_signed)
            if fault is not None:
                return Refusal(550, "5.7.1", fault)
        if not self._is_required or is_signed:
            return None
        if self._owners is not None and self._owners.signs_for(tenant, domain):
            return None
        text = (
            f"No DKIM key here signs for {header_from}, and only signed mail is sent; ask the administrator for one"
            " (postmaster dkim keygen), or write From with a domain that has one"
        )
        return Refusal(550, "5.7.1", text)
