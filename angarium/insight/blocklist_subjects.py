"""Which of our addresses and domains blocklists are asked for: what anybody could list, and nothing else. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

from angarium.insight.egress_addresses import EgressAddress
from angarium.routing.address_rules import is_refused
from angarium.routing.host_name import canonical_name, is_host_name

# Ours, of one round of questions
SUBJECTS_LIMIT: Final = 500
# RFC 2606, RFC 6761, RFC 6762: nobody has these, so nobody lists them
_RESERVED: Final = (
    *("test", "example", "invalid", "localhost", "local", "internal", "home.arpa"),
    *("example.com", "example.net", "example.org"),
)


def subjects_of(
    egress: Sequence[EgressAddress],
    addresses: Iterable[str],
    domains: Iterable[str],
    own_domains: Iterable[str],
) -> tuple[str, ...]:
    """Return public addresses, then domains. ``addresses`` and ``domains`` are asked whatever they are."""
    public = [each.address for each in egress if not is_refused(each.address)]
    named = [canonical_name(each) for each in domains]
    own = [each for each in map(canonical_name, own_domains) if _may_be_listed(each)]
    ips = [str(ip_address(each)) for each in (*addresses, *public)]
    return tuple(dict.fromkeys([*ips, *named, *own]))[:SUBJECTS_LIMIT]


def addresses_of_source(
    source: str, egress: Sequence[EgressAddress], before_nat: Sequence[str]
) -> frozenset[str]:
    """Return as what receivers see a source: its own address, or those before the NAT that it is behind."""
    own = [each for each in egress if each.source == source]
    seen = [each.address for each in own if not is_refused(each.address)]
    return frozenset(seen or before_nat)


def _may_be_listed(domain: str) -> bool:
    is_reserved = any(domain == each or domain.endswith(f".{each}") for each in _RESERVED)
    return "." in domain and is_host_name(domain) and not is_reserved
