"""Mirrors angarium/mta/egress/standing.py."""

from typing import Any

import pytest

from angarium.config.schema import Rule
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.source_health import SITES, SourceHealth
from angarium.mta.egress.standing import RuleStanding, SourceStanding
from angarium.queue import UnixMs
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from tests.mta.egress.fakes import DOWN, PATH
from tests.reputation.test_rule_engine import CEILINGS, NOW, heard

AFTER = "after '421 4.7.0 [TSS04] busy'"


def standing(**keys: Any) -> Narrowing:
    rule = Rule(name="r", match=("[TSS04]",), **{"duration_s": 7200, **keys})
    engine = RuleEngine(RuleBook([rule]))
    engine.hear(heard(), CEILINGS, NOW)
    (found,) = RuleStanding(engine).narrowings(NOW)
    return found


def test_a_suspension_of_a_source_stops_it_at_the_provider_until_it_ends() -> None:
    assert standing() == Narrowing(
        kind="rule",
        name="r",
        text=f"nothing is sent, {AFTER}",
        source="ip1",
        provider="yahoo",
        until=UnixMs(NOW + 7_200_000),
        suspends=True,
    )


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"actions": ("throttle",), "rate": "1/s"}, "1/s instead of 100/s"),
        ({"actions": ("connections",), "connections": 2}, "2 connections instead of 10"),
        (
            {"actions": ("messages_per_connection",), "messages_per_connection": 5},
            "5 messages per connection instead of 20",
        ),
        ({"actions": ("hold",)}, "held until it is undone"),
    ],
)
def test_what_an_action_does_is_told_with_the_reply_that_caused_it(
    keys: dict[str, Any], text: str
) -> None:
    assert standing(**keys).text == f"{text}, {AFTER}"


def test_a_throttle_of_a_source_is_a_rate_for_forecasts() -> None:
    found = standing(actions=("throttle",), rate="1/s")
    assert (found.messages_per_s, found.suspends) == (1.0, False)


def test_what_is_bound_to_a_tenant_stops_no_source() -> None:
    found = standing(scope="tenant")
    assert (found.source, found.scope, found.suspends) == ("", "tenant t1", False)
    assert standing(scope="tenant", actions=("throttle",)).messages_per_s is None


def test_a_source_that_is_out_is_told_with_its_probe() -> None:
    health = SourceHealth()
    for number in range(SITES):
        health.failed(PATH, f"s{number}", DOWN)
    (found,) = SourceStanding(health).narrowings(UnixMs(0))
    assert (found.kind, found.source, found.provider, found.suspends) == (
        *("source", "ip1", "", True),
    )
    assert found.text == "takes no mail, then it is probed: said the peer"
    assert found.until == health.outages()[0].until
