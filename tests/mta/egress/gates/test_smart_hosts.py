"""Mirrors angarium/mta/egress/gates/smart_hosts.py, and what ``shaping`` makes of it: failover and rescue."""

from typing import Any

import msgspec
import pytest

from angarium.config.schema import Pool, PoolMember, Route, Rule, Source
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.smart_hosts import SmartHostGate
from angarium.mta.egress.policy import GO, Reroute, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Taken, Transient
from angarium.queue.destination import detour
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.reputation.smart_host_rests import FIRST_REST_MS, SmartHostRests
from angarium.routing.resolution import Site, SiteName
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import attempt, head, site, work

NOW = UnixMs(1_700_000_000_000)
A, B = "smtp://a", "smtp://b"
ROUTES = [
    Route(domain="list.example", via=(A, B, "ses")),
    Route(domain="alone.example", via=A),
    Route(domain="ses.example", via="ses"),
]
SUSPENDING = Rule(name="r", providers=("p",), match=("slow down",), duration_s=7200)


def at(way: str) -> Site:
    return msgspec.structs.replace(site(), name=SiteName(way), via=way)


class Rig:
    def __init__(self, **pool: Any) -> None:
        routing = Routing(ROUTES, [], 25)
        sources = [Source(name="ip1"), Source(name="ip2")]
        members = tuple(PoolMember(name=each.name) for each in sources)
        pools = [Pool(name="default", sources=members, **pool)]
        self.pools = Pools(sources, pools, routing, "mx.example")
        self.paths = [self.pools.find_path(each.name) for each in sources]
        self.rests = SmartHostRests()
        self.engine = RuleEngine(RuleBook([SUSPENDING]))
        self.policy = ShapingPolicy(
            self.pools,
            rules=RuleGate(self.engine),
            smart_hosts=SmartHostGate(self.rests, self.pools.has_next_way),
        )

    def admit(self, destination: str, to: Site, now: int = NOW, **more: Any) -> Any:
        waiting = msgspec.structs.replace(head(1), domain=destination, **more)
        traffic: Traffic = traffic_of(Group([waiting]), to)
        assert self.paths[0] is not None
        return self.policy.admit(traffic, self.paths[0], UnixMs(now))

    def told(self, to: Site, outcome: Outcome, source: int = 0, now: int = NOW) -> None:
        path = self.paths[source]
        assert path is not None
        self.policy.told(path, to, work(), [outcome], UnixMs(now))

    def rest(self, way: str) -> None:
        self.rests.fails(way, "no answer", NOW, at_once=True)


def test_while_one_rests_the_next_of_its_route_takes_over() -> None:
    rig = Rig()
    assert rig.admit("list.example", at(A)) == GO
    rig.rest(A)
    verdict = rig.admit("list.example", at(A))
    assert verdict == Reroute(via=detour(B), reason="the smart host smtp://a rests: no answer")


def test_one_that_is_known_to_rest_is_passed_over() -> None:
    rig = Rig()
    rig.rest(A)
    rig.rest(B)
    assert rig.admit("list.example", at(A)).via == detour("ses")


def test_behind_the_last_one_the_route_begins_anew_when_that_is_over() -> None:
    rig = Rig()
    rig.rest("ses")
    verdict = rig.admit("over:ses list.example", at("ses"))
    assert (verdict.via, verdict.not_before) == ("default", NOW + FIRST_REST_MS)


def test_with_all_of_them_resting_mail_waits_where_it_began() -> None:
    rig = Rig()
    for way in (A, B, "ses"):
        rig.rest(way)
    assert isinstance(rig.admit("list.example", at(A)), Wait)


def test_what_is_in_doubt_never_goes_by_another_one() -> None:
    rig = Rig(smart_host="ses", rescue_after_s=0)
    rig.rest(A)
    assert isinstance(rig.admit("list.example", at(A), in_doubt=True), Wait)
    suspend(rig)
    assert isinstance(rig.admit("d.example", site(), in_doubt=True), Wait)


def test_what_an_operator_chose_stays_there() -> None:
    rig = Rig()
    rig.rest(A)
    assert rig.admit(A, at(A)) == GO


def test_an_only_smart_host_has_its_suspension_and_no_rest_but_ses_has_one() -> None:
    rig = Rig()
    rig.rest(A)
    rig.rest("ses")
    assert rig.admit("alone.example", at(A)) == GO
    assert isinstance(rig.admit("ses.example", at("ses")), Wait)


