"""Mirrors angarium/telemetry/distribution.py."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from angarium.telemetry.distribution import Distribution

BOUNDS = (0.5, 1, 2)


def shown(registry: CollectorRegistry) -> dict[str, float]:
    lines = [line for line in generate_latest(registry).decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def make() -> tuple[Distribution, CollectorRegistry]:
    registry = CollectorRegistry()
    return Distribution(Histogram("x", "x", registry=registry, buckets=BOUNDS), BOUNDS), registry


def test_it_shows_what_prometheus_client_would_have_counted() -> None:
    distribution, registry = make()
    other = CollectorRegistry()
    theirs = Histogram("x", "x", registry=other, buckets=BOUNDS)
    for value in (0.0, 0.5, 0.6, 1, 1.5, 2, 2.1, 99):
        distribution.observe(value)
        theirs.observe(value)
        distribution.flush()
        assert {k: v for k, v in shown(registry).items() if "created" not in k} == {
            k: v for k, v in shown(other).items() if "created" not in k
        }


def test_a_second_flush_carries_over_nothing_twice() -> None:
    distribution, registry = make()
    distribution.observe(0.7)
    distribution.flush()
    distribution.flush()
    assert shown(registry)["x_count"] == 1
    assert shown(registry)["x_sum"] == 0.7


def test_totals_of_elsewhere_are_shown_as_they_are() -> None:
    distribution, registry = make()
    values = (0.5, 0.7, 5)
    assert [distribution.bucket_of(each) for each in values] == ["0.5", "1", "+Inf"]
    for _ in range(2):
        distribution.reach({"0.5": 2, "+Inf": 1, "0.25": 4}, 12.5)  # one of no bucket that is left
    found = shown(registry)
    assert (found['x_bucket{le="0.5"}'], found['x_bucket{le="2.0"}']) == (2, 2)
    assert (found["x_count"], found["x_sum"]) == (7, 12.5)
