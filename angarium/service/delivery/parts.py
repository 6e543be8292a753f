"""The composition root of delivery: builds the dispatcher and all it needs, once."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final

from angarium.config.address import is_ip, parse_host_port, parse_smart_host
from angarium.config.providers import all_providers
from angarium.config.rules import all_rules
from angarium.config.schema import Config, Delivery
from angarium.config.streams import streams_one_by_one, streams_to_leave
from angarium.config.tracking_host import links_lead_to
from angarium.dkim import KeyRing, Signer, SigningPool
from angarium.dkim.keyring import FindsKeys
from angarium.feedback.marks import Marker
from angarium.feedback.reference import Subject
from angarium.mta.dispatcher import DeliveryParts, Dispatcher
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.ses import SesGate
from angarium.mta.egress.gates.smart_hosts import SmartHostGate
from angarium.mta.egress.gates.warmup import WarmupGate
from angarium.mta.egress.narrowing import Narrowing, SaysNarrowings
from angarium.mta.egress.packing import MarksMail, Packer
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.source_health import outage_text
from angarium.mta.egress.standing import RuleStanding, SourceStanding
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.record.settler import Settler
from angarium.mta.transport.client_tls import ClientTls
from angarium.mta.transport.connector import SmtpConnector
from angarium.mta.transport.host_search import HostSearch
from angarium.mta.transport.lessons import Experience
from angarium.mta.transport.ses.connection import SesConnector
from angarium.mta.transport.ses.pacer import Pacer
from angarium.mta.transport.smart_host import Connectors
from angarium.mta.transport.transfer import Connector, SessionTaps, TlsPolicy
from angarium.queue import (
    LmdbSpool,
    Partition,
    PartitionNumber,
    UnixMs,
)
from angarium.queue.destination import SES
from angarium.queue.model import RouteHint
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.reputation.rule_keepsakes import PREFIX as RULES
from angarium.reputation.rule_keepsakes import read_kept
from angarium.reputation.ses_quota import SesQuota
from angarium.reputation.slowing import RULE as SLOWING
from angarium.reputation.slowing import Slowing, slow
from angarium.reputation.smart_host_rests import SmartHostRests
from angarium.reputation.warmups import PREFIX as WARMUPS
from angarium.reputation.warmups import Warmups
from angarium.routing.dns import DnsResolver
from angarium.routing.own_host import OwnHost, read_own_host
from angarium.routing.placement import partition_of
from angarium.routing.resolution import NOTHING, MxHost, Site, TlsDemand
from angarium.routing.resolver import Resolver
from angarium.routing.routing import Routing
from angarium.service.delivery.observer import DeliveryObserver
from angarium.service.delivery.rule_keeper import RuleKeeper
from angarium.service.delivery.ses_account import SesAccount
from angarium.service.delivery.warmup_writer import WarmupWriter
from angarium.service.feedback.lanes import LaneRegister, RegisteringMarker
from angarium.service.feedback.role import load_references
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.service.platform.sender_notices import SenderNotices
from angarium.service.tracking_keys import find_tracking_keys
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.warmup_metrics import MAX_WARMUPS
from angarium.tracking.addresses import base_url, leave_url
from angarium.tracking.filling import Filler, leaver_of

# Of what may be demanded of TLS, from the least on
_STRICTER: Final = ("off", "opportunistic", "required", "verify")


class DeliverySetup:
    """One delivery process's objects; ``reload`` exchanges what may change while it runs."""

    def __init__(
        self,
        config: Config,
        spool: LmdbSpool,
        partitions: Mapping[PartitionNumber, Partition],
        observer: DeliveryObserver,
        clock: Callable[[], UnixMs],
        randomness: random.Random,
        taps: SessionTaps | None = None,
        demand_of: Callable[[str], TlsDemand] = lambda _: NOTHING,
        find_keys: Callable[[KeyRing], FindsKeys] = lambda others: others,
        tracking_host_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        """``demand_of``: what a recipient's domain asks of its hosts' TLS. ``find_keys``: makes of the
        configuration's keys what is asked for keys. ``tracking_host_of``: a tenant's own one; "".

        Raises KeyFileError, DnsSetupError, StartError (the keys of references).
        """
        self._config = config
        self._spool = spool
        self._partitions = partitions
        self._clock = clock
        self._notices = SenderNotices(config, spool, clock)
        self._taps = taps
        routing = Routing.of(config)
        self.dns = DnsResolver(config.dns, time.monotonic)
        self.resolver = Resolver(
            config, self.dns, own_host(config), routing, time.monotonic, demand_of
        )
        kept = spool.keepsakes.read(WARMUPS)
        self.warmups = Warmups(config.warmup, kept, self.owns, clock(), _helping(config, routing))
        self.warmup_writer = WarmupWriter(self.warmups, spool.keepsakes)
        self._pools = Pools(
            config.source, config.pool, routing, config.server.hostname, config.stream
        )
        self.rules = RuleEngine(RuleBook(all_rules(config)), (SLOWING,))
        self.rules.restore(read_kept(spool.keepsakes.read(RULES), self.owns), clock())
        self.rule_keeper = RuleKeeper(self.rules, spool.keepsakes, clock)
        rules = RuleGate(self.rules)
        warmup = WarmupGate(self.warmups, self.warmup_writer.reserve, rules)
        self._ses_quota = SesQuota()
        ses_gate = SesGate(self._ses_quota)
        self.smart_host_rests = SmartHostRests()
        smart_hosts = SmartHostGate(self.smart_host_rests, self._pools.has_next_way)
        self._ses_pacer = Pacer(lambda: self._ses_quota.rate)
        self._policy = ShapingPolicy(
            self._pools,
            [ses_gate],
            rules=rules,
            warmup=warmup,
            smart_hosts=smart_hosts,
        )
        self.ses_account = SesAccount(config, self._ses_quota, ses_gate, self.owns, clock)
        self._schedule = RetrySchedule(
            config.delivery, config.stream, all_providers(config.provider)
        )
        self._keyring = KeyRing.load(config.dkim)
        self._keys = find_keys(self._keyring)
        self._tracking_host_of = tracking_host_of
        self._lanes = LaneRegister(spool.keepsakes)
        self._references = load_references(config.feedback) if config.feedback.is_used else None
        self._pool = SigningPool(Signer(self._keys, config.dkim), config.dkim.threads)
        self._client_tls = ClientTls()
        self._experience = Experience(
            config.delivery.tls_broken_memory_s, config.delivery.extension_memory_s, clock
        )
        self._connectors = self._make_connectors()
        self.provider_labels = ProviderLabels(config.provider)
        # Whom operators can ask what is in force
        self._narrowing: Sequence[SaysNarrowings] = (
            RuleStanding(self.rules),
            SourceStanding(self._policy.health),
            warmup,
            ses_gate,
            smart_hosts,
        )
        self._tracking_keys = find_tracking_keys(config.tracking)
        self._packer = Packer(
            self._pool,
            clock,
            observer.unsigned,
            self._must_sign,
            self._make_marker(),
            self._make_filler(),
        )
        self._policy.send_one_by_one(self._one_by_one())
        self._hosts = HostSearch(self, self._tls_policy, clock, randomness)
        self.dispatcher = Dispatcher(
            DeliveryParts(
                settings=config.delivery,
                partitions=partitions,
                partition_count=len(spool.partitions()),
                resolver=self.resolver,
                remember_route=self._remember_route,
                policy=self._policy,
                hosts=self._hosts,
                packer=self._packer,
                settler=Settler(partitions),
                conclusion=Conclusion(self._schedule, self._notices.tell, clock, randomness),
                suppressions=spool.suppressions,
                schedule=self._schedule,
                observer=observer,
                give_way=spool.give_way,
                clock=clock,
            )
        )

    def reload(self, config: Config) -> None:
        """Take all of it, ask DNS anew, and read the keys again. No process is renewed for it: that cuts last replies.

        Raises DnsSetupError; then nothing has changed. Raises KeyFileError, StartError (the keys of references); then
        the old keys stay, the rest is taken.
        """
        self.dns.exchange(config.dns)
        old, self._config = self._config, config
        self._notices.exchange(config)
        routing = Routing.of(config)
        self.resolver.exchange(config, own_host(config), routing)
        self.warmups.exchange(config.warmup, self._clock(), _helping(config, routing))
        if (old.rules, old.rule) != (config.rules, config.rule):
            self.rules.exchange(RuleBook(all_rules(config)), self._clock())
        if _sending(old) != _sending(config):
            self.provider_labels.exchange(config.provider)
            self._pools.exchange(config.source, config.pool, routing, config.stream)
            self._policy.health.forget()
            self._policy.send_one_by_one(self._one_by_one())
            self._schedule.exchange(config.delivery, config.stream, all_providers(config.provider))
            self._experience.remember_for(
                config.delivery.tls_broken_memory_s, config.delivery.extension_memory_s
            )
            self._connectors = self._make_connectors()
            self.ses_account.exchange(config)
            self.dispatcher.reload(config.delivery, routing.renewed, self._pools.has)
        self._pool.exchange(Signer(self._keys, config.dkim), config.dkim.threads)
        self._keyring.reload(config.dkim)
        if config.feedback.is_used:
            self._references = load_references(config.feedback)
        self._tracking_keys = find_tracking_keys(config.tracking)
        self._packer.marker = self._make_marker()
        self._packer.filler = self._make_filler()

    def complained(self, source: str, provider: str, now: UnixMs) -> None:
        """Have rules and warm-ups hear of a complaint."""
        self._policy.complained(source, provider, now)

    def slow(self, slowing: Slowing, now: UnixMs) -> None:
        """Slow down a sender of whom too many complain."""
        slow(self.rules, slowing, now)

    def notes(self) -> Sequence[str]:
        """Say what of its peers and sources an operator should know, though the work goes on."""
        now = self._clock()
        out = [outage_text(each, now) for each in self._policy.health.outages()]
        return (*out, *self.dispatcher.notes())

    def narrowings(self, now: UnixMs) -> list[Narrowing]:
        """Return what narrows the configured limits now."""
        return [each for gate in self._narrowing for each in gate.narrowings(now)]

    def count_in_force(self, now: UnixMs) -> Mapping[str, int]:
        """Return how many there are of each kind. Asked every few seconds: of warm-ups none is put into words."""
        return {
            "rule": len(self.rules.in_force(now)),
            "source": len(self._policy.health.outages()),
            "warm_up": self.warmups.count_cold(),
        }

    def forget_failures(self) -> None:
        """Forget what is remembered of hosts and of DNS, so that all is asked anew."""
        self.dns.forget()
        self.resolver.forget()
        self._hosts.forget_failures()
        self._experience.forget()
        self._policy.health.forget()
        self.smart_host_rests.forget()
        self.dispatcher.forget_failures()

    def show_warmups(self, metrics: Metrics) -> None:
        """Bring the gauges of warm-ups up to date."""
        metrics.warmups.follow(
            (each.source, each.provider, each.day, each.hour_limit, each.hour_used)
            for each in self.warmups.statuses(self._clock(), limit=MAX_WARMUPS)
        )

    def connector_of(self, site: Site) -> Connector:
        """Return who opens the site's connections, as the configuration is now."""
        return self._connectors.connector_of(site)

    def close(self) -> None:
        self._pool.close()

    def _remember_route(self, domain: str, site: Site, partition: PartitionNumber) -> None:
        hint = RouteHint(
            domain=domain, partition=partition, provider=site.provider.name, site=site.name
        )
        self._spool.remember_routes([hint])

    def _make_connectors(self) -> Connectors:
        """For connections opened from now on: with the time-outs and the log-ins of the configuration."""
        config = self._config
        timeouts = config.delivery.timeouts
        smtp = SmtpConnector(
            timeouts,
            config.server.hostname,
            self._clock,
            self._experience,
            self._client_tls,
            self._taps,
        )
        ses = None
        if config.ses is not None:
            ses = SesConnector(config.ses, timeouts.connect_s, self._clock, self._ses_pacer)
        return Connectors(config.route, smtp, self._clock, config.smart_host, config.pool, ses)

    def _make_marker(self) -> MarksMail | None:
        if self._references is None and self._tracking_keys is None:
            return None
        marker = Marker(
            self._config.feedback,
            self._references,
            self._signing_domains,
            streams_to_leave(self._config.stream),
            self._page_of,
        )
        return marker if self._references is None else RegisteringMarker(marker, self._lanes)

    def _page_of(self, subject: Subject, now: UnixMs) -> str:
        """Return where the subject's recipient leaves; "": its tenant's mail has no tracking host."""
        keys = self._tracking_keys
        own = self._tracking_host_of(subject.tenant)
        host = links_lead_to(self._config.tracking, own)
        if keys is None or not host:
            return ""
        leave = keys.leave(leaver_of(subject, keys.last_day(now)))
        return leave_url(base_url(host, insecure=self._config.tracking.insecure), leave)

    def _make_filler(self) -> Filler | None:
        return None if self._tracking_keys is None else Filler(self._tracking_keys)

    def _signing_domains(self, header_from: str) -> Iterable[str]:
        return (each.domain for each in self._keyring.find(header_from))

    def _one_by_one(self) -> frozenset[str]:
        config = self._config
        names_people = config.feedback.is_used or config.tracking.host is not None
        return streams_one_by_one(config.stream, names_people=names_people)

    def owns(self, provider: str) -> bool:
        """Whether the provider is this process's."""
        return partition_of(provider, len(self._spool.partitions())) in self._partitions

    def _must_sign(self) -> bool:
        return self._config.dkim.required

    def _tls_policy(self, site: Site, host: MxHost) -> TlsPolicy:
        return tls_policy(site, self._config.delivery)


def tls_policy(site: Site, delivery: Delivery) -> TlsPolicy:
    """Return what is demanded of a site's hosts: the strictest of what the configuration and the domain say."""
    if site.via not in ("mx", SES) and parse_smart_host(site.via).implicit_tls:
        return TlsPolicy(mode="implicit")
    floor = "required" if site.provider.tls == "required" else "off"
    asked = (delivery.tls, floor, site.demands or "off")
    return TlsPolicy(mode=max(asked, key=_STRICTER.index))


def _helping(config: Config, routing: Routing) -> Set[str]:
    """Return the providers that are smart hosts to which pools overflow: no source is a stranger to them."""
    urls = {each.smart_host for each in config.pool if each.smart_host is not None}
    return {routing.expected_provider(each) for each in urls}


def _sending(config: Config) -> tuple[object, ...]:
    """What a reload takes of it and open connections and waiting mail must hear of."""
    return (
        *(config.route, config.smart_host, config.ses, config.provider, config.source, config.pool),
        *(config.stream, config.warmup, config.delivery),
    )


def own_host(config: Config) -> OwnHost:
    """What mail must not be sent to, or it comes back. Reads the system."""
    listening = [parse_host_port(each.address) for each in config.listener if each.kind != "http"]
    sources = [each.address for each in config.source if each.address]
    addresses = [each for each in (*(at.host for at in listening), *sources) if is_ip(each)]
    return read_own_host([config.server.hostname], addresses, listening)