@pytest.mark.parametrize(
    ("outcome", "rests"),
    [
        (Taken(attempt()), False),
        (Permanent(attempt(550, "5.1.1"), Scope.RECIPIENT), False),
        (Transient(attempt(454, "4.7.0"), Scope.MESSAGE), False),  # a throttle
        (Transient(attempt(454, "4.7.0"), Scope.SITE), True),  # a suspended account
        (Transient(attempt(451, "4.3.0", "internal"), Scope.MESSAGE), False),  # a fault of ours
    ],
)
def test_what_it_says_of_the_mail_is_no_failure_of_its_own(outcome: Outcome, rests: bool) -> None:
    rig = Rig()
    rig.told(at(A), outcome)
    assert isinstance(rig.admit("list.example", at(A)), Reroute) is rests


def test_transactions_without_an_answer_rest_it_when_they_are_two_in_a_row() -> None:
    rig = Rig()
    lost = Transient(attempt(0, "4.4.2"), Scope.SESSION)
    rig.told(at(A), lost)
    rig.told(at(A), Taken(attempt()))
    rig.told(at(A), lost)
    assert rig.admit("list.example", at(A)) == GO
    rig.told(at(A), lost)
    assert isinstance(rig.admit("list.example", at(A)), Reroute)


def test_no_connection_rests_it_and_a_source_s_own_fault_does_not() -> None:
    rig = Rig()
    path = rig.paths[0]
    assert path is not None
    ours = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE, source_failed=True)
    rig.policy.refused(path, at(A), ours, NOW)
    assert not rig.policy.is_resting(at(A), NOW)
    rig.policy.refused(
        path, at(A), Transient(attempt(0, "4.4.1", "connect"), Scope.SITE), UnixMs(NOW + 1)
    )
    assert rig.policy.is_resting(at(A), UnixMs(NOW + 1))
    (narrowing,) = SmartHostGate(rig.rests, rig.pools.has_next_way).narrowings(NOW)
    assert (narrowing.kind, narrowing.name, narrowing.suspends) == ("smart_host", A, True)


# --- rescue


def suspend(rig: Rig, *sources: int) -> None:
    slow = Transient(
        msgspec.structs.replace(attempt(421, "4.7.0"), text="slow down"), Scope.MESSAGE
    )
    for source in sources or (0, 1):
        rig.told(site(), slow, source)


def test_when_every_source_is_suspended_for_so_long_the_pool_s_smart_host_takes_over() -> None:
    rig = Rig(smart_host="ses", rescue_after_s=600)
    suspend(rig)
    verdict = rig.admit("d.example", site())
    assert isinstance(verdict, Wait)
    assert verdict.until == NOW + 600_000  # it is asked again then
    assert isinstance(rig.admit("d.example", site(), NOW + 599_999), Wait)
    assert rig.admit("d.example", site(), NOW + 600_000).via == detour("ses")


def test_while_one_source_may_send_nothing_is_rescued() -> None:
    rig = Rig(smart_host="ses", rescue_after_s=0)
    suspend(rig, 0)
    assert not isinstance(rig.admit("d.example", site()), Reroute)


def test_when_every_source_is_out_for_so_long_it_takes_over_too_though_they_are_probed() -> None:
    rig = Rig(smart_host="ses", rescue_after_s=600)
    dead = Transient(attempt(0, "4.4.1", "connect"), Scope.SITE, source_failed=True)
    for path in rig.paths:
        assert path is not None
        rig.policy.refused(path, site(), dead, NOW)
    assert rig.admit("d.example", site()) == GO  # nobody else would do
    probed = UnixMs(NOW + 300_000)
    rig.policy.choose(head(2), site(), probed)
    assert rig.admit("d.example", site(), probed) == GO
    for path in rig.paths:
        assert path is not None
        failed = Transient(
            msgspec.structs.replace(dead.attempt, at=probed), Scope.SITE, source_failed=True
        )
        rig.policy.refused(path, site(), failed, probed)
    assert rig.admit("d.example", site(), NOW + 600_000).via == detour("ses")


def test_a_suspension_that_was_over_in_between_begins_anew() -> None:
    rig = Rig(smart_host="ses", rescue_after_s=600)
    suspend(rig)
    assert isinstance(rig.admit("d.example", site()), Wait)
    later = NOW + 3 * 7200_000
    assert rig.admit("d.example", site(), later) == GO
    slow = Transient(
        msgspec.structs.replace(attempt(421, "4.7.0"), text="slow down"), Scope.MESSAGE
    )
    for source in (0, 1):
        rig.told(site(), slow, source, later)
    assert isinstance(rig.admit("d.example", site(), later), Wait)


def test_without_the_option_what_is_suspended_waits() -> None:
    rig = Rig(smart_host="ses")
    suspend(rig)
    assert isinstance(rig.admit("d.example", site(), NOW + 3_600_000), Wait)
