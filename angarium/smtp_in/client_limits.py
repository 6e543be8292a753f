"""How much one client may have: connections open at once, and things counted within a time window.

A client is an IPv4 address or an IPv6 /64, because a host may take any address of its /64. All tables are bounded.
"""

import functools
import ipaddress
from typing import Final

from angarium.smtp.received import Refusal

_KEYS_CACHED: Final = 4096
_CLIENT_PREFIX: Final = 64  # RFC 4291 section 2.5.1: the rest is an interface identifier


@functools.lru_cache(maxsize=_KEYS_CACHED)  # pure
def client_key(address: str) -> str:
    """Return what counts as one client: ``192.0.2.1`` or ``2001:db8::/64``; what is no address counts by itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:  # a dual-stack socket shows IPv4 clients like this
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip), _CLIENT_PREFIX), strict=False))


class ClientConnections:
    """Connections of one listener in one process. Bounded by ``limit``: a client without a connection has no entry."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._open: dict[str, int] = {}
        self._total = 0

    @property
    def total(self) -> int:
        return self._total

    def of(self, address: str) -> int:
        return self._open.get(client_key(address), 0)

    def admit(self, address: str) -> Refusal | None:
        """Count a connection; a Refusal means that it was not counted and must not be left."""
        if self._total >= self._limit:
            return Refusal(421, "4.3.2", "Too many connections; try again later")
        key = client_key(address)
        count = self._open.get(key, 0)
        if count >= self._limit_per_client:
            return Refusal(421, "4.7.0", "Too many connections from your address")
        self._open[key] = count + 1
        self._total += 1
        return None

    def leave(self, address: str) -> None:
        """End a connection that was admitted."""
        key = client_key(address)
        count = self._open[key] - 1
        if count:
            self._open[key] = count
        else:
            del self._open[key]
        self._total -= 1


class WindowCounter:
    """Counts by key; a key's count begins anew ``window_s`` after the first that was counted.

    At most ``entries`` keys: beyond them, the one whose window began first is forgotten.
    """

    def __init__(self, window_s: float, entries: int) -> None:
        self._window_s = window_s
        self._entries = entries
        self._counts: dict[str, tuple[float, int]] = {}  # by start of the window, oldest first

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, key: str, now: float) -> int:
        began, count = self._counts.get(key, (now, 0))
        return count if now - began < self._window_s else 0

    def add(self, key: str, now: float) -> int:
        """Count one more; returns the new count."""
        began, count = self._counts.get(key, (now, 0))
        if count and now - began < self._window_s:
            self._counts[key] = (began, count + 1)
            return count + 1
        self._counts.pop(key, None)  # a new window goes behind all others
        if len(self._counts) >= self._entries:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = (now, 1)
        return 1

    def take_back(self, key: str) -> None:
        """Undo one ``add``. A key that was forgotten stays forgotten."""
        if (entry := self._counts.get(key)) is None:
            return
        began, count = entry
        if count > 1:
            self._counts[key] = (began, count - 1)
        else:
            del self._counts[key]
