"""By which providers deliveries are counted: the shipped and the configured ones; a bounded number of labels."""

from collections.abc import Sequence
from typing import Final

from angarium.config.providers import shipped
from angarium.config.schema import Provider

OTHER: Final = "other"
MAX_LABELS: Final = 64  # ours: metrics never grow with what is written or received


class ProviderLabels:
    def __init__(self, own: Sequence[Provider]) -> None:
        self.exchange(own)

    def exchange(self, own: Sequence[Provider]) -> None:
        """Go by these from now on: after a reload."""
        names = [*(each.name for each in shipped().provider), *(each.name for each in own)]
        self._names = frozenset(list(dict.fromkeys(names))[:MAX_LABELS])

    def of(self, provider: str) -> str:
        """Return the label for the provider of that name."""
        return provider if provider in self._names else OTHER
