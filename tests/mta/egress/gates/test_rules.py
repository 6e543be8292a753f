"""Mirrors angarium/mta/egress/gates/rules.py, and what of shaping.py is for it."""

from typing import Any

import msgspec
import pytest

from angarium.config.rules import all_rules
from angarium.config.schema import Config, Pool, PoolMember, Rule, Server, Source
from angarium.mta.egress.gates.rules import HELD_MS, TRIAL_MS, RuleGate
from angarium.mta.egress.next_host import is_for_next_host
from angarium.mta.egress.policy import GO, Elsewhere, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.triage import defect, withheld
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Again, Outcome, Permanent, Scope, Transient
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import NO_USER, TAKEN, attempt, head, site, work

NOW = UnixMs(1_000_000)
HOUR = 3_600_000
TO = site(connections=10, messages_per_connection=20)
TRAFFIC = traffic_of(Group([head(1, sender="A@Sender.Example", campaign="c")]), TO)
MEMBERS = tuple(PoolMember(name=each) for each in ("ip1", "ip2"))


class Bench:
    def __init__(self, *rules: Rule) -> None:
        pools = Pools(
            tuple(Source(name=each) for each in ("ip1", "ip2", "ip3")),
            (
                Pool(name="default", sources=MEMBERS),
                Pool(name="spare", sources=(PoolMember(name="ip3"),)),
            ),
            Routing((), (), 25),
            "mx.example",
        )
        self.engine = RuleEngine(RuleBook(rules))
        self.gate = RuleGate(self.engine)
        self.policy = ShapingPolicy(pools, (), self.gate)
        paths = {each.source: each for each in pools.members("default")}
        self.ip1, self.ip2 = paths["ip1"], paths["ip2"]

    def told(self, *outcomes: Outcome, at: int = NOW) -> list[Outcome]:
        of = work(1, len(outcomes))
        self.policy.told(self.ip1, TO, of, outcomes, UnixMs(at))
        return list(self.policy.understood(TO, of, outcomes, UnixMs(at)))

    def admit(self, at: int = NOW, path: Any = None, **changes: Any) -> object:
        traffic: Traffic = msgspec.structs.replace(TRAFFIC, **changes)
        return self.policy.admit(traffic, path or self.ip1, UnixMs(at))


def said(text: str, code: int = 421, enhanced: str = "4.7.0") -> Outcome:
    made = msgspec.structs.replace(attempt(code, enhanced, "mail"), text=text)
    if code >= 500:
        return Permanent(made, Scope.MESSAGE)
    return Transient(made, Scope.SESSION)


def rule(**more: Any) -> Rule:
    return Rule(name="r", match=("busy",), **{"duration_s": 3600, **more})


def test_a_suspended_source_lets_the_others_of_its_pool_go() -> None:
    bench = Bench(rule())
    assert bench.admit() is GO
    bench.told(said("421 busy"))
    assert bench.admit() == Elsewhere(bench.ip2, "the rule r suspends source ip1 at p: 421 busy")
    assert bench.admit(path=bench.ip2) is GO
    assert bench.admit(provider="another") is GO
    assert bench.admit(at=NOW + HOUR) is GO


def test_with_no_source_left_mail_waits_and_the_reason_names_rule_and_reply() -> None:
    bench = Bench(rule())
    bench.told(said("421 busy"))
    bench.policy.told(bench.ip2, TO, work(), [said("421 busy")], UnixMs(NOW + 1))
    assert bench.admit(at=NOW + 2) == Wait(
        UnixMs(NOW + HOUR), "the rule r suspends source ip1 at p: 421 busy", "rule"
    )
    assert bench.admit(at=NOW + HOUR) is GO


@pytest.mark.parametrize(
    ("scope", "others"),
    [
        ("tenant", {"tenant": "another"}),
        ("sender_domain", {"sender_domain": "another.example"}),
        ("stream", {"stream": "another"}),
    ],
)
def test_a_tenants_suspension_is_met_by_every_source_and_by_nobody_else(
    scope: Any, others: dict[str, str]
) -> None:
    bench = Bench(rule(scope=scope))
    bench.told(said("421 busy"))
    for path in (bench.ip1, bench.ip2):
        assert isinstance(bench.admit(path=path), Wait)
        assert bench.admit(path=path, **others) is GO


def test_a_hold_waits_for_the_operator() -> None:
    bench = Bench(rule(actions=("hold",), scope="tenant"))
    bench.told(said("421 busy"))
    years = NOW + 9_000 * HOUR
    wait = bench.admit(at=years)
    assert isinstance(wait, Wait)
    assert wait.until == years + HELD_MS
    assert "holds tenant t at p" in wait.reason
    bench.engine.undo("r", UnixMs(years))
    assert bench.admit(at=years) is GO


def test_a_throttle_lets_one_go_at_a_time_and_then_faster() -> None:
    bench = Bench(rule(actions=("throttle",), rate="1/min", scope="tenant", recovery_s=600))
    bench.told(said("421 busy"))

    def gone(begin: int, end: int) -> list[int]:
        return [at for at in range(begin, end, 1000) if bench.admit(at=NOW + at) is GO]

    assert gone(0, 180_001) == [0, 60_000, 120_000, 180_000]
    # In its last hour's first period of recovery: twice as many
    assert len(gone(HOUR + 1, HOUR + 600_000)) == 20


