"""Mirrors angarium/reputation/slowing.py."""

import msgspec

from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import Mail, RuleBook
from angarium.reputation.rule_engine import RuleEngine, scope_text
from angarium.reputation.slowing import RULE, Slowing, slow

NOW = UnixMs(1_800_000_000_000)
HOUR = 3_600_000
WHY = "9 of 10000 recipients complained (0.09 %, the limit is 0.08 %)"
ACME = Slowing(tenant="acme", campaign="", provider="yahoo", rate="10/min", pause_s=3600.0, why=WHY)
MAIL = Mail(tenant="acme", sender_domain="acme.example", stream="bulk", campaign="spring")


def engine() -> RuleEngine:
    return RuleEngine(RuleBook(()), (RULE,))


def allowed(ours: RuleEngine, mail: Mail = MAIL, provider: str = "yahoo", at: int = NOW) -> float:
    """Return how many a minute; 0: as many as it likes."""
    found = ours.effects_on("ip1", mail, provider, UnixMs(at))
    assert all(each.action == "throttle" for each in found)
    return min((round(60 * each.allowed(UnixMs(at)), 3) for each in found), default=0)


def test_a_tenant_is_slowed_down_where_it_is_complained_of_and_says_why() -> None:
    ours = engine()
    slow(ours, ACME, NOW)
    assert allowed(ours) == 10
    assert allowed(ours, provider="gmail") == 0
    assert allowed(ours, msgspec.structs.replace(MAIL, tenant="other")) == 0
    (effect,) = ours.in_force(NOW)
    assert (effect.rule, scope_text(effect.reach), effect.reply) == (
        "complaint-breaker",
        "tenant acme at yahoo",
        WHY,
    )
    # Once more: longer and slower; then it comes back in steps
    slow(ours, ACME, UnixMs(NOW + HOUR // 2))
    assert allowed(ours, at=NOW + HOUR // 2) == 5
    assert [allowed(ours, at=NOW + each) for each in (HOUR, HOUR * 3 // 2)] == [5, 10]


def test_a_campaign_is_slowed_down_alone() -> None:
    ours = engine()
    slow(ours, msgspec.structs.replace(ACME, campaign="spring"), NOW)
    assert allowed(ours) == 10
    assert allowed(ours, msgspec.structs.replace(MAIL, campaign="summer")) == 0


def test_unlimited_slows_nobody_down() -> None:
    ours = engine()
    slow(ours, msgspec.structs.replace(ACME, rate="unlimited"), NOW)
    assert ours.in_force(NOW) == []


def test_it_outlives_a_restart_and_a_reload_of_the_rules_and_is_undone_by_name() -> None:
    before, ours = engine(), engine()
    slow(before, ACME, NOW)
    ours.restore(before.in_force(NOW), NOW)
    ours.exchange(RuleBook(()), NOW)
    assert allowed(ours) == 10
    assert len(ours.undo("complaint-breaker", NOW)) == 1
    assert allowed(ours) == 0
