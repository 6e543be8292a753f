"""From which addresses, and under which names, receivers see this machine: what PTR and SPF must be of."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from angarium.config.crosscheck import DEFAULT_POOL
from angarium.config.schema import Config
from angarium.routing.address_rules import is_refused
from angarium.routing.own_host import default_sources


class EgressAddress(msgspec.Struct, frozen=True, kw_only=True):
    source: str  # its name; "default": the system's choice
    address: str
    ehlo: str

    @property
    def is_private(self) -> bool:
        """Behind a NAT: receivers see another address."""
        return is_refused(self.address)


def egress_addresses(
    config: Config, choose: Callable[[], Sequence[str]] = default_sources
) -> tuple[EgressAddress, ...]:
    """Return those of the sources, and of the system's choice where mail may leave by that."""
    return tuple(dict.fromkeys(_all(config, choose)))


def sends_by_mx(config: Config) -> bool:
    """Whether any mail goes to the hosts of its domain; else receivers see the smart hosts' addresses only."""
    for route in config.route:
        if "mx" in route.vias:
            return True
        if route.domain == "*":
            return False
    return True


def _all(config: Config, choose: Callable[[], Sequence[str]]) -> Iterator[EgressAddress]:
    hostname = config.server.hostname
    free = [each for each in config.source if each.address is None]
    for source in config.source:
        if source.address is not None:
            ehlo = source.ehlo or hostname
            yield EgressAddress(source=source.name, address=source.address, ehlo=ehlo)
    if free or not any(each.name == DEFAULT_POOL for each in config.pool):
        name = free[0].name if free else "default"
        ehlo = (free[0].ehlo if free else None) or hostname
        for address in choose():
            yield EgressAddress(source=name, address=address, ehlo=ehlo)
