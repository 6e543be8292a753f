"""IP addresses that mail may or may not be sent to, and address literals. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

# A7: what an MX must not name. The ranges kept for documentation are not here: nobody answers on them.
_REFUSED_V4: Final = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network, and the unspecified address
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared with the access network (RFC 6598)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the clouds' metadata service
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.168.0.0/16",  # private (RFC 1918)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_REFUSED_V6: Final = tuple(
    ip_network(each)
    for each in (
        "::/96",  # unspecified, loopback, and the IPv4-compatible addresses of old
        "::ffff:0:0/96",  # IPv4-mapped: would reach an IPv4 address past its rules
        "100::/64",  # discarded (RFC 6666)
        "fc00::/7",  # private (RFC 4193)
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local of old
        "ff00::/8",  # multicast
    )
)
_NAT64: Final = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_6TO4: Final = ip_network("2002::/16")  # RFC 3056: bits 16 to 47 are


def literal_address(domain: str) -> str | None:
    """Return the address of ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 section 4.1.3), canonical."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    text = domain[1:-1]
    try:
        if text[:5].lower() == "ipv6:":
            return str(IPv6Address(text[5:])) if "%" not in text else None
        return str(IPv4Address(text))
    except ValueError:
        return None


def is_loopback(address: str) -> bool:
    """Whether it is loopback or unspecified, in either family: what a domain without mail points to."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_unspecified


def is_refused(address: str) -> bool:
    """Whether an MX record must not lead us there (A7), whatever the spelling."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in _REFUSED_V4)
    if any(ip in network for network in _REFUSED_V6):
        return True
    embedded = _embedded_ipv4(ip)
    return embedded is not None and is_refused(embedded)


def _embedded_ipv4(ip: IPv6Address) -> str | None:
    if ip in _NAT64:
        return str(IPv4Address(int(ip) & 0xFFFFFFFF))
    if ip in _6TO4:
        return str(IPv4Address((int(ip) >> 80) & 0xFFFFFFFF))
    return None
