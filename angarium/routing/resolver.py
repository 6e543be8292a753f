"""Where a domain's mail goes: the operator's routes, then DNS. What the records mean is in ``mx``."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from math import inf
from random import Random

import msgspec

from angarium.config.address import SmartHost, is_ip
from angarium.config.schema import Config
from angarium.routing.address_rules import is_refused, literal_address
from angarium.routing.dns import Answer, DnsResolver, DnsTrouble, Found, MxRecord, NoData
from angarium.routing.host_name import is_host_name
from angarium.routing.mx import (
    HostAddresses,
    choose_hosts,
    dns_trouble,
    has_route,
    interleaved,
    mail_loop,
    mx_targets,
    no_such_domain,
    no_usable_host,
    sort_addresses,
    unreachable,
    without_own_names,
)
from angarium.routing.own_host import OwnHost
from angarium.routing.resolution import MxHost, Resolution, Site, SiteName, Unroutable
from angarium.routing.routing import Routing
from angarium.routing.single_flight import SingleFlight
from angarium.routing.ttl_cache import TtlCache

_LOCALHOST = ("127.0.0.1", "::1")  # RFC 6761 section 6.3: never asked of DNS


def ordered_hosts(site: Site, shuffle: Random) -> Sequence[MxHost]:
    """Return the hosts in the order to try: by preference, equal ones shuffled (RFC 5321 section 5.1)."""
    if len(site.hosts) == 1:
        return site.hosts
    ordered: list[MxHost] = []
    for _, group in groupby(site.hosts, key=lambda host: host.preference):
        equals = list(group)
        shuffle.shuffle(equals)
        ordered += equals
    return ordered


class _Timed(msgspec.Struct, frozen=True):
    resolution: Resolution
    ttl: float


class Resolver:
    """Belongs to one event loop. ``find_cached`` first: it neither waits nor makes a task."""

    def __init__(
        self,
        config: Config,
        dns: DnsResolver,
        own: OwnHost,
        routing: Routing,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` counts seconds and never goes back: the one of ``dns``."""
        self._config = config
        self._dns = dns
        self._own = own
        self._routing = routing
        self._generation = 0  # of config, own host and routing
        self._clock = clock
        self._cache: TtlCache[str, Resolution] = TtlCache(config.dns.cache_entries)
        self._sites: TtlCache[SiteName, Site] = TtlCache(config.dns.cache_entries)
        self._flight: SingleFlight[str, Resolution] = SingleFlight()

    def find_cached(self, domain: str) -> Resolution | None:
        """Return what is known of a domain in lower-case A-labels, or of a literal."""
        return self._cache.find(domain, self._clock())

    async def resolve(self, domain: str) -> Resolution:
        """Return where the domain's mail goes. Never raises for what DNS does."""
        cached = self.find_cached(domain)
        while cached is None:
            generation = self._generation
            resolution = await self._flight.run(domain, lambda: self._resolve_and_keep(domain))
            if generation == self._generation:
                return resolution
            # Exchanged meanwhile: the caller, too, gets no answer of before
            cached = self.find_cached(domain)
        return cached

    def forget(self, domain: str | None = None) -> None:
        """Resolve it, or all, anew the next time. DNS answers are kept until ``DnsResolver.forget``."""
        if domain is None:
            self._cache.clear()
        else:
            self._cache.drop(domain)

    def exchange(self, config: Config, own: OwnHost, routing: Routing) -> None:
        """Resolve by these from now on; look-ups under way, too: no answer is of both."""
        self._config, self._own, self._routing = config, own, routing
        self._generation += 1
        self._cache = TtlCache(config.dns.cache_entries)
        self._sites = TtlCache(config.dns.cache_entries)

    async def close(self) -> None:
        await self._flight.close()

    async def _resolve_and_keep(self, domain: str) -> Resolution:
        while True:
            generation = self._generation
            timed = await self._resolve(domain)
            if generation == self._generation:
                break
        resolution = timed.resolution
        if isinstance(resolution, Site):
            resolution = self._shared(resolution)
        self._cache.put(domain, resolution, self._clock() + timed.ttl)
        return resolution

    def _shared(self, site: Site) -> Site:
        """Return the equal Site known already, so that many domains of a site hold one in memory."""
        known = self._sites.find(site.name, 0.0)
        if known == site:
            return known
        self._sites.put(site.name, site, inf)
        return site

    async def _resolve(self, domain: str) -> _Timed:
        routed = self._routing.find_smart_host(domain)
        if routed is not None:
            route, smart_host = routed
            return await self._by_smart_host(domain, route.via, smart_host)
        if domain.startswith("["):
            return self._by_literal(domain)
        if not is_host_name(domain):
            return self._lasting(_not_a_domain("5.1.2", domain))
        return await self._by_mx(domain)

    def _lasting(self, resolution: Resolution) -> _Timed:
        """What depends on no record."""
        return _Timed(resolution, self._config.dns.max_ttl_s)

    async def _by_mx(self, domain: str) -> _Timed:
        answer = await self._dns.mx(domain)
        targets = mx_targets(domain, answer)
        if not isinstance(targets, Unroutable):
            targets = without_own_names(domain, targets, self._own)
        if isinstance(targets, Unroutable):
            return _Timed(targets, answer.ttl)
        looked_up, ttl = await self._look_up_hosts(targets)
        ttl = min(ttl, answer.ttl)
        if isinstance(answer, NoData) and not looked_up[0].exists:
            return _Timed(no_such_domain(domain), ttl)
        hosts = choose_hosts(domain, looked_up, self._config.delivery.port)
        if isinstance(hosts, Unroutable):
            return _Timed(hosts, ttl)
        return _Timed(self._routing.mx_site(domain, hosts), ttl)

    async def _look_up_hosts(
        self, targets: Sequence[MxRecord]
    ) -> tuple[list[HostAddresses], float]:
        """Return what DNS says of each, in order, and for how long; one that is in trouble shortens it."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._addresses_of(each.name)) for each in targets]
        looked_up: list[HostAddresses] = []
        ttl = inf
        for target, task in zip(targets, tasks, strict=True):
            ipv4, ipv6 = task.result()
            ttl = min(ttl, ipv4.ttl, ipv6.ttl)
            looked_up.append(
                sort_addresses(
                    target,
                    ipv4,
                    ipv6,
                    own=self._own,
                    port=self._config.delivery.port,
                    allow_private=self._config.delivery.allow_private,
                    limit=self._config.dns.addresses_per_host,
                )
            )
        return looked_up, ttl

    async def _addresses_of(self, name: str) -> tuple[Answer[str], Answer[str]]:
        """Return the IPv4 and the IPv6 addresses. Without an IPv6 route, IPv6 is asked for only to say why not."""
        if self._own.has_ipv6:
            async with asyncio.TaskGroup() as group:
                ipv4 = group.create_task(self._dns.ipv4(name))
                ipv6 = group.create_task(self._dns.ipv6(name))
            return ipv4.result(), ipv6.result()
        found = await self._dns.ipv4(name)
        if isinstance(found, NoData):
            return found, await self._dns.ipv6(name)
        return found, NoData(found.ttl)

    def _by_literal(self, domain: str) -> _Timed:
        """RFC 5321 section 4.1.3: the address is the host."""
        address = literal_address(domain)
        if address is None:
            return self._lasting(_not_a_domain("5.1.3", domain))
        if self._own.listens_at(address, self._config.delivery.port):
            return self._lasting(mail_loop(domain))
        if not self._config.delivery.allow_private:
            if address in self._own.addresses:
                return self._lasting(mail_loop(domain))
            if is_refused(address):
                why = f"{address} is refused (delivery.allow_private)"
                return self._lasting(no_usable_host(domain, why))
        if not has_route(address, self._own):
            return self._lasting(unreachable(domain, "we have no IPv6 route"))
        port = self._config.delivery.port
        host = MxHost(name=address, port=port, preference=0, addresses=(address,))
        return self._lasting(self._routing.literal_site(domain, host))

    async def _by_smart_host(self, domain: str, via: str, to: SmartHost) -> _Timed:
        """An explicit route may name any address; whatever is wrong with its name is ours to mend, so temporary."""
        found = await self._smart_host_addresses(to.host)
        if isinstance(found, DnsTrouble):
            return _Timed(dns_trouble(found.text), found.ttl)
        if not isinstance(found, Found):
            why = f"the smart host {to.host} has no address that we can reach"
            return _Timed(unreachable(domain, why), found.ttl)
        left = [each for each in found.records if not self._own.listens_at(each, to.port)]
        if not left:
            why = f"the smart host {to.host} port {to.port} is a listener of this server: a loop"
            return _Timed(unreachable(domain, why), found.ttl)
        return _Timed(self._routing.smart_host_site(via, to, tuple(left)), found.ttl)

    async def _smart_host_addresses(self, host: str) -> Answer[str]:
        """Return both families in turn as one answer."""
        lasting = self._config.dns.max_ttl_s
        if is_ip(host):
            return Found((host,), lasting)
        if host == "localhost" or host.endswith(".localhost"):
            return Found(_LOCALHOST, lasting)
        ipv4, ipv6 = await self._addresses_of(host)
        v4 = ipv4.records if isinstance(ipv4, Found) else ()
        v6 = ipv6.records if isinstance(ipv6, Found) else ()
        usable = [each for each in interleaved(v6, v4) if has_route(each, self._own)]
        if usable:
            kept = usable[: self._config.dns.addresses_per_host]
            return Found(tuple(kept), min(ipv4.ttl, ipv6.ttl))
        for answer in (ipv4, ipv6):
            if isinstance(answer, DnsTrouble):
                return answer
        return NoData(min(ipv4.ttl, ipv6.ttl, self._config.dns.negative_ttl_s))


def _not_a_domain(enhanced: str, domain: str) -> Unroutable:
    """RFC 3463 section 3.2: 5.1.2 for a domain, 5.1.3 for an address."""
    text = f"{domain!a} is neither a domain nor an address literal"
    return Unroutable(permanent=True, code=550, enhanced=enhanced, text=text)
