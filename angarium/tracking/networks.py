"""Which machines an address is of, by its network. Pure: the networks are arguments."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

_NOBODY: Final = -1


class NetworkOwner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    name: str  # amazon
    kind: str  # data_centre | gateway | apple | relay | google


class MachineNetworks:
    """Answers in microseconds, by bisection.

    MN1: of networks in one another the narrowest counts.
    """

    def __init__(self, networks: Iterable[tuple[NetworkOwner, str]]) -> None:
        """Raises ValueError for what is no network."""
        owned = [(owner, ipaddress.ip_network(each)) for owner, each in networks]
        self._owners = list(dict.fromkeys(owner for owner, _ in owned))
        numbers = {owner: number for number, owner in enumerate(self._owners)}
        self._parts: dict[int, tuple[list[int], list[int]]] = {}
        for version in (4, 6):
            spans = [
                (int(each.network_address), int(each.broadcast_address), numbers[owner])
                for owner, each in owned
                if each.version == version
            ]
            parts = list(_parts(spans))
            self._parts[version] = [start for start, _ in parts], [whose for _, whose in parts]

    def find(self, address: str) -> NetworkOwner | None:
        """``address``: IPv4 or IPv6, also IPv4 as an IPv6 socket shows it; whatever else is nobody's."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return None
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        starts, owners = self._parts[ip.version]
        at = bisect_right(starts, int(ip)) - 1
        if at < 0 or owners[at] == _NOBODY:
            return None
        return self._owners[owners[at]]


def _parts(spans: list[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where each part begins and whose it is, in order. Networks are apart, or one is in the other."""
    around: list[tuple[int, int]] = []  # last address and owner of those that are not over yet
    for first, last, owner in sorted(spans, key=lambda span: (span[0], -span[1])):
        while around and around[-1][0] < first:
            over, _ = around.pop()
            yield over + 1, around[-1][1] if around else _NOBODY
        yield first, owner  # MN1
        around.append((last, owner))
    while around:
        over, _ = around.pop()
        yield over + 1, around[-1][1] if around else _NOBODY
