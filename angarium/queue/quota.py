"""Where a tenant's quotas have room for a message. Pure: times and counts are arguments. Periods are of UTC.

Recipients are counted once, when they are accepted: in the period of that moment, or in the one that they wait for.
"""

import calendar
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, get_args

import msgspec

from angarium.queue.model import Submission, UnixMs
from angarium.queue.terms import OverQuota, Quota, QuotaPeriod

PERIODS: Final[tuple[QuotaPeriod, ...]] = get_args(QuotaPeriod)
DAY_MS: Final = 86_400_000
_LENGTHS_MS: Final = {"second": 1000, "hour": 3_600_000, "day": DAY_MS}
# Ours: what would wait longer is refused; a quota of the month may be waited for
LONGEST_WAIT_MS: Final = 32 * DAY_MS
# Ours: each step goes to a later period, and a few suffice
_STEPS: Final = 100


class QuotaUse(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted in the present period. Nothing is counted in a period that has no limit."""

    period: QuotaPeriod
    used: int
    until: UnixMs  # when the next period begins


class QuotaCounts(Protocol):
    """A tenant's counts, as the transaction sees them."""

    def count(self, period: QuotaPeriod, start: UnixMs) -> int: ...

    def latest(self, period: QuotaPeriod) -> UnixMs | None:
        """Return when the last period begins in which something is counted."""
        ...


class QuotaPlan:
    """What a batch will count in which periods. Nothing is written here.

    Invariant QP1: no period gets more than its quota.
    """

    def __init__(self, quotas: Sequence[Quota], counts: QuotaCounts, now: UnixMs) -> None:
        self._quotas = quotas
        self._counts = counts
        self._now = now
        # By period and its start: the whole count, with what this batch adds
        self.changed: dict[tuple[QuotaPeriod, UnixMs], int] = {}
        self.latest = UnixMs(0)  # when the last of what waits is due; 0: nothing waits

    def take(self, recipients: int) -> OverQuota | None:
        """Count them now, or say which quota has no room: of several the one whose next period is the last to begin."""
        full = [each for each in self._quotas if not self._has_room(each, self._now, recipients)]
        if full:
            never = [each for each in full if recipients > each.limit]
            worst = max(never or full, key=lambda each: next_start(each.period, self._now))
            until = next_start(worst.period, self._now)
            return OverQuota(quota=worst, until=until, too_many=bool(never))
        self._count(self._now, recipients)
        return None

    def take_later(self, recipients: int) -> UnixMs | OverQuota:
        """Count them in the first periods that have room behind all that waits already; returns when they begin.

        0 where there is room now.
        """
        over = self.take(recipients)
        if over is None:
            return UnixMs(0)
        if over.too_many:
            return over
        at = max([self._now, *(self._latest(each.period) or 0 for each in self._quotas)])
        for _ in range(_STEPS):
            full = [
                each for each in self._quotas if not self._has_room(each, UnixMs(at), recipients)
            ]
            if not full:
                self._count(UnixMs(at), recipients)
                self.latest = UnixMs(max(self.latest, at))
                return UnixMs(at)
            at = max(next_start(each.period, UnixMs(at)) for each in full)
            if at > self._now + LONGEST_WAIT_MS:
                break
        return over

    def _has_room(self, quota: Quota, at: UnixMs, recipients: int) -> bool:
        return self._counted(quota.period, at) + recipients <= quota.limit  # QP1

    def _counted(self, period: QuotaPeriod, at: UnixMs) -> int:
        start = period_start(period, at)
        known = self.changed.get((period, start))
        return self._counts.count(period, start) if known is None else known

    def _count(self, at: UnixMs, recipients: int) -> None:
        for quota in self._quotas:
            start = period_start(quota.period, at)
            self.changed[quota.period, start] = self._counted(quota.period, at) + recipients

    def _latest(self, period: QuotaPeriod) -> UnixMs | None:
        ours = [start for each, start in self.changed if each == period]
        before = self._counts.latest(period)
        return max(ours if before is None else [*ours, before], default=None)


def put_off(submission: Submission, not_before: UnixMs) -> Submission:
    """Return what waits for its quota: its start is not before. Its time runs from then on, unless its end is given."""
    start = max(submission.accepted, submission.not_before)
    later = 0 if submission.expires_is_given else max(not_before - start, 0)
    return msgspec.structs.replace(
        submission,
        not_before=max(not_before, submission.not_before),
        quota_opens=not_before,
        expires=UnixMs(submission.expires + later),
    )


def period_start(period: QuotaPeriod, at: UnixMs) -> UnixMs:
    """Return when the period began that ``at`` is in."""
    if period == "month":
        day = datetime.fromtimestamp(at // 1000, UTC)
        return UnixMs(at - at % DAY_MS - (day.day - 1) * DAY_MS)
    return UnixMs(at - at % _LENGTHS_MS[period])


def next_start(period: QuotaPeriod, at: UnixMs) -> UnixMs:
    """Return when the next one begins."""
    start = period_start(period, at)
    if period == "month":
        day = datetime.fromtimestamp(start // 1000, UTC)
        return UnixMs(start + calendar.monthrange(day.year, day.month)[1] * DAY_MS)
    return UnixMs(start + _LENGTHS_MS[period])