def test_a_throttle_comes_back_to_the_providers_own_rate() -> None:
    bench = Bench(rule(actions=("throttle",), rate="10/min", recovery_s=60))
    to = site(message_rate="20/min")
    bench.policy.told(bench.ip1, to, work(), [said("421 busy")], NOW)
    (effect,) = bench.engine.in_force(NOW)
    assert effect.ceiling == pytest.approx(1 / 3)
    assert effect.ends == NOW + HOUR  # twice as many is what is configured


def test_numbers_of_connections_are_narrowed_and_come_back() -> None:
    both = ("connections", "messages_per_connection")
    bench = Bench(rule(actions=both, connections=2, recovery_s=60))
    bench.told(said("421 busy"))

    def limits(at: int) -> tuple[int, int]:
        bench.admit(at=NOW + at)
        found = bench.policy.limits(bench.ip1, TO.provider)
        return found.connections, found.transfers

    assert limits(0) == (2, 10)
    assert limits(HOUR) == (4, 20)
    assert limits(HOUR + 60_000) == (8, 20)
    assert limits(HOUR + 120_000) == (10, 20)
    assert bench.policy.limits(bench.ip2, TO.provider).connections == 10


def test_a_reroute_sends_it_by_another_pool() -> None:
    bench = Bench(rule(actions=("reroute",), scope="tenant", pool="spare"))
    bench.told(said("421 busy"))
    found = bench.admit()
    assert isinstance(found, Elsewhere)
    assert found.path.source == "ip3"
    assert bench.admit(path=found.path) is GO
    assert bench.admit(at=NOW + HOUR) is GO


def test_a_greeting_counts_as_well() -> None:
    bench = Bench(rule())
    failure = said("421 busy")
    assert isinstance(failure, Transient)
    bench.policy.refused(bench.ip1, TO, failure, NOW)
    assert bench.admit() == Elsewhere(bench.ip2, "the rule r suspends source ip1 at p: 421 busy")


def test_our_own_words_put_nothing_in_force() -> None:
    bench = Bench(Rule(name="any", codes=(421, 451, 452)), rule())
    ours = [
        defect(ValueError("busy"), NOW),
        withheld("busy", NOW, "p"),
        Transient(msgspec.structs.replace(attempt(0, "4.4.2"), text="busy"), Scope.SESSION),
    ]
    assert bench.told(*ours) == ours
    assert bench.engine.in_force(NOW) == []


def test_one_reply_to_many_recipients_counts_once() -> None:
    bench = Bench(rule(count=2))
    bench.told(*[said("421 busy")] * 50)
    assert bench.admit() is GO
    bench.told(said("421 busy"))
    assert bench.admit() == Elsewhere(bench.ip2, "the rule r suspends source ip1 at p: 421 busy")


def test_a_refusal_of_us_is_no_bounce_of_the_address_for_a_while() -> None:
    """QQ's 550 about our rate, Gmail's about complaints."""
    bench = Bench(rule(actions=("suspend", "retry"), retry_s=(900,), retry_for_s=86_400))
    refused = said("550 busy", code=550, enhanced="5.7.28")
    # The message was accepted at 0
    (meant, other) = bench.told(refused, NO_USER, at=86_399_999)
    assert meant == Transient(refused.attempt, Scope.SITE, retry_s=(900,))
    assert other is NO_USER
    assert bench.told(refused, at=86_400_000) == [refused]


def test_without_retry_a_refusal_stays_one() -> None:
    bench = Bench(rule())
    refused = said("550 busy", code=550, enhanced="5.7.1")
    assert bench.told(refused) == [refused]


def test_a_deferral_gets_the_rules_own_schedule() -> None:
    bench = Bench(rule(actions=("retry",), retry_s=(900,)))
    (meant,) = bench.told(said("421 busy"))
    assert isinstance(meant, Transient)
    assert meant.retry_s == (900,)
    assert bench.admit() is GO


def test_a_sites_other_hosts_are_not_asked_after_a_word_about_the_source() -> None:
    busy = Transient(
        msgspec.structs.replace(attempt(451, "4.3.2", "rcpt"), text="451 busy"), Scope.RECIPIENT
    )
    assert is_for_next_host(busy)
    (meant,) = Bench(rule()).told(busy)
    assert not is_for_next_host(meant)
    (meant,) = Bench(rule(actions=("messages_per_connection",))).told(busy)
    assert is_for_next_host(meant)
    (meant,) = Bench().told(busy)
    assert meant is busy


def test_what_is_tried_again_is_no_bounce_of_the_sweep_either() -> None:
    sweep = Rule(name="s", sweep="bounces", percent=10, at_least=10)
    refused = said("550 busy", code=550, enhanced="5.7.1")
    bench = Bench(sweep, rule(actions=("retry",)))
    bench.told(*[TAKEN] * 8, *[refused] * 8)
    assert bench.engine.in_force(NOW) == []
    bench = Bench(sweep)
    bench.told(*[TAKEN] * 8, *[refused] * 8)
    assert [each.reply for each in bench.engine.in_force(NOW)] == ["8 bounces of 16 messages"]


