"""What becomes of recipients after an attempt: done, or due again, and what the sender is told of it. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, Protocol, assert_never

from angarium.mta.dsn import RecipientReport
from angarium.mta.egress.work import Work
from angarium.mta.record.delay_notices import DelayNotices, Telling
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.transport.outcome import Outcome, Permanent, Suppressed, Taken, Transient
from angarium.queue import (
    Attempt,
    Claimed,
    ClaimedMessage,
    Deferred,
    Done,
    Settlement,
    Spared,
    Submission,
    UnixMs,
)

# Of the wait for a suspended site: its recipients do not all come back in the same instant.
SPREAD: Final = 0.1


class Chance(Protocol):
    """``random.Random`` is one."""

    def random(self) -> float: ...  # in [0, 1)


class Concluded(NamedTuple):
    """One atomic unit for the queue."""

    settled: list[Settlement]
    submissions: list[Submission]


class Conclusion:
    def __init__(
        self,
        schedule: RetrySchedule,
        notify: Callable[[ClaimedMessage, Sequence[RecipientReport]], Submission | None],
        clock: Callable[[], UnixMs],
        chance: Chance,
    ) -> None:
        """``notify`` writes the DSN about some recipients, None if nobody wants one."""
        self._schedule = schedule
        self._notify = notify
        self._clock = clock
        self._chance = chance
        self._delay_notices = DelayNotices()

    def conclude(
        self,
        work: Work,
        outcomes: Sequence[Outcome | Suppressed],
        *,
        final: bool,
        offers_dsn: bool,
        not_before: UnixMs,
        attempted: bool,
    ) -> Concluded:
        """Return what to record, one settlement per recipient in order.

        ``final``: a site that accepted is the recipient's own; else a smart host. ``offers_dsn``: it reports
        success itself (RFC 3461 section 4.1). Nobody is tried again before ``not_before``. Not ``attempted``: the
        outcomes say why nothing was tried; they wait as long as if it had been, and no attempt is counted.
        """
        now = self._clock()
        settled: list[Settlement] = []
        reports: list[RecipientReport] = []
        tellings: dict[str, Telling] = {}
        for recipient, outcome in zip(work.recipients, outcomes, strict=True):
            match outcome:
                case Taken(attempt=attempt):
                    settled.append(self._done(recipient, attempt, final))
                    # NOTIFY asked for is rare: the report's own rules look closer.
                    if recipient.notify and not offers_dsn:
                        reports.append(_report(recipient, "relayed", attempt))
                case Permanent(attempt=attempt):
                    settled.append(Done(id=recipient.id, outcome="bounced", attempt=attempt))
                    reports.append(_report(recipient, "failed", attempt))
                case Suppressed(attempt=attempt, cause=cause, scope=scope):
                    settled.append(
                        Spared(id=recipient.id, attempt=attempt, cause=cause, scope=scope)
                    )
                    reports.append(_report(recipient, "failed", attempt, suppressed=True))
                case Transient():
                    settled.append(
                        self._again(
                            work.message,
                            recipient,
                            outcome,
                            now,
                            not_before,
                            reports,
                            tellings,
                            attempted=attempted,
                        )
                    )
                case _:
                    assert_never(outcome)
        notification = self._notify(work.message, reports) if reports else None
        return Concluded(settled, [] if notification is None else [notification])

    def _done(self, recipient: Claimed, attempt: Attempt, final: bool) -> Done:
        outcome: Literal["delivered", "relayed"] = "delivered" if final else "relayed"
        return Done(id=recipient.id, outcome=outcome, attempt=attempt)

    def _again(
        self,
        message: ClaimedMessage,
        recipient: Claimed,
        failure: Transient,
        now: UnixMs,
        not_before: UnixMs,
        reports: list[RecipientReport],
        tellings: dict[str, Telling],
        *,
        attempted: bool,
    ) -> Settlement:
        attempts, provider = recipient.attempts + 1, failure.attempt.provider
        if not attempted:
            age_ms = now - message.started
            by_age = self._schedule.attempts_by_age(age_ms, message.stream, provider)
            attempts = max(attempts, by_age)
        due = self._schedule.next_due(
            now=now,
            attempts=attempts,
            expires=message.expires,
            greylisted=failure.greylisted,
            random=self._chance.random(),
            own=failure.retry_s,
            stream=message.stream,
            provider=provider,
        )
        if due is None:
            reports.append(_report(recipient, "failed", failure.attempt, expired=True))
            return Done(id=recipient.id, outcome="expired", attempt=failure.attempt)
        if due < not_before:
            spread = self._chance.random() * SPREAD * (not_before - now)
            due = UnixMs(min(not_before + round(spread), max(message.expires, now + 1)))
        attempt = failure.attempt
        told = self._schedule.delay_dsn_is_due(
            now=now, accepted=message.started, sent=recipient.delay_dsn_sent
        )
        if told:
            telling = self._telling(message, recipient, now, tellings)
            told = telling is not Telling.LATER
            if telling is Telling.NOW:
                reports.append(_report(recipient, "delayed", attempt))
        return Deferred(
            id=recipient.id,
            due=due,
            attempt=attempt,
            delay_dsn_sent=told,
            in_doubt=attempt.stage == "final_dot" and not attempt.code,
            attempted=attempted,
            greylisted=failure.greylisted,
        )

    def _telling(
        self,
        message: ClaimedMessage,
        recipient: Claimed,
        now: UnixMs,
        tellings: dict[str, Telling],
    ) -> Telling:
        """``tellings``: of this message's unasked ones, by domain; they share a notice."""
        sender = message.envelope.reverse_path
        if recipient.notify is not None:
            return self._delay_notices.telling(sender, recipient, now)
        if recipient.domain not in tellings:
            telling = self._delay_notices.telling(sender, recipient, now)
            tellings[recipient.domain] = telling
        return tellings[recipient.domain]


def _report(
    recipient: Claimed,
    action: Literal["failed", "delayed", "relayed"],
    attempt: Attempt,
    expired: bool = False,
    suppressed: bool = False,
) -> RecipientReport:
    return RecipientReport(
        recipient=recipient,
        action=action,
        attempt=attempt,
        expired=expired,
        suppressed=suppressed,
    )
