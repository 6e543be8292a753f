"""Stops tenants and campaigns as the breaker rules, by hold rules of its own, and hears when they go on.

Whom it warns of complaints, ``take_slowings`` has slowed down.

``reputation.breaker`` decides. A hold rule also binds mail that comes later, is shown with its reason wherever holds
are, and ends by time or by hand like any other.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from angarium.config.quantity import duration_text
from angarium.config.schema import Breaker as Limits
from angarium.queue import (
    Actor,
    HoldRule,
    HoldRuleRemoved,
    MessageId,
    QueueFullError,
    SenderPaused,
    SenderResumed,
    TooManyHoldRulesError,
    UnixMs,
)
from angarium.queue.administration import QueueAdministration
from angarium.reputation.breaker import Breaker, Party, Pause, Ruling, Standing
from angarium.reputation.slowing import Slowing
from angarium.telemetry import log

ACTOR: Final = "breaker"
# Ours, until delivery hears of them; of more the oldest wait for the next complaint
SLOWINGS: Final = 10_000
# Ours: nobody logs faster that there is no room
AGAIN_MS: Final = 60_000
_ABOUT_NO_MESSAGE: Final = MessageId(b"")


class SenderBreaker:
    """Invariant SBR1: for one who is stopped there is one hold rule, also when we died while it was made."""

    def __init__(
        self, breaker: Breaker, queue: QueueAdministration, clock: Callable[[], UnixMs]
    ) -> None:
        self.breaker = breaker
        self._queue = queue
        self._clock = clock
        self._again_at = 0  # who could not be stopped is tried again then
        self._slowings: deque[Slowing] = deque(maxlen=SLOWINGS)  # nobody was told of them

    def exchange(self, limits: Limits) -> None:
        self.breaker.limits = limits

    async def act(self) -> list[SenderPaused]:
        """Stop those who are to be stopped; returns the events to be written with what is known of them.

        Who could not be stopped for want of room is tried again later.
        """
        told: list[SenderPaused] = []
        if not self.breaker.limits.enabled or self._clock() < self._again_at:
            return told
        while (ruling := self.breaker.next_ruling(self._clock())) is not None:
            party = ruling.party
            if ruling.standing is Standing.WARNED:
                self._warn(ruling)
                continue
            try:
                told.append(await self._stop(ruling))
            except (QueueFullError, TooManyHoldRulesError) as error:
                self.breaker.judge_again(party)
                self._again_at = self._clock() + AGAIN_MS
                log("sender_not_paused", "error", tenant=party.tenant, reason=str(error))
                break
        return told

    def take_slowings(self) -> list[Slowing]:
        """Return whom delivery is to slow down, once."""
        slowings = list(self._slowings)
        self._slowings.clear()
        return slowings

    def hear(self, removed: HoldRuleRemoved) -> SenderResumed | None:
        """Hear that a hold rule has ended; returns the event to be written, if it was one of these."""
        party = self.breaker.find_paused(removed.rule)
        if party is None:
            return None
        self.breaker.resumed(party, removed.at)
        log(
            "sender_resumed",
            tenant=party.tenant,
            campaign=party.campaign,
            by=removed.actor,
            reason=removed.reason,
        )
        return SenderResumed(
            at=removed.at,
            message_id=_ABOUT_NO_MESSAGE,
            tenant=party.tenant,
            campaign=party.campaign,
            rule=removed.rule,
            actor=removed.actor,
            reason=removed.reason,
        )

    def _warn(self, ruling: Ruling) -> None:
        party, limits = ruling.party, self.breaker.limits
        if ruling.is_new:
            log(
                "sender_warned",
                "warning",
                tenant=party.tenant,
                campaign=party.campaign,
                reason=ruling.why,
            )
        for provider in ruling.complaining:
            self._slowings.append(
                Slowing(
                    tenant=party.tenant,
                    campaign=party.campaign,
                    provider=provider,
                    rate=limits.complaints_rate,
                    pause_s=limits.pause_s,
                    why=ruling.why,
                )
            )

    async def _stop(self, ruling: Ruling) -> SenderPaused:
        """Raises QueueFullError, TooManyHoldRulesError: then it is not stopped."""
        party, now = ruling.party, self._clock()
        rule = self._find_rule(party, now) or await self._add_rule(ruling, now)  # SBR1
        self.breaker.paused(
            party, Pause(rule=rule.id, since=rule.since, until=rule.until, why=ruling.why)
        )
        log(
            "sender_paused",
            "error",
            tenant=party.tenant,
            campaign=party.campaign,
            rule=rule.id,
            reason=ruling.why,
        )
        return SenderPaused(
            at=now,
            message_id=_ABOUT_NO_MESSAGE,
            tenant=party.tenant,
            campaign=party.campaign,
            rule=rule.id,
            reason=ruling.why,
            until=rule.until,
        )

    def _find_rule(self, party: Party, now: UnixMs) -> HoldRule | None:
        """Return a rule of ours that stops it already: made right before we died."""
        return next(
            (
                each
                for each in self._queue.hold_rules()
                if each.who == ACTOR
                and each.is_in_force(now)
                and (each.tenant, each.campaign) == (party.tenant, party.campaign or None)
            ),
            None,
        )

    async def _add_rule(self, ruling: Ruling, now: UnixMs) -> HoldRule:
        party, pause_s = ruling.party, self.breaker.limits.pause_s
        wanted = HoldRule(
            tenant=party.tenant,
            campaign=party.campaign or None,
            until=UnixMs(now + int(pause_s * 1000)),
        )
        what = f"campaign {party.campaign}" if party.campaign else "tenant"
        why = f"{what} paused for {duration_text(pause_s)}: {ruling.why}; see postmaster reputation"
        return await self._queue.add_hold_rule(wanted, Actor(who=ACTOR, reason=why))
