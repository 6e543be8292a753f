"""Mirrors angarium/insight/traffic_table.py, source_table.py and forecast_loads.py."""

from typing import Any

from angarium.config.schema import Config, Pool, PoolMember, Provider, Server, Source
from angarium.insight.admin.gathering import Gathered
from angarium.insight.admin.traffic import QueueCensus
from angarium.insight.forecast_loads import load_of
from angarium.insight.holds import find_hold_id, hold_narrowing
from angarium.insight.source_table import PoolShare, source_table
from angarium.insight.traffic_table import (
    ProviderRow,
    narrowing_text,
    notes_of,
    traffic_table,
)
from angarium.mta.egress.narrowing import Allowance, Narrowing
from angarium.mta.egress.policy import Limits
from angarium.mta.egress.traffic_counts import Tally, Windows
from angarium.mta.traffic import PathTraffic
from angarium.queue import UnixMs
from angarium.queue.breakdown import Breakdown, Slice
from angarium.queue.hold_rule import HoldRule

NOW = UnixMs(1_800_000_000_000)
LIMITS = Limits(connections=5, transfers=50, recipients=100)
PROVIDER = Provider(
    name="gmail",
    connections=10,
    messages_per_connection=20,
    message_rate="60/min",
    connection_rate="unlimited",
)


def path(provider: str = "gmail", source: str = "ip1", **more: Any) -> PathTraffic:
    return PathTraffic(
        **{
            "provider": provider,
            "source": source,
            "waiting": 3,
            "connections": 1,
            "limits": LIMITS,
            "windows": Windows(hour=Tally(messages=2, delivered=4, deferred=1, busy_ms=600)),
            **more,
        }
    )


def census(**counts: tuple[int, int]) -> QueueCensus:
    slices = tuple(
        Slice(value=name, count=count, held=held, ages=[]) for name, (count, held) in counts.items()
    )
    total = Slice(value="", ages=[])
    return QueueCensus(
        at=NOW, by_provider=Breakdown(by="provider", slices=slices, others=None, total=total)
    )


def table(*paths: PathTraffic, **more: Any) -> tuple[ProviderRow, ...]:
    gathered = Gathered(
        paths=paths,
        in_force=more.get("in_force", ()),
        census=more.get("census", census()),
        holds=more.get("holds", ()),
    )
    return traffic_table(gathered, NOW)


def rule(**more: Any) -> Narrowing:
    return Narrowing(**{"kind": "rule", "name": "slow", "text": "2 connections", **more})


def test_who_has_most_mail_comes_first_and_who_has_none_in_memory_is_there() -> None:
    rows = table(path("yahoo"), path("gmail"), census=census(gmail=(7, 1), apple=(9, 0)))
    assert [(each.provider, each.queued, each.held) for each in rows] == [
        ("apple", 9, 0),
        ("gmail", 7, 1),
        ("yahoo", 0, 0),
    ]
    assert [len(each.sources) for each in rows] == [0, 1, 1]


def test_what_was_not_counted_is_not_taken_for_none() -> None:
    (row,) = table(path(), census=None)
    assert (row.queued, row.held, row.waiting) == (None, None, 3)


def test_what_two_processes_say_of_a_path_adds_up() -> None:
    (row,) = table(path(limits=None, wait="no"), path(), path(source="ip2"))
    assert [each.source for each in row.sources] == ["ip1", "ip2"]
    first = row.sources[0]
    assert (first.waiting, first.connections, first.limits) == (6, 2, LIMITS)
    assert first.windows.hour.delivered == 8
    assert (row.waiting, row.connections, row.windows.hour.delivered) == (9, 3, 12)


def test_what_is_in_force_is_named_where_it_holds() -> None:
    everywhere = rule(name="all", text="held")
    mine = rule(provider="gmail", source="ip1", until=UnixMs(NOW + 60_000), scope="tenant shop")
    (row,) = table(
        path(wait="the rate of gmail", wait_until=UnixMs(NOW + 2_000), lanes_waiting=3),
        path(source="ip2", suspended="421 no", suspended_until=UnixMs(NOW + 5_000)),
        in_force=(everywhere, mine, rule(provider="yahoo")),
    )
    one, two = row.sources
    assert notes_of(one, NOW) == [
        "rule all: held",
        "rule slow (tenant shop): 2 connections, for 1 min",
        "waits: the rate of gmail, for 2 s (and 2 other lanes)",
    ]
    assert notes_of(two, NOW) == [
        "no host takes connections: 421 no, for 5 s",
        "rule all: held",
    ]


def test_a_wait_for_a_rule_that_is_named_is_not_told_twice() -> None:
    (row,) = table(path(wait="the rule slow suspends source ip1 at gmail: 421"), in_force=(rule(),))
    assert notes_of(row.sources[0], NOW) == ["rule slow: 2 connections"]


CONFIG = Config(
    server=Server(hostname="mx.example.com", data_dir="data"),
    source=(Source(name="ip1", address="192.0.2.1", ehlo="out.example.com"), Source(name="ip2")),
    pool=(Pool(name="bulk", sources=(PoolMember(name="ip1", weight=3), PoolMember(name="ip2"))),),
)


