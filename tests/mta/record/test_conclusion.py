"""Mirrors angarium/mta/record/conclusion.py."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from angarium.config.schema import Delivery, Provider
from angarium.mta.dsn import RecipientReport
from angarium.mta.egress.work import Work
from angarium.mta.record.conclusion import SPREAD, Concluded, Conclusion
from angarium.mta.record.delay_notices import PER_HOUR
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.transport.outcome import (
    Outcome,
    Permanent,
    Scope,
    Taken,
    Transient,
    with_provider,
)
from angarium.queue import (
    Attempt,
    Claimed,
    ClaimedMessage,
    Deferred,
    DeliveryId,
    Done,
    MessageId,
    Origin,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.smtp.envelope import Envelope, Notify

NOW = UnixMs(1_800_000_000_000)
MINUTE_MS = 60_000
NEVER = UnixMs(0)  # as a time before which nothing is tried
MESSAGE_ID = MessageId(b"\1" * 16)
SCHEDULE = Delivery(
    retry_s=(60, 600), greylist_retry_s=(30,), retry_jitter=0, delay_dsn_after_s=7200
)


def attempt(stage: str = "rcpt", code: int = 0) -> Attempt:
    return Attempt(
        at=NOW,
        host="mx.there.test",
        address="192.0.2.1",
        source="default",
        code=code,
        enhanced="",
        text="what it said",
        tls="",
        stage=stage,
    )


TAKEN = Taken(attempt("final_dot", 250))
LATER = Transient(attempt("rcpt", 451), Scope.RECIPIENT)
NEVER_EVER = Permanent(attempt("rcpt", 550), Scope.RECIPIENT)


def recipient(index: int = 0, **more: Any) -> Claimed:
    values: dict[str, Any] = {
        "id": DeliveryId(MESSAGE_ID, index),
        "partition": PartitionNumber(0),
        "forward_path": f"r{index}@there.test",
        "domain": "there.test",
        "notify": None,
        "orcpt": None,
        "attempts": 0,
        "in_doubt": 0,
        "delay_dsn_sent": False,
        "last": None,
    }
    return Claimed(**(values | more))


def message(age_ms: int = 0, left_ms: int = 10_000 * MINUTE_MS) -> ClaimedMessage:
    return ClaimedMessage(
        message_id=MESSAGE_ID,
        tenant="default",
        stream="default",
        envelope=Envelope(reverse_path="a@sender.test", recipients=()),
        content=b"Subject: x\r\n\r\n",
        header_octets=14,
        has_dot_lines=False,
        header_from="sender.test",
        message_id_header="",
        accepted=UnixMs(NOW - age_ms),
        expires=UnixMs(NOW + left_ms),
        origin=Origin(kind="submission"),
        recipients=(),
    )


class Chance:
    """Always the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


class Bench:
    def __init__(self, chance: float = 0.5, dsn: Submission | None = None) -> None:
        self.told: list[list[tuple[int, str, bool]]] = []  # index, action, expired; a list per DSN
        self._dsn = dsn
        schedule = RetrySchedule(SCHEDULE, (), (Provider(name="slow", retry_s=(1800,)),))
        self._conclusion = Conclusion(schedule, self._notify, lambda: NOW, Chance(chance))

    def _notify(
        self, message: ClaimedMessage, reports: Sequence[RecipientReport]
    ) -> Submission | None:
        assert message.message_id == MESSAGE_ID
        self.told.append([(each.recipient.id.index, each.action, each.expired) for each in reports])
        return self._dsn

    def conclude(
        self,
        *outcomes: Outcome,
        about: ClaimedMessage | None = None,
        recipients: Sequence[Claimed] | None = None,
        final: bool = True,
        offers_dsn: bool = False,
        not_before: UnixMs = NEVER,
        attempted: bool = True,
    ) -> Concluded:
        everyone = recipients or [recipient(index) for index in range(len(outcomes))]
        return self._conclusion.conclude(
            Work(about or message(), tuple(everyone)),
            outcomes,
            final=final,
            offers_dsn=offers_dsn,
            not_before=not_before,
            attempted=attempted,
        )

    def deferred(self, failure: Transient, **more: Any) -> Deferred:
        (settlement,) = self.conclude(failure, **more).settled
        assert isinstance(settlement, Deferred)
        return settlement


