"""Which egress sources a message may leave by: its pool, and whose turn it is there. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, Protocol

from angarium.config.address import a_labels, parse_proxy
from angarium.config.schema import Pool, Source, Stream
from angarium.mta.egress.rotation import Rotations
from angarium.mta.transport.transfer import EgressPath, ProxyAccess
from angarium.queue.destination import (
    destination_of,
    detour,
    domain_behind,
    find_way,
    is_chosen,
)
from angarium.routing.resolution import Site
from angarium.routing.routing import Routing

DEFAULT: Final = "default"
Overflow = Literal["pool", "smart-host", "wait"]  # as the schema has it


class Sent(Protocol):
    """Whose mail it is, and where it goes: a due recipient, or what a policy sees of several."""

    @property
    def tenant(self) -> str: ...

    @property
    def stream(self) -> str: ...

    @property
    def sender_domain(self) -> str:
        """Of the reverse path, lower-case; "": it is null."""
        ...

    @property
    def domain(self) -> str:
        """The recipient's."""
        ...


class _Members:
    """The sources of one pool."""

    def __init__(self, paths: Sequence[EgressPath], weights: Sequence[int]) -> None:
        self.paths: Final = tuple(paths)
        self.rotations: Final = Rotations(weights)


class Pools:
    """A configuration without sources has one, ``default``, with the system's address and the server's name.

    Invariant EP1: a message's pool is its stream's, else the one that names its tenant, else the domain of its sender,
    else its route's, else ``default``.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        pools: Sequence[Pool],
        routing: Routing,
        hostname: str,
        streams: Iterable[Stream] = (),
    ) -> None:
        self._hostname = hostname
        self.exchange(sources, pools, routing, streams)

    def exchange(
        self,
        sources: Sequence[Source],
        pools: Sequence[Pool],
        routing: Routing,
        streams: Iterable[Stream] = (),
    ) -> None:
        """Choose by these from now on."""
        self._routing = routing
        self._paths = {
            source.name: EgressPath(
                source=source.name,
                bind_address=source.address,
                ehlo=source.ehlo or self._hostname,
                proxy=_proxy_of(source),
            )
            for source in sources
        }
        if not self._paths:
            self._paths[DEFAULT] = EgressPath(
                source=DEFAULT, bind_address=None, ehlo=self._hostname
            )
        self._pools = {
            pool.name: _Members(
                [self._paths[member.name] for member in pool.sources],
                [member.weight for member in pool.sources],
            )
            for pool in pools
        }
        self._overflow: dict[str, Overflow] = {pool.name: pool.overflow for pool in pools}
        self._rescue_after_ms = {
            pool.name: int(pool.rescue_after_s * 1000)
            for pool in pools
            if pool.rescue_after_s is not None
        }
        self._smart_host = {pool.name: pool.smart_host for pool in pools if pool.smart_host}
        if DEFAULT not in self._pools:
            everyone = list(self._paths.values())
            self._pools[DEFAULT] = _Members(everyone, [1] * len(everyone))
        self._of_stream = {each.name: each.pool for each in streams if each.pool is not None}
        self._of_tenant = {tenant: pool.name for pool in pools for tenant in pool.tenants}
        self._of_sender = {
            a_labels(domain): pool.name for pool in pools for domain in pool.sender_domains
        }

    def overflow_of(self, sent: Sent) -> Overflow:
        """Return who takes what a source of its pool that is being warmed may not send now."""
        return self._overflow.get(self.pool_of(sent), "pool")

    def find_smart_host(self, sent: Sent) -> str | None:
        """Return the URL of its pool's smart host; None: there is none, or its way was chosen already."""
        return None if is_chosen(sent.domain) else self._smart_host.get(self.pool_of(sent))

    def find_rescue(self, sent: Sent) -> tuple[str, int] | None:
        """Return its pool's smart host, and after how many milliseconds it takes over from sources that cannot send."""
        after_ms = self._rescue_after_ms.get(self.pool_of(sent)) if self._rescue_after_ms else None
        via = None if after_ms is None else self.find_smart_host(sent)
        if via is None or after_ms is None or via in self._routing.find_ways(sent.domain):
            return None
        return via, after_ms

    def has_next_way(self, sent: Sent) -> bool:
        """Whether another way takes over what was sent to its smart host: the next one, or the usual one."""
        return (
            self._routing.find_next_way(sent.domain, self._routing.first_way(sent.domain) or "")
            is not None
        )

    def find_next_way(self, sent: Sent, via: str, is_resting: Callable[[str], bool]) -> str | None:
        """Return who takes over from its smart host, of those that do not rest, as ``Routing.find_next_way`` does."""
        start = destination = sent.domain
        while True:
            way = self._routing.find_next_way(destination, via)
            if not way:
                # From the beginning, but not if it is there
                return None if way is None or find_way(start) is None else ""
            if not is_resting(way):
                return way
            destination, via = destination_of(domain_behind(start), detour(way)), way

    def find_path(self, source: str) -> EgressPath | None:
        """Return a source by its name, whatever pool it is in; None: there is none (any more)."""
        return self._paths.get(source)

    def members(self, pool: str) -> Sequence[EgressPath]:
        """Return a pool's sources; none: there is no such pool (any more)."""
        found = self._pools.get(pool)
        return () if found is None else found.paths

    def next_of(
        self, pool: str, provider: str, is_able: Callable[[EgressPath], bool]
    ) -> EgressPath | None:
        """Return the next source of a pool, of those that are able; None: none is."""
        members = self._pools[pool]
        chosen = members.rotations.next(provider, lambda at: is_able(members.paths[at]))
        return None if chosen is None else members.paths[chosen]

    def has(self, path: EgressPath) -> bool:
        """Whether its source still sends from the same address, under the same name."""
        return self._paths.get(path.source) == path

    def pool_of(self, sent: Sent) -> str:
        """Return the name of its pool."""
        pool = self._of_stream.get(sent.stream) or self._of_tenant.get(sent.tenant)  # EP1
        if pool is None and self._of_sender:
            pool = self._find_by_sender(sent.sender_domain)
        if pool is None:
            route = self._routing.find_route(domain_behind(sent.domain))
            pool = DEFAULT if route is None else route.pool
        return pool

    def choose(
        self,
        sent: Sent,
        site: Site,
        is_usable: Callable[[EgressPath], bool] = lambda _: True,
    ) -> EgressPath:
        """Return the next source of its pool, of those that can reach the site and are usable, as far as there are."""
        members = self._pools[self.pool_of(sent)]
        paths = members.paths
        if len(paths) == 1:
            return paths[0]
        provider = site.provider.name
        families = _families(site)

        def reaches(at: int) -> bool:
            return _reaches(paths[at], families)

        chosen = members.rotations.next(provider, lambda at: reaches(at) and is_usable(paths[at]))
        if chosen is None:
            chosen = members.rotations.next(provider, reaches)
        if chosen is None:
            chosen = members.rotations.next(provider, lambda _: True)
        assert chosen is not None  # a pool has a source
        return paths[chosen]

    def is_able(self, path: EgressPath, sent: Sent, site: Site) -> bool:
        """Whether it is a source of its pool, and can reach the site."""
        return path in self._pools[self.pool_of(sent)].paths and _reaches(path, _families(site))

    def beside(self, sent: Sent, path: EgressPath) -> Sequence[EgressPath]:
        """Return the other sources of its pool."""
        return [each for each in self._pools[self.pool_of(sent)].paths if each != path]

    def _find_by_sender(self, domain: str) -> str | None:
        domain = a_labels(domain)
        if (pool := self._of_sender.get(domain)) is not None:
            return pool
        while domain:
            domain = domain.partition(".")[2]
            if (pool := self._of_sender.get(f"*.{domain}")) is not None:
                return pool
        return None


def _families(site: Site) -> set[bool]:
    """Return whether its hosts have addresses of IPv6 (True), of IPv4 (False)."""
    return {":" in address for host in site.hosts for address in host.addresses}


def _reaches(path: EgressPath, families: set[bool]) -> bool:
    return path.bind_address is None or (":" in path.bind_address) in families


def _proxy_of(source: Source) -> ProxyAccess | None:
    if source.proxy is None:
        return None
    proxy = parse_proxy(source.proxy)
    return ProxyAccess(
        host=proxy.host,
        port=proxy.port,
        user=proxy.user,
        password_file=source.password_file,
        password_env=source.password_env,
    )
