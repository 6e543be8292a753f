"""The gate of Amazon SES: its quota of 24 hours and its rate are ceilings over all that leaves by it. Pure.

One process has all of it: what goes by SES is of one partition (``routing``, RT2).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.config.schema import Provider
from angarium.mta.egress.gates.rates import Line, line_of
from angarium.mta.egress.narrowing import Allowance, Narrowing
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome, Scope, Taken, Transient
from angarium.mta.transport.ses.call import MAX_RECIPIENTS
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.destination import SES
from angarium.queue.model import UnixMs
from angarium.reputation.appointments import Appointments
from angarium.reputation.ses_quota import SesQuota
from angarium.routing.resolution import Site

DAY_MS: Final = 86_400_000
UNREAD_MS: Final = 1_000
# Until then the quota has been read again
SPENT_MS: Final = 60_000
# Of what SES's API says of its rates; other refusals for now have other codes (``transport.ses.call``)
_THROTTLED: Final = (454, "4.7.0")


class SesGate:
    def __init__(self, quota: SesQuota) -> None:
        self._quota = quota
        self._rates: Appointments[str, Line] = Appointments()
        self.connections = 1  # of ``[ses]``
        self.not_read = "it is being read"  # why there is no reading yet

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        if traffic.site != SES:
            return None
        quota = self._quota
        reading = quota.reading
        if reading is None:
            return Wait(
                UnixMs(now + UNREAD_MS), f"the quota of SES is not known: {self.not_read}", "ses"
            )
        if not reading.is_enabled:
            return Wait(UnixMs(now + SPENT_MS), "SES says that the account may not send now", "ses")
        if 0 < quota.paused_until - now <= DAY_MS:
            return Wait(UnixMs(quota.paused_until), f"SES throttles: {quota.pause_reason}", "ses")
        left = quota.left
        if left is not None and left < traffic.recipients:
            text = f"the quota of SES, {reading.per_day:.0f} recipients in 24 hours, is used up"
            return Wait(UnixMs(now + SPENT_MS), text, "ses")
        end = self._rates.find_end(
            SES, quota.rate, line_of(traffic), now, books=not traffic.is_enquiry
        )
        if end is None:
            return None
        return Wait(UnixMs(end), f"SES takes {reading.per_second:g} recipients a second", "ses")

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        if traffic.site != SES:
            return
        self._quota.take(traffic.recipients, now)
        for _ in range(traffic.recipients):
            self._rates.take(SES, self._quota.rate, line_of(traffic), now)

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        if provider.name != SES:
            return limits
        reading, left = self._quota.reading, self._quota.left
        recipients = min(limits.recipients, MAX_RECIPIENTS)
        if reading is not None:
            recipients = min(recipients, int(reading.per_second))
        if left is not None:
            recipients = min(recipients, left)
        return msgspec.structs.replace(
            limits,
            recipients=max(1, recipients),
            connections=min(limits.connections, self.connections),
        )

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        if site.via != SES:
            return
        for outcome in outcomes[:1]:  # all have the same
            made = outcome.attempt
            if made.code >= 400:
                self._quota.not_sent(len(outcomes))
            if isinstance(outcome, Taken):
                self._quota.accepted()
            elif (
                isinstance(outcome, Transient)
                and outcome.scope is Scope.MESSAGE
                and (made.code, made.enhanced) == _THROTTLED
            ):
                self._quota.throttled(made.text, now)

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]:
        """Satisfies ``narrowing.SaysNarrowings``."""
        quota, reading = self._quota, self._quota.reading
        if reading is None:
            return ()
        left = quota.left
        is_shut = not reading.is_enabled or quota.paused_until > now
        words = f"{reading.per_second:g} recipients a second"
        if left is not None:
            words = f"{quota.used:.0f} of {reading.per_day:.0f} in 24 hours are used; {words}"
        if reading.is_assumed:
            words += " (assumed: the account's keys may not read its quota)"
        return (
            Narrowing(
                kind="quota",
                name=SES,
                text=f"SES's quota: {words}",
                provider=SES,
                until=UnixMs(quota.paused_until) if quota.paused_until > now else None,
                suspends=is_shut,
                messages_per_s=reading.per_second,
                allowance=None
                if left is None
                else Allowance(
                    left=left,
                    per_period=int(reading.per_day),
                    renews_at=UnixMs(now + DAY_MS),
                    period_ms=DAY_MS,
                ),
            ),
        )
