"""What this machine is called and reached at: so that mail to ourselves is seen as a loop. Reads the system once."""

import socket
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec

from angarium.config.address import HostPort, is_ip
from angarium.routing.address_rules import is_loopback
from angarium.routing.host_name import canonical_name

_FIB_TRIE = Path("/proc/self/net/fib_trie")
_IF_INET6 = Path("/proc/self/net/if_inet6")
# Any global address would do; nothing is sent: connecting a datagram socket only looks the route up.
_FAR_V4 = ("192.0.2.1", 9)
_FAR_V6 = ("2001:db8::1", 9)


class OwnHost(msgspec.Struct, frozen=True, kw_only=True):
    names: frozenset[str]  # lower-case, no trailing dot
    addresses: frozenset[str]  # canonical text
    has_ipv6: bool  # a route to IPv6 addresses beyond this machine exists
    # Where our SMTP listeners are; 0.0.0.0 and :: are all of a family.
    listening: frozenset[HostPort] = frozenset()

    def listens_at(self, address: str, port: int) -> bool:
        """Whether a connection to it would end in a listener of ours: then mail goes round in a circle."""
        if HostPort(address, port) in self.listening:
            return True
        everywhere = HostPort("::" if ":" in address else "0.0.0.0", port)
        return everywhere in self.listening and (address in self.addresses or is_loopback(address))


def read_own_host(
    names: Iterable[str], addresses: Iterable[str] = (), listening: Iterable[HostPort] = ()
) -> OwnHost:
    """Gather the machine's own addresses. ``addresses`` adds others, such as public ones before a NAT."""
    known = {*interface_addresses(), *(str(ip_address(each)) for each in addresses)}
    return OwnHost(
        names=frozenset(canonical_name(each) for each in names),
        addresses=frozenset(known),
        has_ipv6=_source_towards(socket.AF_INET6, _FAR_V6) is not None,
        listening=frozenset(
            HostPort(str(ip_address(each.host)), each.port)
            for each in listening
            if is_ip(each.host)
        ),
    )


def interface_addresses() -> set[str]:
    """Return the addresses of all interfaces; at least the one that packets go out from."""
    found = set(_from_fib_trie(_read_lines(_FIB_TRIE)))
    found.update(_from_if_inet6(_read_lines(_IF_INET6)))
    found.update(default_sources())
    return found


def default_sources() -> tuple[str, ...]:
    """Return the address that the system chooses for connections to far away, of each family that has a route."""
    towards = ((socket.AF_INET, _FAR_V4), (socket.AF_INET6, _FAR_V6))
    found = (_source_towards(family, far) for family, far in towards)
    return tuple(each for each in found if each is not None)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", "replace").splitlines()
    except OSError:  # not Linux, or /proc is hidden: the source address must do
        return []


def _from_fib_trie(lines: Iterable[str]) -> Iterator[str]:
    """Each leaf is ``|-- address``; a line ``/32 host LOCAL`` below it says that it is ours."""
    leaf = ""
    for line in lines:
        words = line.split()
        if words[:1] == ["|--"] and len(words) == 2:
            leaf = words[1]
        elif words == ["/32", "host", "LOCAL"] and leaf:
            yield leaf


def _from_if_inet6(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        digits = line.partition(" ")[0]
        if len(digits) == 32:
            yield str(ip_address(bytes.fromhex(digits)))


def _source_towards(family: socket.AddressFamily, far: tuple[str, int]) -> str | None:
    """Return the address that packets to ``far`` would go out from; None without a route."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(far)
            return str(probe.getsockname()[0])
    except OSError:
        return None
