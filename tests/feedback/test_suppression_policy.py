"""Mirrors angarium/feedback/suppression_policy.py and queue/trouble.py."""

import pytest

from angarium.feedback import suppression_policy as policy
from angarium.feedback.classes import BounceClass, verdict_of
from angarium.queue import Attempt, MessageId, UnixMs
from angarium.queue.suppressions import EVERYBODY, Scope
from angarium.queue.trouble import Trouble

AT = 1_800_000_000_000
DAY = 86_400_000
ONE, TWO = MessageId(bytes(15) + b"\1"), MessageId(bytes(15) + b"\2")


def attempt(code: int, stage: str) -> Attempt:
    return Attempt(
        at=UnixMs(AT),
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=code,
        enhanced="",
        text="",
        tls="",
        stage=stage,
    )


@pytest.mark.parametrize(
    ("stage", "at_once"),
    [
        *(("rcpt", True), ("data", True), ("final_dot", True), ("resolve", True)),
        # the host speaks of itself, or of us, whatever its words
        *(("banner", False), ("ehlo", False), ("starttls", False), ("auth", False)),
        *(("mail", False), ("connect", False), ("", False), ("internal", False)),
    ],
)
def test_only_what_is_said_of_a_recipient_suppresses_it(stage: str, at_once: bool) -> None:
    unknown = verdict_of(BounceClass.USER_UNKNOWN)
    assert policy.suppresses_at_once(attempt(550, stage), unknown) is at_once
    full = verdict_of(BounceClass.MAILBOX_FULL)
    assert not policy.suppresses_at_once(attempt(552, stage), full)
    assert policy.counts(attempt(552, stage), full, expired=False) is at_once


@pytest.mark.parametrize("bounce_class", list(BounceClass))
def test_what_is_ours_or_the_messages_fault_never_suppresses(bounce_class: BounceClass) -> None:
    verdict = verdict_of(bounce_class)
    hard, soft = verdict.effect == "suppress", verdict.effect == "retry"
    said = attempt(550, "rcpt")
    assert policy.suppresses_at_once(said, verdict) is hard
    assert policy.counts(said, verdict, expired=False) is soft
    # told for now until it expired: no more than a failure
    assert policy.counts(said, verdict, expired=True) is (hard or soft)
    assert not policy.counts(attempt(0, "connect"), verdict, expired=True)


def fail(trouble: Trouble | None, at: int, message_id: MessageId = ONE) -> Trouble:
    after = policy.failed(trouble, UnixMs(at), message_id)
    assert after is not None
    return after


def test_the_fifth_failure_on_a_fifth_day_rests_the_address_for_a_week() -> None:
    trouble = None
    for day in range(5):
        trouble = fail(trouble, AT + day * DAY)
        assert trouble.failures == day + 1
        assert policy.rest_ms(trouble) == (7 * DAY if day == 4 else None)


def test_each_further_failure_rests_it_for_twice_as_long_up_to_a_limit() -> None:
    trouble = None
    rests = []
    for number in range(10):
        trouble = fail(trouble, AT + number * 100 * DAY)
        if (rest := policy.rest_ms(trouble)) is not None:
            rests.append(rest // DAY)
            trouble = policy.rested(trouble)
    assert rests == [7, 14, 28, 56, 90, 90]


def test_a_day_has_one_failure_however_many_messages_fail() -> None:
    first = fail(None, AT)
    assert policy.failed(first, UnixMs(AT), ONE) is None  # the same, told again
    assert policy.failed(first, UnixMs(AT + 20 * 3_600_000 - 1), TWO) is None
    assert policy.failed(first, UnixMs(AT - 5), TWO) is None  # an older one, told again
    assert fail(first, AT + 20 * 3_600_000).failures == 2


def test_a_delivery_in_between_begins_anew() -> None:
    trouble = Trouble(failures=4, last_at=UnixMs(AT), level=2)
    over = policy.delivered(trouble, UnixMs(AT + 1), ONE)
    assert over is not None
    assert policy.delivered(over, UnixMs(AT + 2), TWO) is None  # nothing new
    assert fail(over, AT + DAY, TWO) == Trouble(failures=1, last_at=UnixMs(AT + DAY))
    # one from before the failure, told again, ends nothing
    assert policy.delivered(trouble, UnixMs(AT - 1), ONE) is None


def test_a_delivery_that_came_back_was_none() -> None:
    over = policy.delivered(Trouble(failures=4, last_at=UnixMs(AT)), UnixMs(AT + DAY), ONE)
    assert fail(over, AT + DAY + 1, ONE).failures == 5


def test_what_is_long_past_is_forgotten() -> None:
    trouble = Trouble(failures=4, last_at=UnixMs(AT), level=3)
    assert fail(trouble, AT + 180 * DAY) == Trouble(
        failures=5, last_at=UnixMs(AT + 180 * DAY), level=3
    )
    assert fail(trouble, AT + 180 * DAY + 1).failures == 1


def test_a_complaint_is_about_a_tenant_and_an_unsubscribe_about_its_stream() -> None:
    told = {"evidence": "e", "reference": "r"}
    at = UnixMs(AT)
    complaint = policy.complaint("a@b.example", "acme", at, **told)
    scope = policy.scope_to_leave("acme", "news", "")
    unsubscribe = policy.unsubscribe("a@b.example", scope, at, **told)
    hard = policy.hard_bounce("a@b.example", "user_unknown", at, **told)
    soft = policy.resting("a@b.example", "mailbox_full", at, 5, **told)
    assert complaint.scope == Scope(tenant="acme")
    assert unsubscribe.scope == Scope(tenant="acme", stream="news")
    assert policy.scope_to_leave("acme", "news", "offers") == Scope(tenant="acme", topic="offers")
    assert (hard.scope, soft.scope) == (EVERYBODY, EVERYBODY)
    assert [each.expires_at for each in (complaint, unsubscribe, hard, soft)] == [
        *(None, None, None, AT + 5)
    ]
    assert [each.reason for each in (complaint, unsubscribe, hard, soft)] == [
        *("complaint", "unsubscribe", "user_unknown", "mailbox_full")
    ]
