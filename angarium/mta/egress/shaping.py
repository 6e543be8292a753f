"""What is asked before an attempt, and told after it. The seam of adaptive shaping; static limits today. Pure."""

from typing import Protocol

from angarium.config.schema import Provider
from angarium.mta.egress.gate import GateKey
from angarium.mta.transport.outcome import Outcome


class Shaping(Protocol):
    def connections(self, key: GateKey, provider: Provider) -> int:
        """How many connections of the source to the provider may be open now."""
        ...

    def transfers_per_connection(self, key: GateKey, provider: Provider) -> int: ...

    def observe(self, key: GateKey, outcome: Outcome) -> None:
        """Each reply, as it comes in: whoever wants to react."""
        ...


class StaticShaping:
    """The configured limits, as they are written."""

    def connections(self, key: GateKey, provider: Provider) -> int:
        return provider.connections

    def transfers_per_connection(self, key: GateKey, provider: Provider) -> int:
        return provider.messages_per_connection

    def observe(self, key: GateKey, outcome: Outcome) -> None:
        return None
