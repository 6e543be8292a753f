"""Each gate says in words what mail waits for: that is what ``explain`` prints."""

from typing import Any

import msgspec
import pytest

from angarium.config.schema import Rule, Source, Warmup
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.warmup import WarmupGate
from angarium.mta.egress.policy import GO, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Scope, Transient
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.reputation.warmup import HOUR_MS
from angarium.reputation.warmups import Warmups
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import PATH, attempt, head, site, work

NOW = UnixMs(1_800_000_000_000 // HOUR_MS * HOUR_MS)
SOURCE = PATH.source


def policy(rule: Rule | None = None, warmup: Warmup | None = None) -> ShapingPolicy:
    pools = Pools((Source(name=SOURCE),), (), Routing((), (), 25), "mx.example")
    rules = None if rule is None else RuleGate(RuleEngine(RuleBook([rule])))
    warmups = Warmups([] if warmup is None else [warmup], {}, lambda _: True, NOW)
    return ShapingPolicy(pools, rules=rules, warmup=WarmupGate(warmups, lambda: None))


def traffic(**limits: Any) -> Traffic:
    return traffic_of(Group([head(1)]), site(**limits))


def waits(asked: ShapingPolicy, of: Traffic) -> str:
    verdict = asked.admit(of, PATH, NOW)
    assert isinstance(verdict, Wait)
    assert verdict.until > NOW
    return verdict.reason


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"message_rate": "1/min"}, "the message_rate of p is 1/min"),
        ({"tenant_message_rate": "1/h"}, "the tenant_message_rate of p is 1/h"),
        ({"tenant_connections": 1}, "the tenant_connections of p are 1"),
    ],
)
def test_limits_of_the_configuration(limits: dict[str, Any], words: str) -> None:
    asked, of = policy(), traffic(**limits)
    while asked.admit(of, PATH, NOW) is GO:
        pass
    assert waits(asked, of) == words


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("suspend", "the rule r suspends source ip1 at p: 421 4.7.0 busy"),
        ("hold", "the rule r holds source ip1 at p: 421 4.7.0 busy"),
        ("throttle", "the rule r slows down source ip1 at p: 421 4.7.0 busy"),
    ],
)
def test_rules_with_the_reply_that_caused_them(action: Any, words: str) -> None:
    asked = policy(Rule(name="r", match=("busy",), actions=(action,), rate="1/min"))
    of = traffic()
    assert asked.admit(of, PATH, NOW) is GO
    made = msgspec.structs.replace(attempt(421, "4.7.0", "mail"), text="421 4.7.0 busy")
    busy = Transient(made, Scope.SESSION)
    asked.told(PATH, site(), work(), [busy], NOW)
    if action == "throttle":
        assert asked.admit(of, PATH, NOW) is GO  # the first one that is paced
    assert waits(asked, of) == words


def test_a_warm_up_whose_next_messages_are_not_on_disk_yet() -> None:
    asked = policy(warmup=Warmup(source=SOURCE, messages_per_hour=(20, 30)))
    assert waits(asked, traffic()) == "the next messages of the warm-up of ip1 are being counted"
