"""Mirrors angarium/service/delivery/traffic_metrics.py."""

from prometheus_client import CollectorRegistry

from angarium.config.schema import Provider
from angarium.mta.egress.lease import PlaceKey
from angarium.mta.egress.policy import Limits
from angarium.mta.egress.traffic_counts import Tally
from angarium.queue import UnixMs
from angarium.service.delivery.traffic_metrics import GAUGES_EVERY, TrafficMetrics
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.telemetry.maker import MetricMaker
from angarium.telemetry.path_metrics import PathMetrics


def key(provider: str) -> PlaceKey:
    return PlaceKey(source="ip1", provider=provider)


class Dispatcher:
    def __init__(self) -> None:
        self.new: dict[PlaceKey, Tally] = {}
        self.load: dict[PlaceKey, tuple[int, int]] = {}

    def now(self) -> UnixMs:
        return UnixMs(5)

    def take_new_counts(self) -> dict[PlaceKey, Tally]:
        new, self.new = self.new, {}
        return new

    def loads(self) -> dict[PlaceKey, tuple[int, int]]:
        return self.load

    def limits(self) -> dict[PlaceKey, Limits]:
        return {each: Limits(connections=5, transfers=1, recipients=1) for each in self.load}


def test_unknown_sites_are_told_together_and_gauges_are_looked_at_now_and_then() -> None:
    dispatcher, registry = Dispatcher(), CollectorRegistry()
    traffic = TrafficMetrics(
        dispatcher,  # type: ignore[arg-type]
        lambda _: {"rule": 1},
        ProviderLabels([Provider(name="mine")]),
        PathMetrics(MetricMaker(registry)),
    )
    dispatcher.new = {key("mine"): Tally(delivered=2, connections=1), key("a"): Tally(bounced=1)}
    dispatcher.load = {key("mine"): (3, 1), key("a"): (1, 1), key("b"): (1, 0)}
    traffic.follow()
    dispatcher.load = {}
    traffic.follow()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"angarium_{name}", {"source": "ip1", **labels})

    assert value("path_recipients_total", provider="mine", outcome="delivered") == 2
    assert value("path_recipients_total", provider="other", outcome="bounced") == 1
    assert value("path_connections_total", provider="mine", result="opened") == 1
    assert value("path_waiting_recipients", provider="other") == 2
    assert value("path_connections_open", provider="mine") == 1
    assert value("path_connections_limit", provider="mine") == 5
    assert value("path_connections_limit", provider="other") == 10
    assert registry.get_sample_value("angarium_restrictions_in_force", {"kind": "rule"}) == 1
    for _ in range(GAUGES_EVERY):
        traffic.follow()
    assert value("path_waiting_recipients", provider="other") == 0
