"""Takes complaints in a delivery process: to its rules and its warm-ups; and slows down whom the breaker warns."""

from collections.abc import Callable

from angarium.insight.admin.complaints import (
    ComplaintsHeard,
    HearComplaints,
    SendersSlowed,
    SlowSenders,
)
from angarium.queue import UnixMs
from angarium.reputation.slowing import Slowing
from angarium.service.admin_socket import Asker, Handlers


class ComplaintAnswers:
    """Invariant CA1: what is told again counts once, for as long as the process lives."""

    def __init__(
        self,
        owns: Callable[[str], bool],
        complained: Callable[[str, str, UnixMs], None],
        slow: Callable[[Slowing, UnixMs], None],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``owns``: whether a provider is this process's; ``complained`` gets source, provider and time."""
        self._owns = owns
        self._complained = complained
        self._slow = slow
        self._clock = clock
        self._heard = 0  # up to which event

    def handlers(self) -> Handlers:
        return Handlers().on(HearComplaints, self.hear).on(SlowSenders, self.slow)

    async def slow(self, asked: SlowSenders, _: Asker) -> SendersSlowed:
        own = [each for each in asked.slowings if self._owns(each.provider)]
        for each in own:
            self._slow(each, self._clock())
        return SendersSlowed(len(own))

    async def hear(self, told: HearComplaints, _: Asker) -> ComplaintsHeard:
        count = 0
        for each in told.complaints:
            if each.sequence <= self._heard:
                continue  # CA1
            self._heard = each.sequence
            if self._owns(each.provider):
                # As of now: what was said while nobody could be told belongs to the present, too
                self._complained(each.source, each.provider, self._clock())
                count += 1
        return ComplaintsHeard(count)