def test_each_recipient_has_its_settlement_in_order() -> None:
    concluded = Bench().conclude(TAKEN, LATER, NEVER_EVER)
    assert [type(each) for each in concluded.settled] == [Done, Deferred, Done]
    assert [each.id.index for each in concluded.settled] == [0, 1, 2]


@pytest.mark.parametrize(("final", "outcome"), [(True, "delivered"), (False, "relayed")])
def test_what_a_smart_host_took_is_relayed_and_not_delivered(final: bool, outcome: str) -> None:
    (done,) = Bench().conclude(TAKEN, final=final).settled
    assert isinstance(done, Done)
    assert (done.outcome, done.attempt) == (outcome, TAKEN.attempt)


def test_a_permanent_refusal_bounces_and_is_told() -> None:
    bench = Bench()
    (done,) = bench.conclude(NEVER_EVER).settled
    assert isinstance(done, Done)
    assert (done.outcome, done.attempt) == ("bounced", NEVER_EVER.attempt)
    assert bench.told == [[(0, "failed", False)]]


def test_the_sender_gets_one_notification_of_all_recipients() -> None:
    bench = Bench()
    bench.conclude(NEVER_EVER, TAKEN, NEVER_EVER)
    assert bench.told == [[(0, "failed", False), (2, "failed", False)]]


def test_where_there_is_nothing_to_tell_nobody_is_asked_for_a_notification() -> None:
    bench = Bench()
    assert bench.conclude(TAKEN, LATER).submissions == []
    assert bench.told == []


def test_the_notification_is_of_the_same_unit_as_the_outcome() -> None:
    dsn: Any = object()
    assert Bench(dsn=dsn).conclude(NEVER_EVER).submissions == [dsn]
    assert Bench(dsn=None).conclude(NEVER_EVER).submissions == []


@pytest.mark.parametrize(
    ("notify", "offers_dsn", "is_told"),
    [(None, False, False), (Notify.SUCCESS, False, True), (Notify.SUCCESS, True, False)],
)
def test_a_success_is_told_where_the_next_host_does_not(
    notify: Notify | None, offers_dsn: bool, is_told: bool
) -> None:
    bench = Bench()
    bench.conclude(TAKEN, recipients=[recipient(notify=notify)], offers_dsn=offers_dsn)
    assert bench.told == ([[(0, "relayed", False)]] if is_told else [])


def test_a_transient_failure_waits_for_as_long_as_the_attempts_say() -> None:
    assert Bench().deferred(LATER).due == NOW + MINUTE_MS
    again = Bench().deferred(LATER, recipients=[recipient(attempts=1)])
    assert again.due == NOW + 10 * MINUTE_MS


def test_greylisting_has_a_schedule_of_its_own() -> None:
    greylisted = Transient(attempt("rcpt", 451), Scope.RECIPIENT, greylisted=True)
    settled = Bench().deferred(greylisted)
    assert (settled.due, settled.greylisted) == (NOW + 30_000, True)
    assert not Bench().deferred(LATER).greylisted


def test_who_has_no_time_left_expires_and_is_told_so() -> None:
    bench = Bench()
    (done,) = bench.conclude(LATER, about=message(left_ms=1000)).settled
    assert isinstance(done, Done)
    assert (done.outcome, done.attempt) == ("expired", LATER.attempt)
    assert bench.told == [[(0, "failed", True)]]


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_suspended_site_gets_its_recipients_back_spread_over_a_while(chance: float) -> None:
    not_before = UnixMs(NOW + 30 * MINUTE_MS)
    due = Bench(chance).deferred(LATER, not_before=not_before).due
    assert due == not_before + round(chance * SPREAD * 30 * MINUTE_MS)


def test_a_suspension_that_is_over_first_changes_nothing() -> None:
    assert Bench().deferred(LATER, not_before=UnixMs(NOW + 1000)).due == NOW + MINUTE_MS


def test_a_suspension_beyond_the_end_is_cut_there_so_that_one_more_attempt_is_made() -> None:
    about = message(left_ms=20 * MINUTE_MS)
    due = Bench().deferred(LATER, about=about, not_before=UnixMs(NOW + 60 * MINUTE_MS)).due
    assert due == about.expires


