"""How near a delivery process is to what it may hold and ask, and what of our own kept mail waiting, as metrics."""

from angarium.mta.dispatcher import Dispatcher
from angarium.routing.dns import DnsResolver
from angarium.telemetry.metrics import Metrics


class LimitGauges:
    def __init__(self, metrics: Metrics, dispatcher: Dispatcher, dns: DnsResolver) -> None:
        self._metrics = metrics
        self._dispatcher = dispatcher
        self._dns = dns
        dns.observe = metrics.dns.time.observe

    def follow(self) -> None:
        """Called about once a second."""
        room, shown = self._dispatcher.room(), self._metrics.room
        shown.content.set(room.content_octets)
        shown.content_limit.set(room.content_limit_octets)
        shown.ready_limit.set(room.ready_limit)
        shown.lane_limit.set(room.lane_limit)
        shown.connection_limit.set(room.connection_limit)
        shown.opening_limit.set(room.opening_limit)
        for gate, number in self._dispatcher.wait_counts().items():
            self._metrics.policy_waits[gate].follow(number)
        self._show_dns()

    def _show_dns(self) -> None:
        counters, room, shown = self._dns.counters, self._dns.room(), self._metrics.dns
        shown.lookups["cached"].follow(counters.hits)
        shown.lookups["failed"].follow(counters.troubles)
        shown.lookups["answered"].follow(counters.look_ups - counters.troubles)
        shown.under_way.set(room.under_way)
        shown.limit.set(room.limit)
        shown.cached.set(room.cached)
        shown.cache_limit.set(room.cache_limit)
