"""Sets of IP networks from the configuration, and whether an address is in one. Pure."""

import ipaddress
from collections.abc import Iterable


class Networks:
    """Raises ValueError for what is no network; host bits that are set are an error too, as they hint at a typo."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(each) for each in networks)

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # a dual-stack socket shows IPv4 clients like this
        return any(ip in network for network in self._networks)
