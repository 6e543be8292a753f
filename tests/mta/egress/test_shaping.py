"""Mirrors angarium/mta/egress/shaping.py."""

from collections.abc import Sequence
from typing import Any

import msgspec

from angarium.config.schema import Pool, PoolMember, Provider, Source
from angarium.mta.egress.policy import GO, Elsewhere, Limits, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import Gate, ShapingPolicy
from angarium.mta.egress.source_health import FIRST_MS
from angarium.mta.egress.work import Group, Work
from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from angarium.routing.resolution import Site
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import PATH, TAKEN, attempt, head, host, site, work

TO = site(connections=7, messages_per_connection=8, recipients_per_message=9)
TRAFFIC = traffic_of(Group([head(1)]), TO)
NOW = UnixMs(1_000)


class FakeGate:
    """Asks for ``wait``, narrows to ``connections``, and keeps what it counted and heard."""

    def __init__(self, wait: Wait | None = None, connections: int = 1_000) -> None:
        self.wait = wait
        self.connections = connections
        self.counted = 0
        self.asked = 0
        self.heard: list[Sequence[Outcome]] = []

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        self.asked += 1
        return self.wait

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        self.counted += 1

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        return msgspec.structs.replace(limits, connections=self.connections)

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        self.heard.append(outcomes)


def policy(*gates: Gate) -> ShapingPolicy:
    pools = Pools((), (), Routing((), (), 25), "mx.example")
    return ShapingPolicy(pools, gates)


def test_shp1_what_one_gate_keeps_waiting_is_counted_by_none() -> None:
    soon, late = Wait(UnixMs(2_000), "soon"), Wait(UnixMs(3_000), "late")
    gates = [FakeGate(), FakeGate(soon), FakeGate(late), FakeGate()]
    asked = policy(*gates)
    assert asked.admit(TRAFFIC, PATH, NOW) is soon
    assert [each.counted for each in gates] == [0, 0, 0, 0]
    assert [each.asked for each in gates] == [1, 1, 0, 0]
    gates[1].wait = None
    assert asked.admit(TRAFFIC, PATH, NOW) is late
    gates[2].wait = None
    assert asked.admit(TRAFFIC, PATH, NOW) is GO
    assert [each.counted for each in gates] == [1, 1, 1, 1]


def test_shp2_gates_only_narrow_and_leave_room_for_one() -> None:
    configured = Limits(connections=7, transfers=8, recipients=9)
    assert policy(FakeGate()).limits(PATH, TO.provider) == configured
    assert policy(FakeGate(None, 3)).limits(PATH, TO.provider).connections == 3
    assert policy(FakeGate(None, 3), FakeGate()).limits(PATH, TO.provider).connections == 3
    assert policy(FakeGate(None, 0)).limits(PATH, TO.provider).connections == 1


def test_streams_that_go_one_by_one_stay_so_where_gates_narrow() -> None:
    asked = policy(FakeGate(None, 3))
    assert asked.limits(PATH, TO.provider).one_by_one == frozenset()
    asked.send_one_by_one(frozenset({"bulk"}))
    limits = asked.limits(PATH, TO.provider)
    assert (limits.one_by_one, limits.connections) == ({"bulk"}, 3)


def test_limits_follow_a_provider_whose_numbers_changed() -> None:
    asked = policy()
    assert asked.limits(PATH, TO.provider) is asked.limits(PATH, TO.provider)
    changed = msgspec.structs.replace(TO.provider, connections=2)
    assert asked.limits(PATH, changed).connections == 2


def test_every_gate_hears_what_became_of_a_transaction() -> None:
    gates = [FakeGate(), FakeGate()]
    outcomes: list[Outcome] = [TAKEN]
    policy(*gates).told(PATH, TO, work(), outcomes, NOW)
    assert [each.heard for each in gates] == [[outcomes], [outcomes]]


def connect_failed(text: str = "connection timed out", **more: Any) -> Transient:
    made = msgspec.structs.replace(attempt(0, "4.4.1", "connect"), at=NOW, text=text)
    return Transient(made, Scope.SITE, **more)


def test_what_waits_for_a_source_that_is_out_goes_by_another() -> None:
    sources = tuple(Source(name=f"ip{n}", address=f"192.0.2.{n}") for n in (1, 2))
    pools = Pools(sources, (), Routing((), (), 25), "mx.example")
    asked = ShapingPolicy(pools)
    to = msgspec.structs.replace(TO, hosts=(host("mx", "192.0.2.9"),))
    one, two = (asked.choose(head(n), to, NOW) for n in (1, 2))
    assert (one.source, two.source) == ("ip1", "ip2")
    asked.refused(one, to, connect_failed("no such address", source_failed=True), NOW)
    assert asked.admit(TRAFFIC, one, NOW) == Elsewhere(two)
    assert asked.admit(TRAFFIC, two, NOW) is GO
    assert {asked.choose(head(n), to, NOW).source for n in range(9)} == {"ip2"}
    # Its probe goes by itself
    later = UnixMs(NOW + FIRST_MS)
    assert {asked.choose(head(n), to, later).source for n in range(2)} == {"ip1", "ip2"}
    assert asked.admit(TRAFFIC, one, later) is GO
    assert {asked.choose(head(n), to, later).source for n in range(9)} == {"ip2"}
    asked.told(one, to, work(), [TAKEN], later)
    assert {asked.choose(head(n), to, later).source for n in range(9)} == {"ip1", "ip2"}


def test_what_was_greylisted_keeps_to_its_source_while_that_can_send() -> None:
    sources = tuple(Source(name=f"ip{n}", address=f"192.0.2.{n}") for n in (1, 2, 3))
    pool = Pool(name="default", sources=(PoolMember(name="ip1"), PoolMember(name="ip2")))
    pools = Pools(sources, (pool,), Routing((), (), 25), "mx.example")
    asked = ShapingPolicy(pools)
    to = msgspec.structs.replace(TO, hosts=(host("mx", "192.0.2.9"),))

    def chosen(source: str, to: Site = to) -> set[str]:
        return {asked.choose(head(n, source=source), to, NOW).source for n in range(9)}

    assert (chosen("ip1"), chosen("ip2")) == ({"ip1"}, {"ip2"})
    # Of another pool by now, or of none
    assert chosen("ip3") == chosen("ip9") == {"ip1", "ip2"}
    path = asked.choose(head(1, source="ip1"), to, NOW)
    asked.refused(path, to, connect_failed("no such address", source_failed=True), NOW)
    assert chosen("ip1") == {"ip2"}


def test_what_was_greylisted_leaves_a_source_that_cannot_reach_its_site_any_more() -> None:
    sources = (Source(name="ip1", address="192.0.2.1"), Source(name="ip2", address="2001:db8::2"))
    asked = ShapingPolicy(Pools(sources, (), Routing((), (), 25), "mx.example"))
    to = msgspec.structs.replace(TO, hosts=(host("mx", "2001:db8::9"),))
    assert {asked.choose(head(n, source="ip1"), to, NOW).source for n in range(4)} == {"ip2"}


def test_where_every_source_is_out_each_is_used_as_if_none_were() -> None:
    asked = policy()
    path = asked.choose(head(1), TO, NOW)
    asked.refused(path, TO, connect_failed(source_failed=True), NOW)
    assert asked.choose(head(1), TO, NOW) == path
    assert asked.admit(TRAFFIC, path, NOW) is GO
