"""Where a domain's mail goes, as far as the answers at hand tell: the operator's routes, then DNS. Pure.

What the records mean is in ``mx``; who looks up what is wanted is ``resolver``.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import msgspec

from angarium.config.address import SmartHost, is_ip
from angarium.config.schema import Config
from angarium.queue.destination import domain_behind
from angarium.routing.address_rules import is_refused, literal_address
from angarium.routing.dns import Answer, DnsTrouble, Found, MxRecord, NoData, Question
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
from angarium.routing.resolution import MxHost, Resolution, Unroutable
from angarium.routing.routing import Routing

_LOCALHOST = ("127.0.0.1", "::1")  # RFC 6761 section 6.3: never asked of DNS

FindAnswer = Callable[[Question], Answer[Any] | None]


class Timed(msgspec.Struct, frozen=True):
    resolution: Resolution
    ttl: float


class Wanted(msgspec.Struct, frozen=True):
    """These are to be looked up, at once, before more can be said; never empty."""

    questions: tuple[Question, ...]


class _Answers:
    """What is at hand, and what of it was missing."""

    def __init__(self, find: FindAnswer) -> None:
        self._find = find
        self.missing: dict[Question, None] = {}

    def find_mx(self, domain: str) -> Answer[MxRecord] | None:
        return self._find_or_want((domain, "MX"))

    def find_ipv4(self, name: str) -> Answer[str] | None:
        return self._find_or_want((name, "A"))

    def find_ipv6(self, name: str) -> Answer[str] | None:
        return self._find_or_want((name, "AAAA"))

    def _find_or_want(self, question: Question) -> Answer[Any] | None:
        answer = self._find(question)
        if answer is None:
            self.missing[question] = None
        return answer


class Deduction:
    """One configuration's. Never changed: a reload makes another one, so that no resolution is of both."""

    def __init__(self, config: Config, own: OwnHost, routing: Routing) -> None:
        self._config = config
        self._own = own
        self._routing = routing

    def deduce(self, domain: str, find: FindAnswer) -> Timed | Wanted:
        """``find``: what is known of DNS already. Wants each question once, if its answer is known from then on."""
        answers = _Answers(find)
        timed = self._deduce(domain, answers)
        return timed if timed is not None else Wanted(tuple(answers.missing))

    def _deduce(self, domain: str, answers: _Answers) -> Timed | None:
        if (way := self._routing.first_way(domain)) is not None:
            to = self._routing.find_host(way)
            if to is None:
                return self._lasting(unreachable(domain, "there is no [ses] in the configuration"))
            return self._by_smart_host(domain, way, to, answers)
        domain = domain_behind(domain)
        if domain.startswith("["):
            return self._by_literal(domain)
        if not is_host_name(domain):
            return self._lasting(_not_a_domain("5.1.2", domain))
        return self._by_mx(domain, answers)

    def _lasting(self, resolution: Resolution) -> Timed:
        """What depends on no record."""
        return Timed(resolution, self._config.dns.max_ttl_s)

    def _by_mx(self, domain: str, answers: _Answers) -> Timed | None:
        answer = answers.find_mx(domain)
        if answer is None:
            return None
        targets = mx_targets(domain, answer)
        if not isinstance(targets, Unroutable):
            targets = without_own_names(domain, targets, self._own)
        if isinstance(targets, Unroutable):
            return Timed(targets, answer.ttl)
        found = self._find_hosts(targets, answers)
        if found is None:
            return None
        hosts_found, ttl = found
        ttl = min(ttl, answer.ttl)
        if isinstance(answer, NoData) and not hosts_found[0].exists:
            return Timed(no_such_domain(domain), ttl)
        hosts = choose_hosts(domain, hosts_found, self._config.delivery.port)
        if isinstance(hosts, Unroutable):
            return Timed(hosts, ttl)
        return Timed(self._routing.mx_site(domain, hosts), ttl)

    def _find_hosts(
        self, targets: Sequence[MxRecord], answers: _Answers
    ) -> tuple[list[HostAddresses], float] | None:
        """Return what DNS says of each, in order, and for how long; one that is in trouble shortens it."""
        both = [self._find_addresses(each.name, answers) for each in targets]
        hosts: list[HostAddresses] = []
        ttl = inf
        for target, found in zip(targets, both, strict=True):
            if found is None:
                return None  # all are wanted by now
            ipv4, ipv6 = found
            ttl = min(ttl, ipv4.ttl, ipv6.ttl)
            hosts.append(
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
        return hosts, ttl

    def _find_addresses(
        self, name: str, answers: _Answers
    ) -> tuple[Answer[str], Answer[str]] | None:
        """Return the IPv4 and the IPv6 addresses. Without an IPv6 route, IPv6 is asked for only to say why not."""
        ipv4 = answers.find_ipv4(name)
        ipv6: Answer[str] | None = None
        if self._own.has_ipv6 or isinstance(ipv4, NoData):
            ipv6 = answers.find_ipv6(name)
        elif ipv4 is not None:
            ipv6 = NoData(ipv4.ttl)
        return None if ipv4 is None or ipv6 is None else (ipv4, ipv6)

    def _by_literal(self, domain: str) -> Timed:
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

    def _by_smart_host(
        self, domain: str, via: str, to: SmartHost, answers: _Answers
    ) -> Timed | None:
        """An explicit route may name any address; whatever is wrong with its name is ours to mend, so temporary."""
        found = self._find_smart_host_addresses(to.host, answers)
        if found is None:
            return None
        if isinstance(found, DnsTrouble):
            return Timed(dns_trouble(found.text), found.ttl)
        if not isinstance(found, Found):
            why = f"the smart host {to.host} has no address that we can reach"
            return Timed(unreachable(domain, why), found.ttl)
        left = [each for each in found.records if not self._own.listens_at(each, to.port)]
        if not left:
            why = f"the smart host {to.host} port {to.port} is a listener of this server: a loop"
            return Timed(unreachable(domain, why), found.ttl)
        return Timed(self._routing.smart_host_site(via, to, tuple(left)), found.ttl)

    def _find_smart_host_addresses(self, host: str, answers: _Answers) -> Answer[str] | None:
        """Return both families in turn as one answer."""
        lasting = self._config.dns.max_ttl_s
        if is_ip(host):
            return Found((host,), lasting)
        if host == "localhost" or host.endswith(".localhost"):
            return Found(_LOCALHOST, lasting)
        both = self._find_addresses(host, answers)
        if both is None:
            return None
        ipv4, ipv6 = both
        v4 = ipv4.records if isinstance(ipv4, Found) else ()
        v6 = ipv6.records if isinstance(ipv6, Found) else ()
        usable = [each for each in interleaved(v6, v4) if has_route(each, self._own)]
        if usable:
            kept = usable[: self._config.dns.addresses_per_host]
            return Found(tuple(kept), min(ipv4.ttl, ipv6.ttl))
        for answer in both:
            if isinstance(answer, DnsTrouble):
                return answer
        return NoData(min(ipv4.ttl, ipv6.ttl, self._config.dns.negative_ttl_s))


def _not_a_domain(enhanced: str, domain: str) -> Unroutable:
    """RFC 3463 section 3.2: 5.1.2 for a domain, 5.1.3 for an address."""
    text = f"{domain!a} is neither a domain nor an address literal"
    return Unroutable(permanent=True, code=550, enhanced=enhanced, text=text)
