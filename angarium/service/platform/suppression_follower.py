"""Turns what mail met, as events tell it, into suppressions: the one writer of what hosts have said."""

from collections.abc import Callable, Sequence
from typing import Final

from angarium.feedback import suppression_policy as policy
from angarium.feedback.classes import Effect, Verdict
from angarium.queue import (
    Actor,
    Attempt,
    Bounced,
    Delivered,
    EventCursor,
    Expired,
    MessageId,
    Position,
    Relayed,
    ReportBounced,
    Suppress,
    Suppressions,
    UnixMs,
    message_id_text,
)
from angarium.queue.reply_pattern import full_reply
from angarium.queue.trouble import Trouble

SUPPRESSION: Final = "suppression"
_WHO: Final = "angarium"
_REFUSED: Final = Actor(who=_WHO, reason="mail to it was refused for good")
_GIVEN_UP: Final = Actor(who=_WHO, reason="mail to it was given up again and again")

Judge = Callable[[Attempt], Verdict | None]  # ``feedback.attempts.find_verdict``


class SuppressionFollower:
    """An EventConsumer. It keeps no state of its own: what it remembers of addresses is written with what it led to.

    SB1: asked again for events that it has handled, it changes nothing more.
    """

    def __init__(self, suppressions: Suppressions, judge: Judge) -> None:
        self._suppressions = suppressions
        self._judge = judge

    @property
    def name(self) -> str:
        return SUPPRESSION

    async def begin(self, cursor: EventCursor) -> int:
        return cursor.position

    async def handle(self, batch: Sequence[Position]) -> None:
        step = _Step(self._suppressions, self._judge, batch)
        for each in batch:
            step.take(each.event)
        if step.changes or step.changed:
            await self._suppressions.apply(step.changes, troubles=step.changed)


class _Step:
    """One batch: troubles as they are on disk, and as they become."""

    def __init__(self, suppressions: Suppressions, judge: Judge, batch: Sequence[Position]) -> None:
        self._judge = judge
        kinds = (Delivered, Relayed, Bounced, Expired, ReportBounced)
        asked = {each.event.recipient for each in batch if isinstance(each.event, kinds)}
        emails = [each for each in asked if "@" in each]
        found = zip(emails, suppressions.find_troubles(emails), strict=True)
        self._troubles: dict[str, Trouble | None] = dict(found)
        self.changed: dict[str, Trouble | None] = {}
        self.changes: list[Suppress] = []

    def take(self, event: object) -> None:
        match event:
            case Delivered() | Relayed():
                trouble = self._troubles.get(event.recipient)
                if trouble is not None:
                    after = policy.delivered(trouble, event.at, event.message_id)
                    self._remember(event.recipient, after)
            case Bounced(actor=""):
                self._given_up(event, expired=False)
            case Expired():
                self._given_up(event, expired=True)
            case ReportBounced(effect=Effect.RETRY.value) if event.recipient in self._troubles:
                said = f"{event.host} said: {event.reply}" if event.host else event.reply
                self._failed(event.recipient, event.at, event.message_id, event.bounce_class, said)
            case _:
                pass

    def _given_up(self, event: Bounced | Expired, *, expired: bool) -> None:
        if event.recipient not in self._troubles:
            return  # a postmaster of ours: it has no domain
        attempt = event.attempt
        verdict = self._judge(attempt)
        if verdict is None:
            return
        reason = verdict.bounce_class.value
        if not expired and policy.suppresses_at_once(attempt, verdict):
            suppression = policy.hard_bounce(
                event.recipient,
                reason,
                event.at,
                evidence=_evidence(attempt),
                reference=message_id_text(event.message_id),
            )
            change = Suppress(suppression=suppression, by=_REFUSED, message_id=event.message_id)
            self.changes.append(change)
        elif policy.counts(attempt, verdict, expired=expired):
            self._failed(event.recipient, event.at, event.message_id, reason, _evidence(attempt))

    def _failed(
        self, email: str, at: UnixMs, message_id: MessageId, reason: str, evidence: str
    ) -> None:
        trouble = policy.failed(self._troubles[email], at, message_id)
        if trouble is None:
            return  # SB1
        rest = policy.rest_ms(trouble)
        if rest is None:
            self._remember(email, trouble)
            return
        self._remember(email, policy.rested(trouble))
        suppression = policy.resting(
            email, reason, at, rest, evidence=evidence, reference=message_id_text(message_id)
        )
        change = Suppress(suppression=suppression, by=_GIVEN_UP, message_id=message_id)
        self.changes.append(change)

    def _remember(self, email: str, trouble: Trouble | None) -> None:
        if trouble is not None:
            self._troubles[email] = self.changed[email] = trouble


def _evidence(attempt: Attempt) -> str:
    host = f"{attempt.host} said: " if attempt.host and attempt.code else ""
    return host + full_reply(attempt)
