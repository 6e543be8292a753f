"""Which egress sources a message may leave by: the route's pool, and each source's weight in it. Pure."""

import random
from collections.abc import Sequence

from angarium.config.schema import Pool, Source
from angarium.mta.transport.transfer import EgressPath
from angarium.routing.route_table import RouteTable

DEFAULT = "default"


class Pools:
    """A configuration without sources has one, ``default``, with the system's address and the server's name."""

    def __init__(
        self, sources: Sequence[Source], pools: Sequence[Pool], routes: RouteTable, hostname: str
    ) -> None:
        paths = {
            source.name: EgressPath(
                source=source.name, bind_address=source.address, ehlo=source.ehlo or hostname
            )
            for source in sources
        }
        self._routes = routes
        self._pools: dict[str, tuple[list[EgressPath], list[int]]] = {
            pool.name: (
                [paths[member.name] for member in pool.sources],
                [member.weight for member in pool.sources],
            )
            for pool in pools
        }
        if DEFAULT not in self._pools:
            everyone = list(paths.values()) or [
                EgressPath(source=DEFAULT, bind_address=None, ehlo=hostname)
            ]
            self._pools[DEFAULT] = (everyone, [1] * len(everyone))

    def choose(self, domain: str, randomness: random.Random) -> EgressPath:
        route = self._routes.find(domain)
        paths, weights = self._pools[DEFAULT if route is None else route.pool]
        if len(paths) == 1:
            return paths[0]
        return randomness.choices(paths, weights)[0]
