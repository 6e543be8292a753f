"""Mirrors angarium/reputation/reply_rules.py and patterns.py: the shipped rules find what they are for."""

import time
from typing import Any

import msgspec
import pytest

from angarium.config.reply_texts import PatternError, expanded
from angarium.config.rules import all_rules
from angarium.config.schema import Config, Rule, Server
from angarium.reputation.patterns import MAX_SEARCHED, Patterns, covers, fold
from angarium.reputation.reply_rules import ReplyRule, RuleBook

CONFIG = Config(server=Server(hostname="mx.sender.example"))
SHIPPED = all_rules(CONFIG)
BOOK = RuleBook(SHIPPED)


@pytest.mark.parametrize(
    ("provider", "code", "enhanced", "text", "rule"),
    [
        ("yahoo", 421, "4.7.0", "[TS02] Messages temporarily deferred", "yahoo-ts02"),
        ("yahoo", 421, "4.7.1", "[TS03] All messages will be deferred", "yahoo-ts03"),
        (
            "yahoo",
            421,
            "4.7.0",
            "[TSS04] Messages from 192.0.2.1 temporarily deferred",
            "yahoo-ts04",
        ),
        ("yahoo", 421, "4.7.0", "[IPTS04] Messages temporarily deferred", "yahoo-ts04"),
        ("yahoo", 421, "4.7.0", "[TSS05] Messages", "yahoo-ts05"),
        ("yahoo", 553, "5.7.1", "553 5.7.1 [BL21] Connections not accepted", "yahoo-block-list"),
        ("yahoo", 421, "", "Max message per connection reached", "yahoo-messages"),
        ("gmail", 550, "5.7.28", "550 5.7.28 Our system has seen spam", "gmail-complaints"),
        ("gmail", 421, "4.7.28", "421 4.7.28 unusual rate of unsolicited mail", "gmail-rate"),
        ("gmail", 421, "4.7.28", "unusual rate ... from your DKIM domain [x]", "gmail-dkim-rate"),
        ("gmail", 550, "5.7.26", "This mail is unauthenticated", "gmail-authentication"),
        ("gmail", 450, "4.2.1", "is receiving mail at a rate that prevents", "gmail-mailbox-rate"),
        ("gmail", 550, "5.2.1", "is receiving mail at a rate that prevents", "gmail-mailbox-rate"),
        ("gmail", 550, "5.7.1", "Our system has detected that this message is", "gmail-unwanted"),
        ("outlook", 550, "5.7.515", "Access denied, sending domain", "microsoft-authentication"),
        (
            "office365",
            550,
            "5.7.1",
            "part of their network is on our block list (S3150)",
            "microsoft-block-list",
        ),
        (
            "outlook",
            451,
            "4.7.500",
            "Server busy. Please try again later from [x]",
            "microsoft-busy",
        ),
        ("outlook", 421, "4.3.2", "(IB007)", "microsoft-connections"),
        ("outlook", 421, "", "RP-001 (BAY) Unfortunately", "microsoft-reputation-rate"),
        ("outlook", 550, "", "OU-001 (COL) Unfortunately", "microsoft-policy"),
        ("apple", 421, "4.7.1", "[HCM1] Message from x deferred", "apple-hcm1"),
        ("apple", 554, "5.7.1", "[BS02] refused", "apple-bs02"),
        ("comcast", 421, "4.1.0", "x throttled: RL000005", "comcast-rate"),
        ("comcast", 421, "4.1.0", "domain: RL000010", "comcast-sender-domain"),
        ("comcast", 554, "5.7.1", "blocked: BL000010", "comcast-block-list"),
        ("gmx", 554, "5.7.1", "Reject due to policy restrictions", "gmx-policy-refusal"),
        ("gmx", 450, "4.7.0", "Reject due to policy restrictions", "gmx-policy"),
        ("orange", 421, "4.3.2", "Trop de connexions, veuillez", "orange-connections"),
        ("qq", 550, "5.7.1", "550 Ip frequency limited [x]", "qq-frequency"),
        ("qq", 550, "", "Domain Frequency Limited", "qq-frequency"),
        ("163", 550, "", "RP:ORQ x", "163-daily-limit"),
        ("mx.example", 421, "", "Temporarily rejected. Reason: x", "temporarily-rejected"),
        ("mx.example", 451, "4.7.1", "Greylisted, come back", "greylisting"),
        (
            "mx.example",
            421,
            "",
            "messages from 192.0.2.1 temporarily deferred",
            "temporarily-deferred",
        ),
        ("mx.example", 452, "", "Max messages per session", "messages-per-session"),
        ("mx.example", 550, "5.1.1", "user unknown", None),
        ("qq", 550, "5.1.1", "Mailbox unavailable", None),
        ("gmail", 452, "4.2.2", "The recipient's inbox is out of storage space", None),
        ("mx.example", 250, "2.0.0", "temporarily deferred", None),
    ],
)
def test_the_shipped_rules_find_what_providers_say(
    provider: str, code: int, enhanced: str, text: str, rule: str | None
) -> None:
    found = BOOK.find(provider=provider, code=code, enhanced=enhanced, text=text)
    assert (None if found is None else found.name) == rule


