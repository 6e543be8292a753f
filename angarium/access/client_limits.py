"""How much one client may have: connections open at once, octets, and failed log-ins within a time window.

A client is an IPv4 address or an IPv6 /64, because a host may take any address of its /64. All tables are bounded.
"""

import functools
import ipaddress
from typing import Final

from angarium.access.client_table import FailedLogin, ListenerClients
from angarium.smtp.refusal import Refusal
from angarium.smtp.server.data import OctetBudget

_KEYS_CACHED: Final = 4096
COUNTED_KEYS: Final = 50_000  # clients, and users, with failures
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
    """Connections of one listener, over all processes. Bounded by ``limit``: a client without one has no entry.

    A limit is never exceeded: ours is told to the others before theirs are read, so of two processes that take
    the last place at once at most one keeps it.
    """

    def __init__(
        self, limit: int, limit_per_client: int, shared: ListenerClients | None = None
    ) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._shared = shared or ListenerClients.alone()
        self._open: dict[str, int] = {}  # in this process
        self._total = 0

    @property
    def total(self) -> int:
        """In this process."""
        return self._total

    def of(self, address: str) -> int:
        """In this process."""
        return self._open.get(client_key(address), 0)

    def admit(self, address: str) -> Refusal | None:
        """Count a connection; a Refusal means that it was not counted and must not be left."""
        key = client_key(address)
        client = self._shared.digest(key)
        count = self._change(key, client, 1)
        if self._total + self._shared.connections_elsewhere() > self._limit:
            self._change(key, client, -1)
            return Refusal(421, "4.3.2", "Too many connections; try again later")
        if count + self._shared.connections_elsewhere_of(client) > self._limit_per_client:
            self._change(key, client, -1)
            return Refusal(421, "4.7.0", "Too many connections from your address")
        return None

    def leave(self, address: str) -> None:
        """End a connection that was admitted."""
        key = client_key(address)
        self._change(key, self._shared.digest(key), -1)

    def _change(self, key: str, client: int, change: int) -> int:
        """Count one more or less, here and for the others; returns how many the client has here."""
        count = self._open.get(key, 0) + change
        if count:
            self._open[key] = count
        else:
            del self._open[key]
        self._total += change
        self._shared.set_connections(self._total)
        self._shared.change_connections(client, change)
        return count


class SharedOctetBudget(OctetBudget):
    """Octets of message data in memory over all processes of a listener."""

    def __init__(self, limit: int, shared: ListenerClients) -> None:
        super().__init__(limit)
        self._shared = shared

    @property
    def is_spent(self) -> bool:
        return self.used + self._shared.octets_elsewhere() >= self.limit

    def take(self, octets: int) -> bool:
        self.used += octets
        self._shared.set_octets(self.used)  # told first, as connections are
        if self.used + self._shared.octets_elsewhere() > self.limit:
            self.give_back(octets)
            return False
        return True

    def give_back(self, octets: int) -> None:
        self.used -= octets
        self._shared.set_octets(self.used)


class WindowCounter:
    """Counts by key; a key's count begins anew ``window_s`` after the first that was counted.

    At most ``entries`` keys: beyond them, the one whose window began first is forgotten.
    """

    def __init__(self, window_s: float, entries: int) -> None:
        self._window_s = window_s
        self._entries = entries
        self._counts: dict[int, tuple[float, int]] = {}  # by start of the window, oldest first

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, key: int, now: float) -> int:
        began, count = self._counts.get(key, (now, 0))
        return count if now - began < self._window_s else 0

    def add(self, key: int, now: float) -> int:
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

    def take_back(self, key: int) -> None:
        """Undo one ``add``. A key that was forgotten stays forgotten."""
        if (entry := self._counts.get(key)) is None:
            return
        began, count = entry
        if count > 1:
            self._counts[key] = (began, count - 1)
        else:
            del self._counts[key]


class FailedLogins:
    """Log-ins that failed within the window, by client and by user, over all processes of a listener."""

    def __init__(self, window_s: float, shared: ListenerClients | None = None) -> None:
        self._shared = shared or ListenerClients.alone()
        self._of_client = WindowCounter(window_s, COUNTED_KEYS)
        self._of_user = WindowCounter(window_s, COUNTED_KEYS)

    def count(self, address: str, user: str, now: float) -> tuple[int, int]:
        """Return those of the client and those of the user."""
        for failure in self._shared.news():
            self._apply(failure)
        client, name = self._digests(address, user)
        return self._of_client.count(client, now), self._of_user.count(name, now)

    def user_mark(self, user: str) -> str:
        """Return what stands for a name in a log: under the key of these processes, which is never stored."""
        return f"{self._shared.digest(user):016x}"[:8]

    def add(self, address: str, user: str, now: float) -> None:
        self._tell(address, user, now, 1)

    def take_back(self, address: str, user: str, now: float) -> None:
        """Undo one ``add``."""
        self._tell(address, user, now, -1)

    def _tell(self, address: str, user: str, now: float, change: int) -> None:
        client, name = self._digests(address, user)
        failure = FailedLogin(client=client, user=name, at=now, change=change)
        self._apply(failure)
        self._shared.tell(failure)

    def _apply(self, failure: FailedLogin) -> None:
        if failure.change > 0:
            self._of_client.add(failure.client, failure.at)
            self._of_user.add(failure.user, failure.at)
        else:
            self._of_client.take_back(failure.client)
            self._of_user.take_back(failure.user)

    def _digests(self, address: str, user: str) -> tuple[int, int]:
        return self._shared.digest(client_key(address)), self._shared.digest(user)
