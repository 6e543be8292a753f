"""What the MX and address records of a domain mean for its mail (RFC 5321 section 5.1, RFC 7505). Pure."""

from collections.abc import Sequence
from itertools import chain, zip_longest

import msgspec

from angarium.routing.address_rules import is_loopback, is_refused
from angarium.routing.dns import Answer, DnsTrouble, Found, MxRecord, NoData, NoSuchDomain
from angarium.routing.host_name import is_host_name
from angarium.routing.own_host import OwnHost
from angarium.routing.resolution import MxHost, Unroutable


class HostAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """What DNS said of one host of a domain."""

    name: str
    preference: int
    usable: tuple[str, ...] = ()  # in the order in which to try them
    is_own: bool = False  # it is this machine
    refused: tuple[str, ...] = ()  # addresses that an MX must not name (A7)
    unreachable: tuple[str, ...] = ()  # IPv6 addresses without a route of ours to any
    trouble: str = ""  # why it is not known whether there are more
    exists: bool = True  # False: DNS denies the very name


def mx_targets(domain: str, answer: Answer[MxRecord]) -> tuple[MxRecord, ...] | Unroutable:
    """Return the hosts to look up, by preference and name, each once; or why there are none."""
    match answer:
        case DnsTrouble():
            return dns_trouble(answer.text)
        case NoSuchDomain():
            return no_such_domain(domain)
        case NoData():
            return (MxRecord(0, domain),)  # RFC 5321 section 5.1: the implicit MX
        case Found():
            return _usable_targets(domain, answer.records)


def _usable_targets(domain: str, records: Sequence[MxRecord]) -> tuple[MxRecord, ...] | Unroutable:
    # RFC 7505 section 3: a null MX stands alone. One among others is a mistake and is left out.
    if all(record.name == "" for record in records):
        return null_mx(domain)
    best: dict[str, MxRecord] = {}
    for record in sorted(records):
        if is_host_name(record.name):  # D4: no other name is asked for or logged
            best.setdefault(record.name, record)
    if not best:
        return no_usable_host(domain, "none of its MX records names a host")
    return tuple(best.values())


def without_own_names(
    domain: str, targets: Sequence[MxRecord], own: OwnHost
) -> tuple[MxRecord, ...] | Unroutable:
    """RFC 5321 section 5.1: where we are in the list, only more preferred hosts are left."""
    ours = min((each.preference for each in targets if each.name in own.names), default=None)
    if ours is None:
        return tuple(targets)
    left = tuple(each for each in targets if each.preference < ours)
    return left or mail_loop(domain)


def sort_addresses(
    target: MxRecord,
    ipv4: Answer[str],
    ipv6: Answer[str],
    *,
    own: OwnHost,
    port: int,
    allow_private: bool,
    limit: int,
) -> HostAddresses:
    """Judge each address of a host. ``limit`` bounds how many are kept (D4)."""
    v4 = ipv4.records if isinstance(ipv4, Found) else ()
    v6 = ipv6.records if isinstance(ipv6, Found) else ()
    usable: list[str] = []
    refused: list[str] = []
    unreachable: list[str] = []
    is_own = False
    for address in interleaved(v6, v4):
        if own.listens_at(address, port):
            is_own = True
        elif allow_private:  # tests, the simulator, private networks: loopback is not us then
            (usable if has_route(address, own) else unreachable).append(address)
        elif is_refused(address):
            refused.append(address)
        elif address in own.addresses:
            is_own = True
        else:
            (usable if has_route(address, own) else unreachable).append(address)
    troubles = [each.text for each in (ipv6, ipv4) if isinstance(each, DnsTrouble)]
    return HostAddresses(
        name=target.name,
        preference=target.preference,
        usable=tuple(usable[:limit]),
        is_own=is_own,
        refused=tuple(refused[:limit]),
        unreachable=tuple(unreachable[:limit]),
        trouble=troubles[0] if troubles else "",
        exists=not (isinstance(ipv4, NoSuchDomain) and isinstance(ipv6, NoSuchDomain | NoData)),
    )


def choose_hosts(
    domain: str, looked_up: Sequence[HostAddresses], port: int
) -> tuple[MxHost, ...] | Unroutable:
    """Return the hosts to try, by preference and name; or why there are none."""
    ours = min((each.preference for each in looked_up if each.is_own), default=None)
    left = [each for each in looked_up if ours is None or each.preference < ours]
    if not left:
        return mail_loop(domain)
    hosts = tuple(
        MxHost(name=each.name, port=port, preference=each.preference, addresses=each.usable)
        for each in left
        if each.usable
    )
    return hosts or _why_none(domain, left)


def _why_none(domain: str, hosts: Sequence[HostAddresses]) -> Unroutable:
    for host in hosts:
        if host.trouble:
            return dns_trouble(host.trouble)
    for host in hosts:
        if host.unreachable:
            return unreachable(domain, f"{host.name} has IPv6 addresses only, and we no IPv6 route")
    refused = [(host.name, address) for host in hosts for address in host.refused]
    if not refused:
        return no_usable_host(domain, "its mail hosts have no address")
    name, address = refused[0]
    why = f"{name} has the address {address}, which is refused (delivery.allow_private)"
    if all(is_loopback(each) for _, each in refused):
        return no_usable_host(domain, why)  # what domains without mail publish: never anyone's
    return unreachable(domain, why)  # may be a split or hijacked DNS: it can pass


def has_route(address: str, own: OwnHost) -> bool:
    return own.has_ipv6 or ":" not in address or is_loopback(address)


def interleaved(ipv6: Sequence[str], ipv4: Sequence[str]) -> list[str]:
    """Return both families in turn, IPv6 first (RFC 8305 section 4)."""
    pairs = chain.from_iterable(zip_longest(ipv6, ipv4))
    return [each for each in pairs if each is not None]


def no_such_domain(domain: str) -> Unroutable:
    return Unroutable(
        permanent=True, code=550, enhanced="5.1.2", text=f"the domain {domain} does not exist"
    )


def null_mx(domain: str) -> Unroutable:
    """RFC 7505 section 4.1."""
    return Unroutable(
        permanent=True,
        code=556,
        enhanced="5.1.10",
        text=f"the domain {domain} accepts no mail (null MX)",
    )


def mail_loop(domain: str) -> Unroutable:
    return Unroutable(
        permanent=True,
        code=554,
        enhanced="5.4.6",
        text=f"mail for {domain} loops back to this host: the best mail host is ourselves",
    )


def no_usable_host(domain: str, why: str) -> Unroutable:
    return Unroutable(
        permanent=True, code=550, enhanced="5.4.4", text=f"no way to deliver to {domain}: {why}"
    )


def unreachable(domain: str, why: str) -> Unroutable:
    return Unroutable(
        permanent=False, code=451, enhanced="4.4.4", text=f"no way to deliver to {domain}: {why}"
    )


def dns_trouble(text: str) -> Unroutable:
    return Unroutable(permanent=False, code=451, enhanced="4.4.3", text=text)
