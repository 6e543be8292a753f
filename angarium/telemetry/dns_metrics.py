"""Metrics of the look-ups that deliveries need."""

from typing import Final

from angarium.telemetry.maker import MetricMaker

RESULTS: Final = ("answered", "failed", "cached")
LOOKUP_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class DnsMetrics:
    """Made once per process, by ``Metrics``; used by those that deliver."""

    def __init__(self, maker: MetricMaker) -> None:
        self.lookups = maker.counters("dns_lookups", "DNS look-ups", result=RESULTS)
        self.time = maker.distribution(
            "dns_lookup_seconds", "Until nameservers answered, or were given up", LOOKUP_BUCKETS_S
        )
        self.under_way = maker.gauge("dns_lookups_open", "DNS look-ups under way, now")
        self.limit = maker.gauge(
            "dns_lookups_limit", "DNS look-ups that there may be at a time (dns.look_ups)"
        )
        self.cached = maker.gauge("dns_cache_entries", "Answers that are cached")
        self.cache_limit = maker.gauge(
            "dns_cache_entries_limit", "Answers that may be cached (dns.cache_entries)"
        )
