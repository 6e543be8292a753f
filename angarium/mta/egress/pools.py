"""Which egress sources a message may leave by: the route's pool, and each source's weight in it. Pure."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from angarium.config.schema import Pool, Source
from angarium.mta.transport.transfer import EgressPath
from angarium.routing.routing import Routing

DEFAULT = "default"
T = TypeVar("T")


class Chance(Protocol):
    """``random.Random`` is one."""

    def choices(self, population: Sequence[T], weights: Sequence[int], /) -> list[T]: ...


class Pools:
    """A configuration without sources has one, ``default``, with the system's address and the server's name."""

    def __init__(
        self, sources: Sequence[Source], pools: Sequence[Pool], routing: Routing, hostname: str
    ) -> None:
        self._hostname = hostname
        self.exchange(sources, pools, routing)

    def exchange(self, sources: Sequence[Source], pools: Sequence[Pool], routing: Routing) -> None:
        """Choose by these from now on."""
        self._routing = routing
        self._paths = {
            source.name: EgressPath(
                source=source.name,
                bind_address=source.address,
                ehlo=source.ehlo or self._hostname,
            )
            for source in sources
        }
        if not self._paths:
            self._paths[DEFAULT] = EgressPath(
                source=DEFAULT, bind_address=None, ehlo=self._hostname
            )
        self._pools: dict[str, tuple[Sequence[EgressPath], Sequence[int]]] = {
            pool.name: (
                [self._paths[member.name] for member in pool.sources],
                [member.weight for member in pool.sources],
            )
            for pool in pools
        }
        # Those whose mail waits for the source that was chosen
        self._waiting = {pool.name for pool in pools if pool.overflow == "wait"}
        if DEFAULT not in self._pools:
            everyone = list(self._paths.values())
            self._pools[DEFAULT] = (everyone, [1] * len(everyone))

    def beside(self, domain: str, path: EgressPath) -> Sequence[tuple[EgressPath, int]]:
        """Return the other sources of the pool, with their weights."""
        route = self._routing.find_route(domain)
        paths, weights = self._pools[DEFAULT if route is None else route.pool]
        return [pair for pair in zip(paths, weights, strict=True) if pair[0] != path]

    def overflows(self, domain: str) -> bool:
        """Say whether warm sources of the pool take what one that is being warmed may not send now."""
        route = self._routing.find_route(domain)
        return (DEFAULT if route is None else route.pool) not in self._waiting

    def members(self, pool: str) -> tuple[Sequence[EgressPath], Sequence[int]]:
        """Return a pool's sources and their weights; none: there is no such pool (any more)."""
        return self._pools.get(pool, ((), ()))

    def has(self, path: EgressPath) -> bool:
        """Whether its source still sends from the same address, under the same name."""
        return self._paths.get(path.source) == path

    def choose(self, domain: str, chance: Chance) -> EgressPath:
        route = self._routing.find_route(domain)
        paths, weights = self._pools[DEFAULT if route is None else route.pool]
        if len(paths) == 1:
            return paths[0]
        return chance.choices(paths, weights)[0]
