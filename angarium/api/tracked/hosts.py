"""Which hosts are for tracking, and whose. Pure."""

from collections.abc import Mapping
from typing import Protocol


class TrackingHosts(Protocol):
    def find(self, host: str) -> str | None:
        """Return whose it is, of a Host field as it came: a tenant's name; "": of all tenants; None: no such host.

        Asked of each request to the listener, the API's too: it takes less than a microsecond.
        """
        ...


class NamedHosts:
    """Satisfies TrackingHosts: by name, whatever the port, since proxies and port forwarding change it."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        """``owners``: tenants by host, "" for all; hosts in lower case, with or without a port."""
        self._owners = {host_name(host): tenant for host, tenant in owners.items()}

    def find(self, host: str) -> str | None:
        return self._owners.get(host) if host in self._owners else self._owners.get(host_name(host))


def host_name(host: str) -> str:
    """Return a Host field without its port, in lower case, without the dot that a name may end in."""
    return host.partition(":")[0].lower().rstrip(".")
