"""Finds a host of a site that takes a connection: by preference, the next one on failure (RFC 5321 section 5.1)."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from angarium.mta.transport.outcome import Failure, Permanent, Scope, Transient, with_provider
from angarium.mta.transport.transfer import (
    Connection,
    Connector,
    EgressPath,
    Extensions,
    Progress,
    TlsPolicy,
)
from angarium.queue import Attempt, UnixMs
from angarium.routing.resolution import MxHost, Site
from angarium.routing.resolver import ordered_hosts

# Tried for one connection. Ours, so that a site of dead hosts costs minutes, not hours.
ADDRESSES = 8
# Of these, for hosts behind the ones whose addresses alone would fill them
RESERVED = 4
AVOID_MS = 60_000
# Of a site with more than ADDRESSES: each attempt comes to others.
AVOID_OF_MANY_MS = 900_000
# Addresses remembered
AVOIDED = 10_000


class ChoosesConnector(Protocol):
    def connector_of(self, site: Site) -> Connector: ...


class HostSearch:
    """Remembers addresses that failed a moment ago, and tries them last."""

    def __init__(
        self,
        connectors: ChoosesConnector,
        tls_policy: Callable[[Site, MxHost], TlsPolicy],
        clock: Callable[[], UnixMs],
        shuffle: random.Random,
    ) -> None:
        self._connectors = connectors
        self._tls_policy = tls_policy
        self._clock = clock
        self._shuffle = shuffle
        self._avoided: dict[str, UnixMs] = {}  # since; a cache, in order of insertion

    async def open(
        self,
        site: Site,
        path: EgressPath,
        refused_by: frozenset[str] = frozenset(),
        progress: Progress | None = None,
    ) -> Connection | Failure:
        """Try up to ADDRESSES; returns the connection, or what tells most of why there is none: the first
        reply, else what the most preferred host came to. Permanent only if each host of the site refused for good,
        and it is the recipient's own: a smart host is the operator's to mend.

        Hosts and addresses in ``refused_by`` are left out; at least one address must be left.
        """
        connector = self._connectors.connector_of(site)
        extensions = Extensions(
            pipelining=site.provider.pipelining, chunking=site.provider.chunking
        )
        failure: Failure | None = None
        refused = 0  # for good
        everyone = [
            (host, address)
            for host in ordered_hosts(site, self._shuffle)
            if host.name not in refused_by
            for address in host.addresses
            if address not in refused_by
        ]
        reachable = [each for each in everyone if _is_same_family(each[1], path.bind_address)]
        if not reachable:
            return self._no_family(*everyone[0], path)
        candidates = self._candidates(reachable)
        for host, address in candidates:
            if progress is not None:
                await progress.trying(host, address)
            policy = self._tls_policy(site, host)
            result = await connector.connect(host, address, path, policy, extensions, progress)
            if not isinstance(result, Transient | Permanent):
                return result
            refused += isinstance(result, Permanent)
            result = with_provider(result, site.provider.name)
            if isinstance(result, Transient) and result.source_failed:
                return result  # no host is to be blamed, and none can be reached
            if failure is None or (result.attempt.code and not failure.attempt.code):
                failure = result
            self.avoid(host, address)
        assert failure is not None  # a site has a host, and a host an address
        is_for_good = refused == len(candidates) and len(reachable) == len(everyone) and site.final
        if isinstance(failure, Permanent) and not is_for_good:
            return Transient(failure.attempt, Scope.SITE)
        return failure

    def forget_failures(self) -> None:
        self._avoided.clear()

    def avoid(self, host: MxHost, address: str) -> None:
        self._avoided.pop(address, None)
        self._avoided[address] = self._clock()
        if len(self._avoided) > AVOIDED:
            del self._avoided[next(iter(self._avoided))]

    def _candidates(self, everyone: list[tuple[MxHost, str]]) -> list[tuple[MxHost, str]]:
        """Return up to ADDRESSES; those that failed a while ago last."""
        if len(everyone) == 1:
            return everyone
        if self._avoided:
            for_ms = AVOID_MS if len(everyone) <= ADDRESSES else AVOID_OF_MANY_MS
            now = self._clock()
            everyone.sort(key=lambda each: now - for_ms < self._avoided.get(each[1], 0) <= now)
        return everyone if len(everyone) <= ADDRESSES else _few(everyone)

    def _no_family(self, host: MxHost, address: str, path: EgressPath) -> Transient:
        family = "IPv4" if path.bind_address is not None and ":" in path.bind_address else "IPv6"
        attempt = Attempt(
            at=self._clock(),
            host=host.name,
            address=address,
            source=path.source,
            code=0,
            enhanced="4.4.4",  # RFC 3463 section 3.5: unable to route
            text=f"the host has {family} addresses only, and our source none",
            tls="",
            stage="connect",
        )
        return Transient(attempt, Scope.SITE)


def _is_same_family(address: str, source: str | None) -> bool:
    return source is None or (":" in address) == (":" in source)


def _few(everyone: Sequence[tuple[MxHost, str]]) -> list[tuple[MxHost, str]]:
    """Return the first ADDRESSES, but so that hosts with many addresses leave room for the next hosts."""
    first = list(everyone[:ADDRESSES])
    named = {host.name for host, _ in first}
    others = {host.name: (host, address) for host, address in reversed(everyone)}
    behind = [
        others[name]
        for name in dict.fromkeys(host.name for host, _ in everyone)
        if name not in named
    ]
    kept = behind[:RESERVED] if len(named) < ADDRESSES else []
    return first[: ADDRESSES - len(kept)] + kept
