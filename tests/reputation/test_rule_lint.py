"""Mirrors angarium/reputation/rule_lint.py: the dead rules that were seen in files that others shipped."""

from typing import Any

from angarium.config.rules import all_rules
from angarium.config.schema import Config, Provider, Rule, Rules, Server
from angarium.reputation.rule_lint import lint


def found(*rules: Rule, providers: tuple[Provider, ...] = ()) -> list[tuple[str, str]]:
    config = Config(
        server=Server(hostname="mx.sender.example"),
        rules=Rules(shipped=False),
        rule=rules,
        provider=providers,
    )
    return [(each.rule, each.kind) for each in lint(config, all_rules(config))]


def rule(name: str, *match: str, **more: Any) -> Rule:
    return Rule(name=name, match=match, **more)


def test_the_shipped_rules_have_nothing_dead_among_them() -> None:
    config = Config(server=Server(hostname="mx.sender.example"))
    assert lint(config, all_rules(config)) == []


def test_a_rule_of_a_provider_that_is_nobodys_never_fires() -> None:
    nobodys = Provider(name="mine")
    assert found(rule("r", "busy", providers=("mine",)), providers=(nobodys,)) == [
        ("r", "provider_matches_nothing")
    ]


def test_a_rule_of_a_provider_that_is_not_there_never_fires() -> None:
    assert found(rule("r", "busy", providers=("gmial",))) == [("r", "no_such_provider")]
    assert found(rule("r", "busy", providers=("gmail", "mx.example.org"))) == []


def test_a_suffix_that_ends_in_a_dot_is_told() -> None:
    dotted = Provider(name="mine", mx_suffixes=(".example.net.",))
    assert found(providers=(dotted,)) == [("mine", "provider_matches_nothing")]


def test_an_escaped_regular_expression_is_in_no_reply() -> None:
    for pattern in (r"\[TSS04\]", r"\\[TSS04\\]", r"4\.7\.0", "rate.*limit", "a\tb"):
        assert found(rule("r", pattern)) == [("r", "never_in_a_reply")], pattern


def test_an_immediate_rule_before_one_with_a_threshold_hides_it() -> None:
    base = rule("base", "temporarily deferred")
    thresholded = rule("slow", "[TS02]*temporarily deferred", count=3)
    assert found(base, thresholded) == [("slow", "shadowed")]
    assert found(thresholded, base) == []


def test_what_an_earlier_rule_leaves_is_not_hidden() -> None:
    late = rule("late", "busy", codes=(421, 451))
    assert found(rule("early", "busy", codes=(421,)), late) == []
    assert found(rule("early", "busy", codes=(421, 451, 450)), late) == [("late", "shadowed")]
    assert found(rule("early", "busy", providers=("gmail",)), late) == []
    assert found(rule("early", "busy", enabled=False), late) == []
    assert found(rule("early", codes=(421, 451)), late) == [("late", "shadowed")]
    assert found(rule("early", "{lazy|busy}"), late) == [("late", "shadowed")]


def test_one_of_a_provider_is_asked_before_one_of_any_wherever_it_stands() -> None:
    any_, own = rule("any", "busy"), rule("own", "busy", providers=("gmail",))
    assert found(any_, own) == []
    assert found(own, rule("other", "busy", providers=("gmail",))) == [("other", "shadowed")]
