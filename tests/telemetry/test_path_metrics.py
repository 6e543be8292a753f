"""Mirrors angarium/telemetry/path_metrics.py."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from angarium.telemetry.maker import MetricMaker
from angarium.telemetry.path_metrics import MAX_PAIRS, PathMetrics, ProviderQueue


class Read:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = PathMetrics(MetricMaker(self.registry))

    def lines(self, name: str) -> list[str]:
        text = generate_latest(self.registry).decode()
        return [each for each in text.splitlines() if each.startswith(f"angarium_{name}{{")]


@pytest.fixture
def read() -> Read:
    return Read()


def test_counts_are_added_by_provider_source_and_outcome(read: Read) -> None:
    for _ in range(2):
        read.metrics.count(("gmail", "ip1"), {"delivered": 3, "deferred": 0}, {"opened": 1})
    assert read.lines("path_recipients_total") == [
        'angarium_path_recipients_total{outcome="delivered",provider="gmail",source="ip1"} 6.0'
    ]
    assert read.lines("path_connections_total") == [
        'angarium_path_connections_total{provider="gmail",result="opened",source="ip1"} 2.0'
    ]


def test_what_is_no_more_is_zero(read: Read) -> None:
    pair = ("gmail", "ip1")
    read.metrics.set_now({pair: 5}, {pair: 2}, {pair: 20})
    assert read.lines("path_connections_limit") == [
        'angarium_path_connections_limit{provider="gmail",source="ip1"} 20.0'
    ]
    read.metrics.set_now({}, {}, {})
    assert read.lines("path_waiting_recipients") == [
        'angarium_path_waiting_recipients{provider="gmail",source="ip1"} 0.0'
    ]
    queue = ProviderQueue(scheduled=7, oldest_s=30.0)
    read.metrics.set_queued({"gmail": queue})
    assert read.lines("provider_queue_oldest_seconds") == [
        'angarium_provider_queue_oldest_seconds{provider="gmail"} 30.0'
    ]
    read.metrics.set_queued({"other": ProviderQueue(held=1)})
    name = "angarium_provider_queue_recipients"
    assert read.lines("provider_queue_recipients") == [
        name + '{provider="gmail",state="scheduled"} 0.0',
        name + '{provider="gmail",state="held"} 0.0',
        name + '{provider="gmail",state="in_flight"} 0.0',
        name + '{provider="other",state="scheduled"} 0.0',
        name + '{provider="other",state="held"} 1.0',
        name + '{provider="other",state="in_flight"} 0.0',
    ]


def test_pairs_are_bounded_and_the_rest_is_told_together(read: Read) -> None:
    waiting = {(f"p{number}", "ip1"): 1 for number in range(MAX_PAIRS + 7)}
    read.metrics.set_now(waiting, {}, {})
    lines = read.lines("path_waiting_recipients")
    assert len(lines) == MAX_PAIRS + 1
    assert 'angarium_path_waiting_recipients{provider="other",source="other"} 7.0' in lines


def test_what_is_in_force_is_counted_by_kind(read: Read) -> None:
    read.metrics.set_in_force({"rule": 2, "warm_up": 1})
    assert 'angarium_restrictions_in_force{kind="rule"} 2.0' in read.lines("restrictions_in_force")
    read.metrics.set_in_force({"rule": 0})
    assert 'angarium_restrictions_in_force{kind="rule"} 0.0' in read.lines("restrictions_in_force")
