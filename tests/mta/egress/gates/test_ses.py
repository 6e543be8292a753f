"""Mirrors angarium/mta/egress/gates/ses.py: nothing that leaves by SES exceeds its rate and its quota."""

from typing import Any

import msgspec
import pytest

from angarium.mta.egress.gates.ses import DAY_MS, SesGate
from angarium.mta.egress.policy import Go, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Outcome, Scope, Taken, Transient
from angarium.queue.destination import SES
from angarium.queue.model import UnixMs
from angarium.reputation.ses_quota import FIRST_PAUSE_MS, Reading, SesQuota
from angarium.routing.resolution import Site, SiteName
from angarium.routing.routing import Routing
from tests.mta.egress.fakes import PATH, attempt, head, site, work

START = UnixMs(1_700_000_000_000)


def ses_site() -> Site:
    usual = site(connections=20, recipients_per_message=100)
    provider = msgspec.structs.replace(usual.provider, name=SES)
    return msgspec.structs.replace(usual, name=SiteName(SES), provider=provider, via=SES)


def traffic(recipients: int = 1, to: Site | None = None) -> Traffic:
    return traffic_of(Group([head(1, index) for index in range(recipients)]), to or ses_site())


class Asked:
    """A policy with the gate of an account that has been read."""

    def __init__(self, **reading: Any) -> None:
        self.quota = SesQuota()
        self.gate = SesGate(self.quota)
        self.gate.connections = 5
        pools = Pools((), (), Routing((), (), 25), "mx.example")
        self.policy = ShapingPolicy(pools, [self.gate])
        self.read(**reading)

    def read(self, now: int = START, **reading: Any) -> None:
        self.quota.read(Reading(**{"per_day": 1_000, "sent": 0, "per_second": 10, **reading}), now)

    def told(self, outcome: Outcome, now: UnixMs) -> None:
        self.policy.told(PATH, ses_site(), work(), [outcome], now)


def throttled() -> Transient:
    return Transient(attempt(454, "4.7.0"), Scope.MESSAGE)


@pytest.mark.parametrize("recipients", [1, 3, 10])
def test_within_any_second_no_more_recipients_than_its_rate_are_sent_to(recipients: int) -> None:
    asked, sent = Asked(), list[tuple[int, int]]()
    for now in range(START, START + 5_000, 10):
        if isinstance(asked.policy.admit(traffic(recipients), PATH, UnixMs(now)), Go):
            sent.append((now, recipients))
    for at, _ in sent:
        # The first call may be as large as the rate itself
        assert sum(n for t, n in sent if at <= t < at + 1_000) <= 10 + recipients
    assert 40 <= sum(n for _, n in sent) <= 50 + recipients


def test_when_the_quota_is_used_mail_waits_for_the_next_reading() -> None:
    asked = Asked(per_day=100, sent=97)
    assert isinstance(asked.policy.admit(traffic(2), PATH, START), Go)
    verdict = asked.policy.admit(traffic(2), PATH, UnixMs(START + 10_000))
    assert isinstance(verdict, Wait)
    assert "100 recipients in 24 hours" in verdict.reason
    asked.read(now=START + 60_000, per_day=100, sent=50)
    assert isinstance(asked.policy.admit(traffic(2), PATH, UnixMs(START + 60_000)), Go)


def test_a_transaction_has_no_more_recipients_than_a_call_the_rate_and_the_quota_allow() -> None:
    for reading, recipients in (
        ({"per_second": 200}, 50),
        ({"per_second": 14}, 14),
        ({"per_second": 0.2}, 1),
        ({"per_second": 200, "per_day": 100, "sent": 98}, 2),
    ):
        limits = Asked(**reading).policy.limits(PATH, ses_site().provider)
        assert (limits.recipients, limits.connections) == (recipients, 5)


def test_before_the_quota_is_known_nothing_leaves_and_the_reason_says_so() -> None:
    quota = SesQuota()
    gate = SesGate(quota)
    gate.not_read = "AccessDeniedException"
    verdict = gate.find_wait(traffic(), PATH, START)
    assert verdict is not None
    assert "AccessDeniedException" in verdict.reason
    assert gate.find_wait(traffic(to=site()), PATH, START) is None


def test_an_account_that_may_not_send_waits() -> None:
    verdict = Asked(is_enabled=False).policy.admit(traffic(), PATH, START)
    assert isinstance(verdict, Wait)
    assert "may not send" in verdict.reason


def test_a_call_that_was_throttled_keeps_the_others_waiting_and_is_forgotten_by_one_that_is_taken() -> (
    None
):
    asked = Asked()
    asked.told(throttled(), START)
    assert isinstance(asked.policy.admit(traffic(), PATH, START), Wait)
    later = UnixMs(START + FIRST_PAUSE_MS)
    assert isinstance(asked.policy.admit(traffic(), PATH, later), Go)
    asked.told(throttled(), later)
    assert asked.quota.paused_until == later + 2 * FIRST_PAUSE_MS
    asked.told(Taken(attempt()), later)
    asked.told(throttled(), UnixMs(asked.quota.paused_until))
    assert asked.quota.paused_until == later + 3 * FIRST_PAUSE_MS


def test_other_refusals_are_not_throttling() -> None:
    asked = Asked()
    asked.told(Transient(attempt(454, "4.7.0"), Scope.SITE), START)
    asked.told(Transient(attempt(451, "4.3.0"), Scope.MESSAGE), START)
    assert isinstance(asked.policy.admit(traffic(), PATH, START), Go)


def test_operators_see_what_is_used() -> None:
    asked = Asked(per_day=100, sent=60)
    asked.quota.take(7, START)
    (narrowing,) = asked.gate.narrowings(START)
    assert "67 of 100 in 24 hours are used; 10 recipients a second" in narrowing.text
    assert narrowing.allowance is not None
    assert (narrowing.allowance.left, narrowing.allowance.period_ms) == (33, DAY_MS)
