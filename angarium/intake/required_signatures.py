"""Refuses what nobody could sign, where all that leaves must be signed (``dkim.required``). Pure."""

from collections.abc import Callable

from angarium.config.schema import Dkim
from angarium.dkim import SigningDomains
from angarium.smtp.refusal import Refusal


class RequiredSignatures:
    def __init__(
        self, config: Dkim, owns: Callable[[str, str], bool] = lambda _tenant, _domain: False
    ) -> None:
        """``owns``: whether a tenant has this domain, and with it a key, besides what the configuration has."""
        self._owns = owns
        self.exchange(config)

    def exchange(self, config: Dkim) -> None:
        """Ask by these keys from now on."""
        self._is_required = config.required
        self._domains = SigningDomains.of(config)

    def find_refusal(self, header_from: str, tenant: str = "") -> Refusal | None:
        """Return the reply to a tenant's message with this domain in From; None: it may go on its way."""
        if not self._is_required or self._domains.covers(header_from):
            return None
        if self._owns(tenant, header_from.lower()):
            return None
        text = (
            f"No DKIM key here signs for {header_from}, and only signed mail is sent; ask the administrator for one"
            " (postmaster dkim keygen), or write From with a domain that has one"
        )
        return Refusal(550, "5.7.1", text)
