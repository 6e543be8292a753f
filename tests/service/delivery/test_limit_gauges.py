"""Mirrors angarium/service/delivery/limit_gauges.py."""

from collections import Counter
from typing import get_args

from angarium.config.schema import Dns
from angarium.mta.dispatcher import Room
from angarium.mta.egress.policy import Gate
from angarium.routing.dns import DnsResolver
from angarium.service.delivery.limit_gauges import LimitGauges
from angarium.telemetry.metrics import POLICY_GATES, Metrics

ROOM = Room(
    content_octets=10,
    content_limit_octets=100,
    ready_limit=1000,
    lane_limit=200,
    connection_limit=50,
    opening_limit=5,
)


class Dispatcher:
    def __init__(self) -> None:
        self.waits: Counter[Gate] = Counter()

    def room(self) -> Room:
        return ROOM

    def wait_counts(self) -> Counter[Gate]:
        return self.waits


def test_what_is_taken_stands_beside_what_there_may_be() -> None:
    metrics, dispatcher = Metrics(), Dispatcher()
    dns = DnsResolver(Dns(nameservers=("127.0.0.1:53",), cache_entries=77), lambda: 0.0)
    gauges = LimitGauges(metrics, dispatcher, dns)  # type: ignore[arg-type]
    dispatcher.waits["rule"] = 2
    dns.counters.hits, dns.counters.look_ups, dns.counters.troubles = 5, 4, 1
    dns.observe(0.03)
    gauges.follow()
    dispatcher.waits["rule"] = 3
    gauges.follow()
    lines = metrics.render().decode().splitlines()
    for line in (
        "angarium_delivery_in_flight_bytes 10.0",
        "angarium_delivery_in_flight_limit_bytes 100.0",
        "angarium_ready_recipients_limit 1000.0",
        "angarium_lane_recipients_limit 200.0",
        "angarium_delivery_connections_limit 50.0",
        "angarium_delivery_connections_opening_limit 5.0",
        'angarium_policy_waits_total{gate="rule"} 3.0',
        'angarium_dns_lookups_total{result="cached"} 5.0',
        'angarium_dns_lookups_total{result="answered"} 3.0',
        'angarium_dns_lookups_total{result="failed"} 1.0',
        'angarium_dns_lookup_seconds_bucket{le="0.02"} 0.0',
        'angarium_dns_lookup_seconds_bucket{le="0.05"} 1.0',
        "angarium_dns_cache_entries 0.0",
        "angarium_dns_cache_entries_limit 77.0",
    ):
        assert line in lines, line


def test_every_gate_has_its_label() -> None:
    assert set(get_args(Gate)) == set(POLICY_GATES)