def test_a_reply_about_our_rate_or_name_that_is_for_ever_is_tried_again() -> None:
    """What a 550 of these says of the address is nothing."""
    for name in ("qq-frequency", "gmail-complaints", "gmail-rate", "gmail-authentication"):
        assert "retry" in BOOK.rules[name].actions, name


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.name)
@pytest.mark.parametrize("piece", ["a", " ", "<", "[", "unusual rate", "temporarily "])
def test_each_rule_is_quick_on_a_megabyte_of_anything(rule: Rule, piece: str) -> None:
    """C4: a bound by processor time that is a hundred times what it takes."""
    asked, text = ReplyRule(rule), (piece * 1_000_000)[:1_000_000]
    before = time.process_time()
    asked.fits(421, "4.7.0", fold(text))
    asked.fits(550, "5.7.1", fold(text))
    assert time.process_time() - before < 0.1
    assert len(fold(text)) == MAX_SEARCHED


def test_the_worst_pattern_is_quick_too() -> None:
    """C4"""
    worst = Patterns(
        ["*".join(["aaaaaaaaaaaab"] * 50), "{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}" + "c" * 40]
    )
    before = time.process_time()
    assert not worst.match(fold("a" * 1_000_000))
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("plain [x] (y)", ["plain [x] (y)"]),
        ("RP-00{1|2}", ["RP-001", "RP-002"]),
        ("{a|b} to {c|d}", ["a to c", "a to d", "b to c", "b to d"]),
        ("un{|usual} rate", ["un rate", "unusual rate"]),
    ],
)
def test_a_pattern_stands_for_texts(pattern: str, texts: list[str]) -> None:
    assert expanded(pattern) == texts


@pytest.mark.parametrize(
    "pattern", ["", "  ", "*", "{a|}", "a|b", r"4\.7", "x.*y", "{1|2|3}" * 4, "[0-9]"]
)
def test_what_cannot_be_meant_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        expanded(pattern)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("deferred", "[TS02] temporarily deferred", True),
        ("[TS02] temporarily deferred", "deferred", False),
        ("a*c", "xabcx", True),
        ("a*c", "a*b*c", True),
        ("c*a", "a*c", False),
        ("ab", "a*b", False),  # "a-b" has the second, not the first
        ("DEF", "def", True),
    ],
)
def test_one_pattern_covers_another(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected


def test_an_operators_rule_changes_a_shipped_one_key_by_key() -> None:
    changed = msgspec.structs.replace(BOOK.rules["yahoo-ts04"], duration_s=60.0)
    own = Rule(name="mine", match=("x",))
    rules = all_rules(msgspec.structs.replace(CONFIG, rule=(changed, own)))
    assert [each.name for each in rules] == ["mine", *(each.name for each in SHIPPED)]
    assert next(each for each in rules if each.name == "yahoo-ts04").duration_s == 60.0


def codes(**fields: Any) -> ReplyRule:
    return ReplyRule(Rule(name="x", **fields))


def test_all_that_a_rule_names_must_hold() -> None:
    asked = codes(match=("busy",), codes=(421,), enhanced=("4.7.0",))
    assert asked.fits(421, "4.7.0", "busy")
    assert not asked.fits(451, "4.7.0", "busy")
    assert not asked.fits(421, "4.7.1", "busy")
    assert not asked.fits(421, "4.7.0", "idle")