def test_greylisting_keeps_the_schedule_of_the_configuration() -> None:
    bench = Bench(*all_rules(Config(server=Server(hostname="mx.sender.example"))))
    made = msgspec.structs.replace(
        attempt(451, "4.7.1", "rcpt"), text="451 Greylisted, temporarily deferred"
    )
    (meant,) = bench.told(Transient(made, Scope.RECIPIENT, greylisted=True))
    assert isinstance(meant, Transient)
    assert (meant.greylisted, meant.retry_s) == (True, ())
    assert bench.engine.in_force(NOW) == []


@pytest.mark.parametrize(
    ("actions", "again"),
    [(("suspend",), None), (("throttle",), None), (("connections",), Again.GONE)],
)
def test_an_old_session_that_ends_with_a_word_about_us_is_not_asked_again_at_once(
    actions: Any, again: Again | None
) -> None:
    """Unless it is about this connection only."""
    gone = msgspec.structs.replace(said("421 busy", enhanced="4.3.2"), again=Again.GONE)
    (meant,) = Bench(rule(actions=actions)).told(gone)
    assert isinstance(meant, Transient)
    assert meant.again is again


@pytest.mark.parametrize("scope", ["source", "tenant", "sender_domain", "stream"])
def test_after_a_suspension_one_message_at_a_time_is_tried_until_one_is_taken(scope: Any) -> None:
    bench = Bench(rule(scope=scope, count=2, period_s=60))

    def go(at: int) -> list[bool]:
        return [bench.admit(at=at) is GO for _ in range(3)]

    one, other = said("421 busy"), said("450 who are you")
    bench.told(one, at=NOW)
    assert go(NOW) == [True] * 3  # it takes two
    bench.told(one, at=NOW)
    assert go(NOW + 1) == [False] * 3
    end = NOW + HOUR
    assert go(end) == [True, False, False]
    bench.told(other, at=end + 1)  # refused, for whatever it is
    assert go(end + 2) == [True, False, False]
    bench.told(one, at=end + 3)
    assert go(end + 4) == [True, False, False]
    bench.told(one, at=end + 5)  # in force once more
    assert go(end + 6) == [False] * 3
    again = end + 5 + HOUR
    assert go(again) == [True, False, False]
    bench.told(TAKEN, at=again + 1)
    assert go(again + 2) == [True] * 3


def test_who_waits_for_the_one_that_is_tried_is_told_so() -> None:
    bench = Bench(rule(scope="tenant"))
    bench.told(said("421 busy"))
    end = NOW + HOUR
    assert bench.admit(at=end) is GO
    assert bench.admit(at=end + 1) == Wait(
        UnixMs(end + 1 + TRIAL_MS),
        "the rule r suspended tenant t at p: one message at a time is tried, until one is taken",
        "rule",
    )
    assert bench.admit(at=end + 1, tenant="another") is GO


def test_the_others_of_the_pool_go_while_a_source_is_tried() -> None:
    bench = Bench(rule())
    bench.told(said("421 busy"))
    end = NOW + HOUR
    assert bench.admit(at=end) is GO
    elsewhere = bench.admit(at=end + 1)
    assert isinstance(elsewhere, Elsewhere)
    assert elsewhere.path == bench.ip2
    assert bench.admit(at=end + 1, path=bench.ip2) is GO


def test_what_an_operator_undoes_is_not_tried_first() -> None:
    bench = Bench(rule(scope="tenant"))
    bench.told(said("421 busy"))
    bench.engine.undo("r", UnixMs(NOW + 1))
    assert [bench.admit(at=NOW + HOUR) is GO for _ in range(3)] == [True] * 3


def test_a_suspension_that_ended_while_we_were_down_is_followed_by_a_trial() -> None:
    bench, then = Bench(rule(scope="tenant")), UnixMs(NOW + HOUR)
    bench.told(said("421 busy"))
    after = Bench(rule(scope="tenant"))
    after.engine.restore(bench.engine.in_force(NOW), then)
    assert after.engine.in_force(then) == []
    assert [after.admit(at=then) is GO for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("actions", "scope", "stops"),
    [
        (("suspend",), "source", True),
        (("hold",), "tenant", True),
        (("suspend",), "campaign", False),  # it has none
        (("throttle",), "source", False),
        (("connections",), "source", False),
    ],
)
def test_a_suspension_stops_what_was_let_go_before_it(
    actions: Any, scope: Any, *, stops: bool
) -> None:
    bench = Bench(rule(actions=actions, scope=scope))
    claimed = work(2)
    assert not bench.policy.stops(claimed, bench.ip1, TO, UnixMs(NOW))
    bench.told(said("421 busy"))
    assert bench.policy.stops(claimed, bench.ip1, TO, UnixMs(NOW)) is stops
    bench.engine.undo("r", UnixMs(NOW))
    assert not bench.policy.stops(claimed, bench.ip1, TO, UnixMs(NOW))
