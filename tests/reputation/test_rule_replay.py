"""Mirrors angarium/reputation/rule_replay.py."""

from angarium.config.schema import Rule
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import Heard
from angarium.reputation.rule_engine import Ceilings
from angarium.reputation.rule_replay import PastReply, Replay, RuleUse

CEILINGS = Ceilings(connections=10, messages_per_connection=20)
MINUTE = 60_000


def past(at: int, text: str, outcome: str = "deferred", code: int = 421) -> PastReply:
    heard = Heard(code=code, enhanced="", text=text, source="ip1", provider="yahoo")
    return PastReply(at=UnixMs(at), heard=heard, outcome=outcome)


def test_it_says_what_would_have_come_into_force_and_what_no_rule_fits() -> None:
    rules = (
        Rule(name="s", match=("busy",), count=2, duration_s=600, actions=("suspend", "retry")),
        Rule(name="unused", match=("never said",)),
    )
    asked = Replay(rules, CEILINGS)
    for each in (
        past(1 * MINUTE, "421 busy"),
        past(2 * MINUTE, "550 busy", "bounced", 550),
        past(3 * MINUTE, "250 ok", "delivered", 250),
        past(5 * MINUTE, "550 user a1@x.example unknown", "bounced", 550),
        past(30 * MINUTE, "550 user b2@x.example unknown", "bounced", 550),
        past(31 * MINUTE, "421 busy"),
    ):
        asked.hear(each)
    result = asked.result()
    assert (result.replies, result.first, result.last) == (5, MINUTE, 31 * MINUTE)
    assert result.rules == (RuleUse(rule="s", fitted=3, bounces_kept=1, came=1),)
    (came,) = result.came
    assert (came.effect.rule, came.effect.since, came.ended) == ("s", 2 * MINUTE, 12 * MINUTE)
    assert result.unmatched == (("550 user * unknown", 2),)


def test_what_is_in_force_at_the_end_has_no_end() -> None:
    asked = Replay((Rule(name="s", match=("busy",)),), CEILINGS)
    asked.hear(past(1, "421 busy"))
    asked.hear(past(2, "421 busy"))
    (came,) = asked.result().came
    assert (came.ended, came.effect.replies) == (None, 2)


def test_nothing_at_all_is_a_result_too() -> None:
    result = Replay((), CEILINGS).result()
    assert (result.replies, result.rules, result.came) == (0, (), ())
