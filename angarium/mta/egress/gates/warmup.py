"""The gate of warm-ups: what a source that is new may send, and who sends what exceeds it. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, assert_never

import msgspec

from angarium.config.schema import Provider
from angarium.mta.egress.gates.restraint import KnowsReplies
from angarium.mta.egress.narrowing import Allowance, Narrowing
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Failure, Outcome, Permanent, Taken, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import UnixMs
from angarium.reputation.health import Counts
from angarium.reputation.reply_rules import is_from_peer
from angarium.reputation.warmup import HOUR_MS, Hindrance
from angarium.reputation.warmups import Warmups
from angarium.routing.resolution import Site

# Until the next reservation is on disk: about a commit
RESERVING_MS: Final = 50
# A transaction takes at most this part of an hour, so that many share it
PART_OF_HOUR: Final = 10
# RFC 3463 section 3.3: the mailbox's state, which says nothing of the source
_MAILBOX: Final = "4.2."


class WarmupGate:
    """Each recipient counts as a message. ``reserve`` is called when more is to be reserved on disk."""

    def __init__(
        self,
        warmups: Warmups,
        reserve: Callable[[], None],
        rules: KnowsReplies | None = None,
    ) -> None:
        """``rules`` are told of each outcome before this gate is."""
        self._warmups = warmups
        self._reserve = reserve
        self._rules = rules

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        source, provider = path.source, traffic.provider
        warmup = self._warmups.find(source, provider, now)
        if warmup is None:
            return None
        hindrance = warmup.find_hindrance(traffic.recipients, now)
        match hindrance:
            case None:
                return None
            case Hindrance.UNWRITTEN:
                self._changed(path, provider)
                until = UnixMs(now + RESERVING_MS)
                return Wait(
                    until,
                    f"the next messages of the warm-up of {source} are being counted",
                    "warm_up",
                )
            case Hindrance.HOUR:
                text = (
                    f"the warm-up of {source} allows {warmup.cap} an hour at {provider}"
                    f" (day {warmup.day})"
                )
                return Wait(warmup.opens_at(now), text, "warm_up")
            case _:
                assert_never(hindrance)

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        warmup = self._warmups.find(path.source, traffic.provider, now)
        if warmup is not None:
            warmup.take(traffic.recipients, now)
            self._changed(path, traffic.provider)

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        cap = self._warmups.find_cap(path.source, provider.name)
        if cap is None or cap >= limits.recipients * PART_OF_HOUR:
            return limits
        return msgspec.structs.replace(limits, recipients=max(1, cap // PART_OF_HOUR))

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        self._hear(path, site, outcomes, now)

    def refused(self, path: EgressPath, site: Site, failure: Failure, now: UnixMs) -> None:
        """Hear that no host of the site took a connection: a provider may say so of a stranger before any mail."""
        self._hear(path, site, [failure], now)

    def complained(self, source: str, provider: str, now: UnixMs) -> None:
        """Hear of a recipient who complained of what the source had delivered."""
        warmup = self._warmups.find(source, provider, now)
        if warmup is not None:
            warmup.told(Counts(complained=1), now)
            self._warmups.touch(source, provider)
            self._reserve()

    def overflows(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> bool:
        """Say whether it is the hour of the warm-up that keeps the transaction waiting."""
        warmup = self._warmups.find(path.source, traffic.provider, now)
        return (
            warmup is not None and warmup.find_hindrance(traffic.recipients, now) is Hindrance.HOUR
        )

    def overflowed(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        """Hear that a smart host sends the transaction instead."""
        warmup = self._warmups.find(path.source, traffic.provider, now)
        if warmup is not None:
            warmup.overflow(traffic.recipients, now)
            self._warmups.touch(path.source, traffic.provider)

    def is_warm(self, path: EgressPath, provider: str) -> bool:
        return self._warmups.is_warm(path.source, provider)

    # --- mta.egress.narrowing.SaysNarrowings

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]:
        return [
            Narrowing(
                kind="warm_up",
                name=each.source,
                text=f"{each.hour_limit} an hour on day {each.day} of {each.days}, {each.hour_used} used",
                source=each.source,
                provider=each.provider,
                allowance=Allowance(
                    left=each.hour_limit - each.hour_used,
                    per_period=each.hour_limit,
                    renews_at=UnixMs((now // HOUR_MS + 1) * HOUR_MS),
                    period_ms=HOUR_MS,
                ),
            )
            for each in self._warmups.statuses(now)
            if each.hour_limit is not None
        ]

    def _hear(self, path: EgressPath, site: Site, outcomes: Sequence[Outcome], now: UnixMs) -> None:
        source, provider = path.source, site.provider.name
        warmup = self._warmups.find(source, provider, now)
        if warmup is None:
            return
        rules = self._rules
        if rules is not None:
            outcomes = [each for each in outcomes if _is_of_source(each, site, rules)]
        warmup.told(counts_of(outcomes), now)
        restraint = None if rules is None else rules.find_restraint(source, provider, now)
        if restraint is not None:
            warmup.restrained(restraint.text, now, is_suspended=restraint.is_suspension)
        self._changed(path, provider)

    def _changed(self, path: EgressPath, provider: str) -> None:
        self._warmups.touch(path.source, provider)
        self._reserve()


def _is_of_source(outcome: Outcome, site: Site, rules: KnowsReplies) -> bool:
    return isinstance(outcome, Taken) or rules.is_of_source(outcome.attempt, site)


def counts_of(outcomes: Sequence[Outcome]) -> Counts:
    """Return what outcomes say of the source: faults of ours, connections lost, greylisting and full mailboxes say
    nothing.
    """
    delivered = deferred = bounced = 0
    for outcome in outcomes:
        match outcome:
            case Taken():
                delivered += 1
            case Transient(attempt=attempt, greylisted=greylisted):
                is_theirs = is_from_peer(attempt) and not greylisted
                deferred += is_theirs and not attempt.enhanced.startswith(_MAILBOX)
            case Permanent(attempt=attempt):
                bounced += is_from_peer(attempt)
            case _:
                assert_never(outcome)
    return Counts(delivered=delivered, deferred=deferred, bounced=bounced)
