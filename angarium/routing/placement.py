"""Which partition of the queue a recipient belongs to: that of its provider, so that one process holds its limits.

Pure.
"""

from zlib import crc32

from angarium.queue.model import PartitionNumber
from angarium.routing.address_rules import literal_address
from angarium.routing.provider_table import ProviderTable
from angarium.routing.route_table import RouteTable
from angarium.routing.site_name import address_site_name, smart_host_site_name


def partition_of(provider_name: str, partitions: int) -> PartitionNumber:
    """Return the same partition for the same provider in every process and version: it is on disk."""
    return PartitionNumber(crc32(provider_name.encode()) % partitions)


class Placement:
    """What can be told of a domain's partition without asking DNS. A wrong guess costs one move in the queue.

    The queue's route table knows better, once the domain has been resolved: ask that first.
    """

    def __init__(
        self, routes: RouteTable, providers: ProviderTable, partitions: int, port: int
    ) -> None:
        """``port`` is the one of MX hosts."""
        self._routes = routes
        self._providers = providers
        self._partitions = partitions
        self._port = port

    def partition_hint(self, domain: str) -> PartitionNumber:
        """Return the partition of a domain in lower-case A-labels, or of an address literal."""
        return partition_of(self._provider_name(domain), self._partitions)

    def _provider_name(self, domain: str) -> str:
        found = self._routes.find_smart_host(domain)
        if found is not None:
            to = found[1]
            known = self._providers.find_by_hosts((to.host.lower(),))
            name = smart_host_site_name(to.implicit_tls, to.user, to.host.lower(), to.port)
            return known.name if known is not None else name
        provider = self._providers.find_by_domain(domain)
        if provider is not None:
            return provider.name
        address = literal_address(domain)
        return domain if address is None else address_site_name(address, self._port)
