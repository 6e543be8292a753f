"""The gate of smart hosts: one that is unwell rests, and its mail goes by the next one of its route. Pure.

Where there is no next one, only SES rests, which says by itself what the account may not do: of the others a site's
suspension is enough (``suspension``), and mail goes again as soon as they are well.
"""

from collections.abc import Callable, Sequence

from angarium.config.schema import Provider
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.policy import Limits, Traffic, Wait
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Failure, Outcome, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.destination import SES, is_smart_host
from angarium.queue.model import UnixMs
from angarium.reputation.smart_host_rests import SmartHostRests
from angarium.routing.resolution import Site

# RFC 3463 section 3.4: the host's own trouble
_OWN_TROUBLE = "4.3."


class SmartHostGate:
    def __init__(self, rests: SmartHostRests, has_next: Callable[[Traffic], bool]) -> None:
        """``has_next``: whether another one takes over."""
        self._rests = rests
        self._has_next = has_next

    def is_resting(self, way: str, now: UnixMs) -> bool:
        return self._rests.find_rest(way, now) is not None

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        rest = self._rests.find_rest(traffic.via, now)
        if rest is None or (traffic.via != SES and not self._has_next(traffic)):
            return None
        return Wait(
            UnixMs(rest.until), f"the smart host {traffic.via} rests: {rest.reason}", "smart_host"
        )

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        self._rests.begins(traffic.via, now)

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        return limits

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        if not is_smart_host(site.via):
            return
        failures = [each for each in outcomes if _is_its_own(each)]
        if len(failures) < len(outcomes):
            self._rests.works(site.via, now)
            return
        for failure in failures[:1]:
            # A reply that is not about the mail but about all of it: an account that is suspended, our name
            of_all = failure.attempt.code != 0 and _scope_of(failure) is Scope.SITE
            self._rests.fails(site.via, failure.attempt.text, now, at_once=of_all)

    def refused(self, path: EgressPath, site: Site, failure: Failure, now: UnixMs) -> None:
        """Hear that no address of it took a connection."""
        is_ours = isinstance(failure, Transient) and failure.source_failed
        if is_smart_host(site.via) and not is_ours:
            self._rests.fails(site.via, failure.attempt.text, now, at_once=True)

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]:
        """Satisfies ``narrowing.SaysNarrowings``."""
        return [
            Narrowing(
                kind="smart_host",
                name=each.way,
                text=f"the smart host {each.way} rests, then it is probed: {each.reason}",
                provider=each.way,
                until=UnixMs(each.until),
                suspends=True,
            )
            for each in self._rests.rests()
        ]


def _is_its_own(outcome: Outcome) -> bool:
    """Whether it says nothing of the mail: no answer, or trouble of the host's own."""
    if not isinstance(outcome, Transient):
        return False
    made = outcome.attempt
    if made.stage == "internal":
        return False
    return outcome.scope is Scope.SITE or not made.code or made.enhanced.startswith(_OWN_TROUBLE)


def _scope_of(outcome: Outcome) -> Scope | None:
    return outcome.scope if isinstance(outcome, Transient) else None
