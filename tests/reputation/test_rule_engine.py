"""Mirrors angarium/reputation/rule_engine.py and in_force.py."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.config.schema import Rule
from angarium.queue.model import Attempt, UnixMs
from angarium.reputation import rule_engine
from angarium.reputation.in_force import InForce
from angarium.reputation.reply_rules import Heard, Mail, Reach, RuleBook, is_from_peer
from angarium.reputation.rule_engine import Ceilings, RuleEngine, scope_text

CEILINGS = Ceilings(connections=10, messages_per_connection=20, rate=100.0)
MAIL = Mail(tenant="t1", sender_domain="sender.example", stream="bulk", campaign="spring")
HOUR, MINUTE = 3_600_000, 60_000
NOW = UnixMs(1_000_000_000)
AT_YAHOO = Reach("ip1", "source", "yahoo")


def engine(*rules: Rule) -> RuleEngine:
    return RuleEngine(RuleBook(rules))


def heard(text: str = "421 4.7.0 [TSS04] busy", **more: Any) -> Heard:
    usual = Heard(
        code=421,
        enhanced="4.7.0",
        text=text,
        source="ip1",
        provider="yahoo",
        tenant="t1",
        sender_domain="sender.example",
        stream="bulk",
        campaign="spring",
    )
    return msgspec.structs.replace(usual, **more)


def later(ms: int) -> UnixMs:
    return UnixMs(NOW + ms)


def said(engine: RuleEngine, now: UnixMs, text: str = "421 [TSS04] busy", **more: Any) -> None:
    engine.hear(heard(text, **more), CEILINGS, now)


SUSPEND = Rule(name="s", match=("[TSS04]",), duration_s=7200)
THROTTLE = Rule(
    name="t", match=("[TSS04]",), actions=("throttle",), rate="1/s", duration_s=600, recovery_s=60
)


def test_a_reply_puts_its_rule_in_force_for_its_time_and_says_why() -> None:
    ours = engine(SUSPEND)
    said(ours, NOW)
    (effect,) = ours.in_force(NOW)
    assert (effect.rule, effect.action, effect.reach) == ("s", "suspend", AT_YAHOO)
    assert (effect.since, effect.until, effect.ends) == (NOW, later(2 * HOUR), later(2 * HOUR))
    assert effect.reply == "421 [TSS04] busy"
    assert ours.effects_on("ip1", MAIL, "yahoo", later(2 * HOUR - 1)) == [effect]
    assert ours.effects_on("ip1", MAIL, "yahoo", later(2 * HOUR)) == []
    assert ours.effects_on("ip2", MAIL, "yahoo", NOW) == []  # another source
    assert ours.effects_on("ip1", MAIL, "gmail", NOW) == []  # another provider


@pytest.mark.parametrize(
    ("scope", "subject", "other"),
    [
        ("tenant", "t1", {"tenant": "t2"}),
        ("sender_domain", "sender.example", {"sender_domain": "other.example"}),
        ("stream", "bulk", {"stream": "transactional"}),
        ("campaign", "t1/spring", {"campaign": "autumn"}),
        ("campaign", "t1/spring", {"tenant": "t2"}),
    ],
)
def test_a_scope_binds_its_mail_by_any_source_and_nobody_elses(
    scope: Any, subject: str, other: dict[str, str]
) -> None:
    ours = engine(Rule(name="s", match=("[TSS04]",), scope=scope))
    said(ours, NOW)
    (effect,) = ours.effects_on("another-source", MAIL, "yahoo", NOW)
    assert effect.reach == Reach(subject, scope, "yahoo")
    fields = {each: getattr(MAIL, each) for each in MAIL.__struct_fields__}
    assert ours.effects_on("ip1", Mail(**{**fields, **other}), "yahoo", NOW) == []


def test_a_null_sender_has_no_domain_that_could_be_suspended() -> None:
    ours = engine(Rule(name="s", match=("[TSS04]",), scope="sender_domain"))
    said(ours, NOW, sender_domain="")
    assert ours.in_force(NOW) == []


def test_a_threshold_is_met_by_so_many_within_the_period_only() -> None:
    ours = engine(Rule(name="s", match=("[TSS04]",), count=3, period_s=3600))
    for at in (0, 1, HOUR + 2):
        said(ours, later(at))
    assert ours.in_force(later(HOUR + 2)) == []
    said(ours, later(HOUR + 3), source="ip2")  # counts for another source
    assert ours.in_force(later(HOUR + 3)) == []
    for at in (3, 4):
        said(ours, later(HOUR + at))
    assert [each.rule for each in ours.in_force(later(HOUR + 4))] == ["s"]


def test_the_providers_own_rule_comes_before_one_of_any() -> None:
    base = Rule(name="base", match=("busy",))
    own = Rule(name="own", match=("[TSS04]",), providers=("yahoo",))
    ours = engine(base, own)
    said(ours, NOW)
    said(ours, NOW, provider="gmail")
    assert {(each.rule, each.reach.provider) for each in ours.in_force(NOW)} == {
        ("own", "yahoo"),
        ("base", "gmail"),
    }


def test_a_graded_rule_comes_back_one_step_a_period_up_to_what_is_configured() -> None:
    ours = engine(THROTTLE)
    said(ours, NOW)
    (effect,) = ours.in_force(NOW)
    times = (0, 600_000 - 1, 600_000, 659_999, 660_000, 900_000)
    assert [effect.allowed(later(at)) for at in times] == [1, 1, 2, 2, 4, 64]
    assert effect.ends == later(960_000)  # 128 a second would be more than the 100 configured
    assert not effect.is_over(later(959_999))
    assert effect.is_over(later(960_000))


def test_it_goes_down_one_step_a_minute_at_most_and_never_below_its_floor() -> None:
    ours = engine(THROTTLE)
    for at in range(0, 30 * MINUTE, 1000):
        said(ours, later(at))
        (effect,) = ours.in_force(later(at))
        assert effect.number == max(1 / 8, 0.5 ** (at // MINUTE))
    assert effect.until == later(at + 600_000)


def test_a_number_that_is_no_narrower_than_what_is_configured_is_not_put_in_force() -> None:
    rule = Rule(name="c", match=("[TSS04]",), actions=("connections",), connections=10)
    ours = engine(rule)
    said(ours, NOW)
    assert ours.in_force(NOW) == []


def test_messages_per_connection_are_halved_where_no_number_is_given() -> None:
    ours = engine(Rule(name="m", match=("[TSS04]",), actions=("messages_per_connection",)))
    said(ours, NOW)
    assert [each.number for each in ours.in_force(NOW)] == [10]


def test_a_hold_lasts_until_it_is_undone() -> None:
    ours = engine(Rule(name="h", match=("[TSS04]",), actions=("hold",), scope="tenant"))
    said(ours, NOW)
    ten_years = later(10 * 365 * 24 * HOUR)
    ours.expire(ten_years)
    assert [each.ends for each in ours.in_force(ten_years)] == [None]
    assert ours.undo("h", ten_years)
    assert ours.in_force(ten_years) == []


def test_undo_ends_one_scope_or_all_of_the_name() -> None:
    other = Rule(name="other", match=("busy",), providers=("gmail",))
    ours = engine(other, SUSPEND)
    said(ours, NOW)
    said(ours, NOW, source="ip2")
    said(ours, NOW, provider="gmail")
    undone = ours.undo("s", NOW, scope=scope_text(AT_YAHOO))
    assert [each.reach for each in undone] == [AT_YAHOO]
    assert len(ours.in_force(NOW)) == 2
    assert [each.reach.subject for each in ours.undo("s", NOW)] == ["ip2"]
    assert [each.rule for each in ours.in_force(NOW)] == ["other"]


def test_shares_throttle_and_suspend_only_with_enough_messages() -> None:
    rules = (
        Rule(name="stop", sweep="bounces", percent=10, at_least=2000, duration_s=14_400),
        Rule(name="slow", sweep="bounces", percent=3, at_least=2000, actions=("throttle",)),
    )

    def rule_at(delivered: int, bounced: int) -> list[tuple[str, str]]:
        ours = engine(*rules)
        ours.sent("ip1", "yahoo", delivered=delivered, bounced=bounced, ceilings=CEILINGS, now=NOW)
        return [(each.rule, each.reply) for each in ours.in_force(NOW)]

    assert rule_at(1799, 200) == []
    assert rule_at(1800, 200) == [("stop", "200 bounces of 2000 messages")]
    assert rule_at(1801, 199) == [("slow", "199 bounces of 2000 messages")]
    assert rule_at(1940, 60) == [("slow", "60 bounces of 2000 messages")]
    assert rule_at(1941, 59) == []


def test_complaints_have_a_share_of_what_was_delivered() -> None:
    ours = engine(Rule(name="c", sweep="complaints", percent=0.3, at_least=1000, period_s=86_400))
    for _ in range(3):
        ours.complained("ip1", "yahoo", NOW)
    ours.sent("ip1", "yahoo", delivered=1000, bounced=0, ceilings=CEILINGS, now=later(MINUTE))
    assert [each.rule for each in ours.in_force(later(MINUTE))] == ["c"]


def test_what_was_acted_upon_is_no_evidence_a_second_time() -> None:
    ours = engine(Rule(name="stop", sweep="bounces", percent=10, at_least=100, duration_s=60))
    ours.sent("ip1", "yahoo", delivered=0, bounced=100, ceilings=CEILINGS, now=NOW)
    assert ours.in_force(NOW)
    ours.sent("ip1", "yahoo", delivered=1, bounced=0, ceilings=CEILINGS, now=later(2 * MINUTE))
    assert ours.in_force(later(2 * MINUTE)) == []


def test_what_was_in_force_is_again_after_a_restart_unless_its_rule_is_gone() -> None:
    before = engine(SUSPEND, Rule(name="gone", match=("other",)))
    said(before, NOW)
    said(before, NOW, text="other")
    after = engine(SUSPEND)
    after.restore(before.in_force(NOW), later(HOUR))
    assert [each.rule for each in after.in_force(later(HOUR))] == ["s"]
    assert [each.effect.rule for each in after.take_changes().ended] == ["gone"]


def test_a_reload_ends_what_is_in_force_by_a_rule_that_is_switched_off() -> None:
    ours = engine(SUSPEND)
    said(ours, NOW)
    ours.exchange(RuleBook((Rule(name="s", match=("[TSS04]",), enabled=False),)), NOW)
    assert ours.in_force(NOW) == []
    assert ours.effects_on("ip1", MAIL, "yahoo", NOW) == []


def test_changes_are_told_once_each() -> None:
    ours = engine(SUSPEND)
    said(ours, NOW)
    said(ours, later(1000))
    changes = ours.take_changes()
    assert ([each.replies for each in changes.began], changes.changed) == ([2], [])
    said(ours, later(2000))
    assert [each.replies for each in ours.take_changes().changed] == [3]
    ours.expire(later(3 * HOUR))
    assert [each.how for each in ours.take_changes().ended] == ["ended"]
    assert not ours.take_changes()
    said(ours, later(4 * HOUR))
    ours.undo("s", later(4 * HOUR), actor="ann")
    changes = ours.take_changes()  # one that nobody saw is told all the same
    assert [each.rule for each in changes.began] == ["s"]
    assert [(each.how, each.actor) for each in changes.ended] == [("undone", "ann")]


@pytest.mark.parametrize(
    ("code", "stage", "expected"),
    [
        (421, "mail", True),
        (550, "final_dot", True),
        (0, "final_dot", False),
        (451, "internal", False),
    ],
)
def test_our_own_words_are_not_a_peers(code: int, stage: Any, expected: bool) -> None:
    attempt = Attempt(
        at=NOW,
        host="",
        address="",
        source="ip1",
        code=code,
        enhanced="",
        text="",
        tls="",
        stage=stage,
    )
    assert is_from_peer(attempt) is expected


SOURCES = st.sampled_from(["ip1", "ip2", "ip3", "ip4"])
PROVIDERS = st.sampled_from(["yahoo", "gmail", "outlook"])
TEXTS = st.sampled_from(["421 [TSS04] busy", "421 slow down", "550 twice", "250 ok"])
STEPS = st.lists(
    st.tuples(st.integers(0, 40 * MINUTE), SOURCES, PROVIDERS, TEXTS, st.booleans()), max_size=60
)
RULES = (
    SUSPEND,
    Rule(
        name="g",
        match=("slow",),
        actions=("throttle", "connections", "messages_per_connection"),
        duration_s=300,
    ),
    Rule(name="two", match=("twice",), count=2, scope="tenant", actions=("suspend", "retry")),
)


@given(STEPS)
def test_never_more_is_in_force_than_the_bound_and_indexes_agree(
    steps: list[tuple[int, str, str, str, bool]],
) -> None:
    bound = 5
    was = rule_engine.IN_FORCE_LIMIT
    rule_engine.IN_FORCE_LIMIT = bound  # type: ignore[misc]
    try:
        ours, now = engine(*RULES), NOW
        for wait, source, provider, text, undoes in steps:
            now = UnixMs(now + wait)
            ours.hear(heard(text, source=source, provider=provider, code=421), CEILINGS, now)
            if undoes:
                ours.undo("s", now)
                assert all(each.rule != "s" for each in ours.in_force(now))  # RUE2
            found = ours.in_force(now)
            assert len(found) <= bound  # RUE1
            mail = [
                each
                for source in ("ip1", "ip2", "ip3", "ip4")
                for provider in ("yahoo", "gmail", "outlook")
                for each in ours.effects_on(source, MAIL, provider, now)
            ]
            assert {each.key for each in mail} == {each.key for each in found}
        for name in ("s", "g", "two"):
            ours.undo(name, now)
        assert ours.in_force(now) == []  # RUE2
        assert not any(ours.has_any(each) for each in ("yahoo", "gmail", "outlook"))
    finally:
        rule_engine.IN_FORCE_LIMIT = was  # type: ignore[misc]


@given(
    number=st.floats(0.01, 50),
    waits=st.lists(st.integers(0, 20 * MINUTE), max_size=30),
    recovery=st.integers(0, HOUR),
)
def test_recovery_never_falls_and_ends_at_the_ceiling(
    number: float, waits: list[int], recovery: int
) -> None:
    effect = InForce(
        rule="t",
        action="throttle",
        reach=AT_YAHOO,
        since=NOW,
        until=later(HOUR),
        changed=NOW,
        reply="x",
        number=number,
        floor=number / 8,
        ceiling=100.0,
        recovery_ms=recovery,
    )
    now, before = NOW, effect.allowed(NOW)
    for wait in waits:
        now = UnixMs(now + wait)
        allowed = effect.allowed(now)
        assert before <= allowed <= 100.0  # IF1
        before = allowed
    assert effect.ends is not None
    assert effect.is_over(effect.ends)
    assert recovery == 0 or not effect.is_over(UnixMs(effect.ends - 1))
    again = effect.met_again(UnixMs(now + HOUR), "x", now)
    assert again.floor <= again.allowed(now) <= max(effect.allowed(now), again.floor)


def test_undo_forgets_what_counted_towards_the_rule() -> None:
    ours = engine(Rule(name="s", match=("[TSS04]",), count=2))
    said(ours, NOW)
    ours.undo("s", NOW)  # RUE2
    said(ours, NOW)
    assert ours.in_force(NOW) == []
    said(ours, NOW)
    assert len(ours.in_force(NOW)) == 1


def test_of_too_many_that_are_counted_the_oldest_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_engine, "COUNTED_LIMIT", 3)
    ours = engine(Rule(name="s", match=("[TSS04]",), count=2))
    for source in ("ip1", "ip2", "ip3", "ip4"):
        said(ours, NOW, source=source)  # RUE1
    for source in ("ip4", "ip1"):
        said(ours, NOW, source=source)
    assert [each.reach.subject for each in ours.in_force(NOW)] == ["ip4"]
