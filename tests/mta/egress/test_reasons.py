"""Mirrors angarium/mta/egress/reasons.py."""

import pytest

from angarium.mta.backlog import Lane
from angarium.mta.egress import reasons as module
from angarium.mta.egress.policy import Gate, Wait
from angarium.mta.egress.reasons import Reasons
from angarium.queue.model import UnixMs

NEWS = Lane(tenant="t", provider="gmail", stream="news")
RECEIPTS = Lane(tenant="t", provider="gmail", stream="receipts")
OTHER = Lane(tenant="u", provider="yahoo", stream="news")


def noted(*waits: tuple[Lane, str]) -> Reasons:
    reasons = Reasons()
    for at, (lane, reason) in enumerate(waits):
        reasons.note(lane, "ip1", Wait(UnixMs(at + 100), reason), UnixMs(at))
    return reasons


def test_the_last_reason_of_a_lane_is_kept() -> None:
    reasons = noted((NEWS, "first"), (RECEIPTS, "other"), (NEWS, "last"))
    news, receipts = reasons.reasons_of()
    assert (news.lane, news.reason, news.source) == (NEWS, "last", "ip1")
    assert (news.at, news.until) == (2, 102)
    assert receipts.reason == "other"


def test_lanes_are_found_by_what_is_known_of_them() -> None:
    reasons = noted((NEWS, "a"), (RECEIPTS, "b"), (OTHER, "c"))
    assert [each.reason for each in reasons.reasons_of(provider="gmail")] == ["b", "a"]
    assert [each.reason for each in reasons.reasons_of(stream="news", tenant="u")] == ["c"]
    assert reasons.reasons_of(tenant="nobody") == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:  # Invariant 8
    monkeypatch.setattr(module, "LANES", 2)
    reasons = noted((NEWS, "a"), (RECEIPTS, "b"), (NEWS, "again"), (OTHER, "c"))
    assert [each.reason for each in reasons.reasons_of()] == ["c", "again"]


def test_waits_are_counted_by_what_kept_them() -> None:
    reasons = Reasons()
    gates: tuple[Gate, ...] = ("rule", "warm_up", "rule")
    for gate in gates:
        reasons.note(NEWS, "ip1", Wait(UnixMs(100), "said", gate), UnixMs(0))
    assert reasons.counts == {"rule": 2, "warm_up": 1}
