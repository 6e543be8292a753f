"""Mirrors angarium/reputation/probation.py."""

import pytest

from angarium.queue.model import UnixMs
from angarium.reputation import probation
from angarium.reputation.probation import ANSWER_MS, KEPT_MS, Probation
from angarium.reputation.reply_rules import Reach

END = UnixMs(1_000_000)
SHOP = Reach("shop.example", "sender_domain", "p")


def after(ms: int) -> UnixMs:
    return UnixMs(END + ms)


def on_trial() -> Probation:
    made = Probation()
    made.begin(SHOP, "r", END)
    return made


def test_prb1_one_is_under_way_until_it_is_answered() -> None:
    ours = on_trial()
    assert ours.find_wait(SHOP, END) is None
    ours.goes(SHOP, END)
    assert ours.find_wait(SHOP, after(5)) == (after(ANSWER_MS), "r")
    assert ours.find_wait(Reach("other.example", "sender_domain", "p"), after(5)) is None
    ours.answered(SHOP, after(6), is_taken=False)
    assert ours.find_wait(SHOP, after(7)) is None
    ours.goes(SHOP, after(7))
    assert ours.find_wait(SHOP, after(8)) is not None
    ours.answered(SHOP, after(9), is_taken=True)
    ours.goes(SHOP, after(10))
    assert ours.find_wait(SHOP, after(11)) is None
    assert not ours.has_any("p")


def test_prb1_one_that_is_never_answered_keeps_the_others_for_a_minute() -> None:
    ours = on_trial()
    ours.goes(SHOP, END)
    assert ours.find_wait(SHOP, after(ANSWER_MS - 1)) is not None
    assert ours.find_wait(SHOP, after(ANSWER_MS)) is None
    assert ours.find_wait(SHOP, after(-1)) is None  # the clock was set back


def test_what_is_answered_before_the_suspension_is_over_ends_nothing() -> None:
    ours = on_trial()
    ours.answered(SHOP, after(-1), is_taken=True)
    assert ours.has_any("p")


def test_of_two_suspensions_the_longer_one_counts() -> None:
    ours = on_trial()
    ours.begin(SHOP, "other", after(-500))
    ours.answered(SHOP, after(-1), is_taken=True)
    ours.goes(SHOP, END)
    assert ours.find_wait(SHOP, after(1)) == (after(ANSWER_MS), "other")
    ours.forget(SHOP)
    assert not ours.has_any("p")


def test_who_sends_nothing_for_a_day_is_tried_like_anybody() -> None:
    ours = on_trial()
    ours.goes(SHOP, after(KEPT_MS - 1))
    assert ours.find_wait(SHOP, after(KEPT_MS - 1)) is not None
    assert ours.find_wait(SHOP, after(KEPT_MS)) is None
    assert not ours.has_any("p")


def test_prb2_of_too_many_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probation, "LIMIT", 2)
    ours = on_trial()
    for provider in ("q", "r"):
        ours.begin(Reach("t", "tenant", provider), "r", END)
    assert [ours.has_any(each) for each in "pqr"] == [False, True, True]
