"""Sets of IP networks from the configuration, and whether an address is in one. Pure."""

import ipaddress
from collections.abc import Iterable
from typing import Final

REMEMBERED: Final = 10_000  # addresses; a client that connects anew for each message is parsed once


class Networks:
    """Raises ValueError for what is no network; host bits that are set are an error too, as they hint at a typo."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(each) for each in networks)
        self._answers: dict[str, bool] = {}

    @property
    def is_any(self) -> bool:
        """Whether there is a network in it."""
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        answer = self._answers.get(address)
        if answer is None:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            answer = self._answers[address] = self._is_within(address)
        return answer

    def _is_within(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # a dual-stack socket shows IPv4 clients like this
        return any(ip in network for network in self._networks)
