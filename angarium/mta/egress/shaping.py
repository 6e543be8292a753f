"""The egress policy in use: the configuration's limits, narrowed and delayed by gates. Pure.

Start with ``ShapingPolicy``. A gate is one kind of limit: a rate, a warm-up, a rule in force. It knows nothing of the
other gates, of connections nor of the queue.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.config.schema import Provider
from angarium.mta.egress.gates.rates import ConnectionRate, MessageRate, TenantRate
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.smart_hosts import SmartHostGate
from angarium.mta.egress.gates.tenant_transfers import TenantTransfers
from angarium.mta.egress.gates.warmup import WarmupGate
from angarium.mta.egress.policy import (
    GO,
    Admission,
    Elsewhere,
    Limits,
    Reroute,
    Traffic,
    Wait,
    traffic_of_work,
)
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.source_health import SourceHealth
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Failure, Outcome
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.destination import detour
from angarium.queue.model import DueHead, UnixMs
from angarium.routing.resolution import Site

# A warm source that may send by then takes what a warm-up keeps waiting, rather than a smart host. Ours: rates and full
# connections keep mail for less
PATIENCE_MS: Final = 60_000
# Whose limits are remembered as they are asked for; ours: some megabytes
PROVIDERS: Final = 10_000


class Gate(Protocol):
    """Called on the event loop for every transaction: must not block, and has microseconds."""

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        """Return why and until when the transaction may not begin; None: it may. Counts nothing."""
        ...

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        """Count a transaction that begins: all gates let it, or it repeats one that they let (``goes_again``)."""
        ...

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        """Return the limits, or narrower ones."""
        ...

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        """Hear what a transaction came to: one outcome per recipient, in order."""
        ...


class ShapingPolicy:
    """Invariant SHP1: a transaction goes only if every gate lets it, and is counted by all of them or by none.

    Invariant SHP2: gates only narrow what is configured; there is room for one at least.
    Invariant SHP3: mail that is in doubt keeps to the source that it was tried by, and to its route: it waits there.
    """

    def __init__(
        self,
        pools: Pools,
        gates: Sequence[Gate] = (),
        rules: RuleGate | None = None,
        warmup: WarmupGate | None = None,
        smart_hosts: SmartHostGate | None = None,
    ) -> None:
        """``gates`` beside those of the configuration; they are asked in this order, and first."""
        self._pools = pools
        self.health: Final = SourceHealth()
        self._tenants = TenantTransfers()
        own = [each for each in (smart_hosts, rules, warmup) if each is not None]
        # What all share comes last: who may not go for a reason of its own takes no turn there
        self._gates: tuple[Gate, ...] = (
            *gates,
            *own,
            self._tenants,
            TenantRate(),
            MessageRate(),
        )
        self._rules = rules
        self._warmup = warmup
        self._smart_hosts = smart_hosts
        # Since when no source of a pool may send to a provider, of those that asked
        self._shut_since: dict[tuple[str, str], UnixMs] = {}
        self._connection_rate = ConnectionRate()
        self._one_by_one: frozenset[str] = frozenset()
        self._configured: dict[str, tuple[Provider, Limits]] = {}  # by the provider's name

    def send_one_by_one(self, streams: frozenset[str]) -> None:
        """Give each recipient of these streams' mail a transaction of its own, from now on."""
        self._one_by_one = streams
        self._configured.clear()

    def choose(self, head: DueHead, site: Site, now: UnixMs) -> EgressPath:
        path = self._find_kept(head, site, now)
        if path is None:
            path = self._pools.choose(head, site, lambda each: self.health.is_usable(each, now))
        self.health.chosen(path, now)
        return path

    def _find_kept(self, head: DueHead, site: Site, now: UnixMs) -> EgressPath | None:
        """Return the source that it keeps to, if that can be; what was greylisted does not wait for one that is out."""
        path = self._pools.find_path(head.source) if head.source else None
        if path is None or head.in_doubt:  # SHP3
            return path
        able = self._pools.is_able(path, head, site) and self.health.is_usable(path, now)
        return path if able else None

    def find_apart(self, head: DueHead, site: Site) -> str:
        return "" if self._rules is None else self._rules.find_apart(head, site.provider.name)

    def limits(self, path: EgressPath, provider: Provider) -> Limits:
        limits = self._limits_of(provider)
        for gate in self._gates:
            narrowed = gate.limits(path, provider, limits)
            if narrowed is not limits:
                limits = _narrower(limits, narrowed)  # SHP2
        return limits

    def admit(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Admission:
        """Return the first gate's wait, or who may send it instead."""
        if not traffic.in_doubt:
            other = self._find_healthy(traffic, path, now) or self._find_rerouted(
                traffic, path, now
            )
            if other is not None:
                return Elsewhere(other)
            if self.health.must_give_way(path) and not isinstance(
                verdict := self._rescued(
                    traffic, Wait(now, f"source {path.source} is out", "source"), now
                ),
                Wait,
            ):
                return verdict
        wait, gate = self._find_wait(traffic, path, now)
        if wait is None:
            if self._shut_since and not self.health.is_out(path):
                self._shut_since.pop((self._pools.pool_of(traffic), traffic.provider), None)
            for each in self._gates:
                each.take(traffic, path, now)  # SHP1
            return GO
        if traffic.in_doubt:
            return wait  # SHP3
        if gate is self._smart_hosts:
            return self._past_smart_host(traffic, wait, now)
        if gate is self._rules:
            verdict = self._past_rule(traffic, path, wait, now)
            return verdict if verdict is not wait else self._rescued(traffic, wait, now)
        if gate is self._warmup:
            return self._past_warmup(traffic, path, wait, now)
        return wait

    def _find_healthy(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> EgressPath | None:
        """Return another source of its pool, if this one is out."""
        if not self.health.must_give_way(path):
            return None
        return self._next_beside(
            traffic,
            path,
            [
                other
                for other in self._pools.beside(traffic, path)
                if self.health.is_usable(other, now) and not self.health.must_give_way(other)
            ],
        )

    def _find_wait(
        self, traffic: Traffic, path: EgressPath, now: UnixMs
    ) -> tuple[Wait | None, Gate | None]:
        """Return the first gate's wait, and that gate. Those behind it are not asked: they may give times, which nobody
        would keep.
        """
        for gate in self._gates:
            wait = gate.find_wait(traffic, path, now)
            if wait is not None:
                return wait, gate
        return None, None

    def _find_rerouted(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> EgressPath | None:
        """Return a source of the pool that a rule sends it by, if it is to leave by another one."""
        pool = None if self._rules is None else self._rules.find_pool(traffic, path, now)
        if pool is None or path in (members := self._pools.members(pool)) or not members:
            return None
        return self._pools.next_of(pool, traffic.provider, lambda _: True)

    def _past_rule(self, traffic: Traffic, path: EgressPath, wait: Wait, now: UnixMs) -> Admission:
        """Another source of its pool that may go now sends it, if it is this source only that may not."""
        assert self._rules is not None
        if not self._rules.overflows(traffic, path, now):
            return wait
        able, _ = self._others(traffic, path, wait.until, now)
        other = self._next_beside(traffic, path, able)
        return wait if other is None else Elsewhere(other, wait.reason)

    def _past_warmup(
        self, traffic: Traffic, path: EgressPath, wait: Wait, now: UnixMs
    ) -> Admission:
        """A warm source sends it: one that may go now, else one that may sooner than this one. Or the smart host."""
        warmup, overflow = self._warmup, self._pools.overflow_of(traffic)
        assert warmup is not None
        if overflow == "wait" or not warmup.overflows(traffic, path, now):
            return wait
        via = self._pools.find_smart_host(traffic) if overflow == "smart-host" else None
        latest = wait.until if via is None else UnixMs(min(wait.until, now + PATIENCE_MS))
        able, soonest = self._others(traffic, path, latest, now, warmup.is_warm)
        other = self._next_beside(traffic, path, able) or soonest
        if other is not None:
            return Elsewhere(other, wait.reason)
        if via is None:
            return wait
        warmup.overflowed(traffic, path, now)
        return _by_smart_host(via, wait.reason)

    def _past_smart_host(self, traffic: Traffic, wait: Wait, now: UnixMs) -> Admission:
        """The next smart host of its route takes over; behind the last one, the way begins anew when it is well."""
        gate = self._smart_hosts
        assert gate is not None
        way = self._pools.find_next_way(
            traffic, traffic.via, lambda each: gate.is_resting(each, now)
        )
        if way is None:
            return wait
        if way:
            return _by_smart_host(way, wait.reason)
        return Reroute(via=detour(""), reason=wait.reason, not_before=wait.until)

    def _rescued(self, traffic: Traffic, wait: Wait, now: UnixMs) -> Admission:
        """The pool's smart host takes what no source of it has been able to send there for so long; else it waits."""
        rescue = self._pools.find_rescue(traffic)
        if rescue is None:
            return wait
        via, after_ms = rescue
        key = (self._pools.pool_of(traffic), traffic.provider)
        if not all(self._is_shut(each, traffic, now) for each in self._pools.members(key[0])):
            self._shut_since.pop(key, None)
            return wait
        if len(self._shut_since) >= PROVIDERS:
            self._shut_since.clear()
        since = self._shut_since.setdefault(key, now)
        if since > now:
            since = self._shut_since[key] = now  # the clock stepped back
        begins = UnixMs(since + after_ms)
        if now >= begins:
            return _by_smart_host(via, wait.reason)
        return wait if wait.until <= begins else msgspec.structs.replace(wait, until=begins)

    def _is_shut(self, path: EgressPath, traffic: Traffic, now: UnixMs) -> bool:
        """Whether nothing at all goes from this source to this provider: suspended by a rule, or the source is out."""
        if self.health.is_out(path):
            return True
        return self._rules is not None and self._rules.suspends(path, traffic.provider, now)

    def _others(
        self,
        traffic: Traffic,
        path: EgressPath,
        latest: UnixMs,
        now: UnixMs,
        is_wanted: Callable[[EgressPath, str], bool] = lambda *_: True,
    ) -> tuple[list[EgressPath], EgressPath | None]:
        """Return the sources of its pool beside this one that may send it now, and who may first of those that may
        before ``latest``.
        """
        enquiry = msgspec.structs.replace(traffic, is_enquiry=True)
        able: list[EgressPath] = []
        soonest, until = None, latest
        for other in self._pools.beside(traffic, path):
            if not is_wanted(other, traffic.provider) or not self.health.is_usable(other, now):
                continue
            wait, _ = self._find_wait(enquiry, other, now)
            if wait is None:
                able.append(other)
            elif wait.until < until:
                soonest, until = other, wait.until
        return able, soonest

    def _next_beside(
        self, traffic: Traffic, path: EgressPath, able: Sequence[EgressPath]
    ) -> EgressPath | None:
        if not able:
            return None
        pool = self._pools.pool_of(traffic)
        return self._pools.next_of(pool, traffic.provider, lambda each: each in able)

    def goes_again(self, path: EgressPath, site: Site, work: Work, now: UnixMs) -> None:
        traffic = traffic_of_work(work, site)
        for gate in self._gates:
            gate.take(traffic, path, now)

    def may_begin(self, work: Work, site: Site) -> bool:
        return self._tenants.may_begin(work, site)

    def stops(self, work: Work, path: EgressPath, site: Site, now: UnixMs) -> bool:
        return self._rules is not None and self._rules.stops(work, path, site, now)

    def begins(self, work: Work, site: Site) -> None:
        self._tenants.begin(work, site)

    def ends(self, work: Work, site: Site) -> None:
        self._tenants.end(work, site)

    def find_connection_wait(self, path: EgressPath, site: Site, now: UnixMs) -> Wait | None:
        return self._connection_rate.find_wait(path, site, now)

    def connecting(self, path: EgressPath, site: Site, now: UnixMs) -> None:
        self._connection_rate.take(path, site, now)

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        if any(each.attempt.code for each in outcomes):
            self.health.answered(path)
        for gate in self._gates:
            gate.told(path, site, work, outcomes, now)

    def understood(
        self, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> Sequence[Outcome]:
        return (
            outcomes if self._rules is None else self._rules.understood(site, work, outcomes, now)
        )

    def is_resting(self, site: Site, now: UnixMs) -> bool:
        return self._smart_hosts is not None and self._smart_hosts.is_resting(site.via, now)

    def refused(self, path: EgressPath, site: Site, failure: Failure, now: UnixMs) -> None:
        self.health.failed(path, site.name, failure)
        if self._rules is not None:
            self._rules.refused(path, site, failure, now)
        if self._warmup is not None:
            self._warmup.refused(path, site, failure, now)
        if self._smart_hosts is not None:
            self._smart_hosts.refused(path, site, failure, now)

    def complained(self, source: str, provider: str, now: UnixMs) -> None:
        """Hear of a recipient who complained, long after the delivery, of what the source had delivered."""
        if self._rules is not None:
            self._rules.complained(source, provider, now)
        if self._warmup is not None:
            self._warmup.complained(source, provider, now)

    def _limits_of(self, provider: Provider) -> Limits:
        """Made once per provider of a configuration: this is asked for each message."""
        known = self._configured.get(provider.name)
        if known is not None and known[0] is provider:
            return known[1]
        limits = Limits(
            connections=provider.connections,
            transfers=provider.messages_per_connection,
            recipients=provider.recipients_per_message,
            one_by_one=self._one_by_one,
        )
        if len(self._configured) >= PROVIDERS:
            self._configured.clear()
        self._configured[provider.name] = (provider, limits)
        return limits


def _by_smart_host(way: str, reason: str) -> Reroute:
    """However it came to that: warm-ups, failures and rescues choose a smart host in one manner."""
    return Reroute(via=detour(way), reason=reason)


def _narrower(one: Limits, other: Limits) -> Limits:
    return Limits(
        connections=max(1, min(one.connections, other.connections)),
        transfers=max(1, min(one.transfers, other.transfers)),
        recipients=max(1, min(one.recipients, other.recipients)),
        one_by_one=one.one_by_one,
    )