def test_sources_are_told_as_configured_with_what_leaves_by_them() -> None:
    out = Windows(ten_minutes=Tally(refused=4))
    rows = table(path(), path("yahoo"), path(source="ip2", windows=out), path(source="old"))
    one, two, old = source_table(CONFIG, rows, (), NOW)
    assert (one.address, one.ehlo, one.providers, one.connections) == (
        *("192.0.2.1", "out.example.com", 2, 2),
    )
    assert one.pools == (
        PoolShare(pool="bulk", weight=3, of=4),
        PoolShare(pool="default", weight=1, of=2),  # which is everyone's where none is written
    )
    assert (one.health, two.ehlo) == ("ok", "mx.example.com")
    assert two.health == "none of 4 connections could be opened in ten minutes"
    assert (old.name, old.is_configured, old.pools) == ("old", False, ())
    is_out = rule(kind="source", name="ip1", source="ip1", text="its address cannot be bound")
    assert source_table(CONFIG, rows, (is_out,), NOW)[0].health == (
        "source ip1: its address cannot be bound"
    )


def test_without_sources_there_is_the_default_one() -> None:
    (only,) = source_table(Config(server=CONFIG.server), (), (), NOW)
    assert (only.name, only.pools) == ("default", (PoolShare(pool="default", weight=1, of=1),))


def test_a_forecast_reckons_with_what_was_measured_and_with_limits_in_force() -> None:
    (row,) = table(path(), census=census(gmail=(50, 10)))
    load = load_of(row, PROVIDER, ("ip1",))
    assert (load.queued, load.held, load.answered, load.deferred) == (40, 10, 5, 1)
    (capacity,) = load.paths
    assert (capacity.connections, capacity.transfers) == (5, 50)
    assert (capacity.transaction_ms, capacity.recipients_per_message) == (300, 2.5)
    assert (capacity.messages_per_s, capacity.connections_per_s) == (1.0, None)


def test_a_forecast_for_who_has_had_nothing_reckons_with_the_configuration() -> None:
    (row,) = table(census=census(gmail=(50, 0)))
    load = load_of(row, PROVIDER, ("ip1", "ip2"))
    assert [(each.source, each.connections, each.messages_per_s) for each in load.paths] == [
        ("ip1", 10, 1.0),
        ("ip2", 10, 1.0),
    ]


def test_a_forecast_reckons_with_rules_and_warm_ups() -> None:
    allowance = Allowance(left=5, per_period=50, renews_at=UnixMs(NOW + 1), period_ms=3_600_000)
    until = UnixMs(NOW + 60_000)
    (row,) = table(
        path(),
        path(source="ip2"),
        in_force=(
            rule(messages_per_s=2.0),  # more than is configured
            rule(messages_per_s=0.5, source="ip1"),
            rule(kind="warm_up", source="ip1", allowance=allowance),
            rule(suspends=True, source="ip2", until=until),
        ),
    )
    one, two = load_of(row, PROVIDER, ()).paths
    assert (one.messages_per_s, one.allowance, one.is_suspended) == (0.5, allowance, False)
    assert (two.messages_per_s, two.is_suspended, two.suspended_until) == (1.0, True, until)


def test_one_suspension_without_an_end_is_none() -> None:
    (row,) = table(
        path(suspended="421 no", suspended_until=UnixMs(NOW + 5)),
        in_force=(rule(suspends=True), rule(name="b", suspends=True, until=UnixMs(NOW + 9))),
    )
    (only,) = load_of(row, PROVIDER, ()).paths
    assert (only.is_suspended, only.suspended_until) == (True, None)


def test_a_forecast_reckons_with_the_smart_host_that_helps_a_warm_up_out() -> None:
    allowance = Allowance(left=5, per_period=50, renews_at=UnixMs(NOW + 1), period_ms=3_600_000)
    (row,) = table(
        path(),
        path(source="ip2"),
        in_force=(rule(kind="warm_up", source="ip1", allowance=allowance),),
    )
    helper = Provider(name="smtp://relay.example:25", connections=20)
    paths = load_of(row, PROVIDER, (), {"ip1": helper, "ip2": helper}).paths
    assert [(each.source, each.connections) for each in paths][-1] == (helper.name, 20)
    assert len(paths) == 3
    assert len(load_of(row, PROVIDER, (), {"ip2": helper}).paths) == 2  # ip2 is not warmed


def test_an_operators_hold_stands_beside_its_provider_and_keeps_a_forecast_from_ending() -> None:
    hold = HoldRule(id=7, provider="gmail", who="ann", why="they are ill", since=NOW)
    part = HoldRule(id=8, provider="gmail", tenant="shop", who="ann", since=NOW)
    others = HoldRule(id=9, sender="", who="bob", since=NOW)
    (row,) = table(path(), holds=(hold, part, others))
    assert [each.name for each in row.holds] == ["hold-7", "hold-8"]
    assert [narrowing_text(each, NOW) for each in row.holds] == [
        "hold hold-7: held by ann: they are ill",
        "hold hold-8 (tenant shop): held by ann",
    ]
    assert [each.suspends for each in row.holds] == [True, False]
    (only,) = load_of(row, PROVIDER, ()).paths
    assert (only.is_suspended, only.suspended_until) == (True, None)
    assert hold_narrowing(others).scope == "sender <>"
    assert [find_hold_id(each) for each in ("hold-12", "hold-0", "hold", "gmail-rate")] == [
        *(12, None, None, None)
    ]
