"""By which providers deliveries are counted: the shipped and the configured ones; a bounded number of labels."""

from collections.abc import Sequence
from typing import Final

from angarium.config.providers import shipped
from angarium.config.schema import Provider
from angarium.routing.host_name import canonical_name
from angarium.routing.provider_table import ProviderTable

OTHER: Final = "other"
MAX_LABELS: Final = 64  # ours: metrics never grow with what is written or received


class ProviderLabels:
    def __init__(self, own: Sequence[Provider]) -> None:
        self.exchange(own)

    def exchange(self, own: Sequence[Provider]) -> None:
        """Go by these from now on: after a reload."""
        self._table = ProviderTable(own)
        names = [*(each.name for each in shipped().provider), *(each.name for each in own)]
        self._names = frozenset(list(dict.fromkeys(names))[:MAX_LABELS])

    def of(self, recipient: str, host: str) -> str:
        """Return the label for mail to ``recipient`` that ``host`` answered; host "": none did."""
        domain = canonical_name(recipient.rpartition("@")[2])
        found = self._table.find_by_domain(domain)
        if found is None and host:
            found = self._table.find_by_hosts((canonical_name(host),))
        return found.name if found is not None and found.name in self._names else OTHER