@pytest.mark.parametrize(
    ("stage", "code", "in_doubt"),
    [("final_dot", 0, True), ("final_dot", 451, False), ("data", 0, False)],
)
def test_only_silence_after_the_final_dot_is_in_doubt(
    stage: str, code: int, in_doubt: bool
) -> None:
    failure = Transient(attempt(stage, code), Scope.SESSION)
    assert Bench().deferred(failure).in_doubt is in_doubt


@pytest.mark.parametrize(
    ("age_ms", "sent", "is_told"),
    [(7_199_999, False, False), (7_200_000, False, True), (9_999_999, True, False)],
)
def test_a_delay_is_told_once(age_ms: int, sent: bool, is_told: bool) -> None:
    bench = Bench()
    settlement = bench.deferred(
        LATER, about=message(age_ms=age_ms), recipients=[recipient(delay_dsn_sent=sent)]
    )
    assert settlement.delay_dsn_sent is is_told
    assert bench.told == ([[(0, "delayed", False)]] if is_told else [])


def test_delays_count_from_a_start_that_was_put_off() -> None:
    old = message(age_ms=9_999_999)
    bench = Bench()
    late = msgspec.structs.replace(old, not_before=UnixMs(NOW - 7_199_999))
    assert not bench.deferred(LATER, about=late).delay_dsn_sent
    later = msgspec.structs.replace(old, not_before=UnixMs(NOW - 7_200_000))
    assert bench.deferred(LATER, about=later).delay_dsn_sent
    # And the delay of what nobody tried: by its age
    known = {"attempted": False}
    assert bench.deferred(LATER, about=old, **known).due == NOW + 600_000
    begun = msgspec.structs.replace(old, not_before=UnixMs(NOW))
    assert bench.deferred(LATER, about=begun, **known).due == NOW + 60_000


def test_of_a_hundred_messages_for_a_dead_domain_one_is_told() -> None:
    bench = Bench()
    old = message(age_ms=7_200_000)
    two = [recipient(0), recipient(1), recipient(2, domain="elsewhere.test")]
    bench.conclude(LATER, LATER, LATER, about=old, recipients=two)
    assert bench.told == [[(index, "delayed", False) for index in range(3)]]
    for _ in range(99):
        assert bench.deferred(
            LATER, about=old
        ).delay_dsn_sent  # known, so that nothing is due any more
    assert len(bench.told) == 1
    asked = recipient(3, notify=Notify.DELAY)
    assert bench.deferred(LATER, about=old, recipients=[asked]).delay_dsn_sent
    assert bench.told[1:] == [[(3, "delayed", False)]]


def test_a_notice_beyond_the_limit_of_its_sender_may_come_later() -> None:
    bench = Bench()
    old = message(age_ms=7_200_000)
    sent = [
        bench.deferred(LATER, about=old, recipients=[recipient(n, domain=f"d{n}.test")])
        for n in range(PER_HOUR + 1)
    ]
    assert [each.delay_dsn_sent for each in sent] == [True] * PER_HOUR + [False]
    assert len(bench.told) == PER_HOUR


def test_what_was_not_attempted_waits_by_its_age_and_counts_nothing() -> None:
    aged = msgspec.structs.replace(message(), accepted=UnixMs(NOW - 400_000))
    deferred = Bench().deferred(LATER, about=aged, attempted=False)
    assert not deferred.attempted
    schedule = RetrySchedule(SCHEDULE)
    attempts = schedule.attempts_by_age(400_000)
    assert attempts > 1
    assert deferred.due == schedule.next_due(
        now=NOW, attempts=attempts, expires=aged.expires, greylisted=False, random=0.5
    )
    assert Bench().deferred(LATER, about=aged).attempted


def test_a_failure_with_delays_of_its_own_waits_by_them() -> None:
    own = msgspec.structs.replace(LATER, greylisted=True, retry_s=(900.0,))
    (settled,) = Bench().conclude(own).settled
    assert isinstance(settled, Deferred)
    assert settled.due == NOW + 15 * MINUTE_MS


@pytest.mark.parametrize("attempted", [True, False])
def test_what_a_provider_defers_waits_by_its_delays(*, attempted: bool) -> None:
    failure = with_provider(LATER, "slow")
    assert isinstance(failure, Transient)
    assert Bench().deferred(failure, attempted=attempted).due == NOW + 30 * MINUTE_MS
