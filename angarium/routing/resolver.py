"""Finds where a domain's mail goes, looking up what ``deduction`` wants. Start with ``Resolver.find_known``."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from math import inf
from random import Random
from typing import Any

from angarium.config.schema import Config
from angarium.queue.destination import direct_domain
from angarium.routing.deduction import Deduction, Timed, Wanted
from angarium.routing.dns import Answer, DnsResolver, Question
from angarium.routing.fair_turns import NOBODY, Whose
from angarium.routing.own_host import OwnHost
from angarium.routing.resolution import (
    NOTHING,
    MxHost,
    Resolution,
    Site,
    SiteName,
    TlsDemand,
)
from angarium.routing.routing import Routing
from angarium.routing.ttl_cache import TtlCache


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


class Resolver:
    """Belongs to one event loop. ``find_known`` first: it neither waits nor makes a task.

    Two that resolve one domain meanwhile share its look-ups (``DnsResolver``), but each waits by its own turn.
    """

    def __init__(
        self,
        config: Config,
        dns: DnsResolver,
        own: OwnHost,
        routing: Routing,
        clock: Callable[[], float],
        demand_of: Callable[[str], TlsDemand] = lambda _: NOTHING,
    ) -> None:
        """``clock`` counts seconds and never goes back: the one of ``dns``.

        ``demand_of``: what a domain itself asks of its hosts' TLS, as far as that is known. Asked when it is resolved.
        """
        self._demand_of = demand_of
        self._deduction = Deduction(config, own, routing)
        self._dns = dns
        self._clock = clock
        self._cache: TtlCache[str, Resolution] = TtlCache(config.dns.cache_entries)
        self._sites: TtlCache[SiteName, Site] = TtlCache(config.dns.cache_entries)

    def find_known(self, domain: str) -> Resolution | None:
        """Return where mail goes, if that needs no look-up.

        ``domain``: in lower-case A-labels, a literal, or a chosen destination.
        """
        cached = self._cache.find(domain, self._clock())
        if cached is not None:
            return cached
        found = self._deduction.deduce(domain, self._dns.find_known)
        return None if isinstance(found, Wanted) else self._keep(domain, found)

    async def resolve(self, domain: str, whose: Whose = NOBODY) -> Resolution:
        """Return where the domain's mail goes. Never raises for what DNS does.

        ``whose``: the mail that it is for, and whose share of the look-ups it takes.
        """
        while (known := self.find_known(domain)) is None:
            deduction = self._deduction
            timed = await self._look_up(domain, deduction, whose)
            if deduction is self._deduction:  # else exchanged meanwhile: no answer of before
                return self._keep(domain, timed)
        return known

    def exchange(self, config: Config, own: OwnHost, routing: Routing) -> None:
        """Resolve by these from now on; look-ups under way, too: no answer is of both."""
        self._deduction = Deduction(config, own, routing)
        self._cache = TtlCache(config.dns.cache_entries)
        self._sites = TtlCache(config.dns.cache_entries)

    def forget(self) -> None:
        """Resolve everything anew. DNS answers are kept until ``DnsResolver.forget``."""
        self._cache.clear()

    async def _look_up(self, domain: str, deduction: Deduction, whose: Whose) -> Timed:
        answers: dict[Question, Answer[Any]] = {}

        def find(question: Question) -> Answer[Any] | None:
            return answers.get(question) or self._dns.find_known(question)

        while isinstance(found := deduction.deduce(domain, find), Wanted):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._dns.look_up(each, whose)) for each in found.questions
                ]
            answers.update(zip(found.questions, (each.result() for each in tasks), strict=True))
        return found

    def _keep(self, domain: str, timed: Timed) -> Resolution:
        resolution = timed.resolution
        if isinstance(resolution, Site):
            demand = self._demand_of(direct_domain(domain) or domain)
            resolution = self._shared(Routing.demanding(resolution, demand))
        self._cache.put(domain, resolution, self._clock() + timed.ttl)
        return resolution

    def _shared(self, site: Site) -> Site:
        """Return the equal Site known already, so that many domains of a site hold one in memory."""
        known = self._sites.find(site.name, 0.0)
        if known == site:
            return known
        self._sites.put(site.name, site, inf)
        return site
