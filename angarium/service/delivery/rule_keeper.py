"""Writes down what is in force, with its events, once a second; and ends what is over."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from angarium.queue import MessageId, QueueError, QueueFullError, RuleEnded, RuleInForce, UnixMs
from angarium.queue.keepsakes import Keepsakes
from angarium.reputation.in_force import InForce
from angarium.reputation.rule_engine import Changes, Ended, RuleEngine
from angarium.reputation.rule_keepsakes import keepsake_name, keepsake_of
from angarium.telemetry import log

# Between two writes: each is a commit. A crash loses what came into force within it
WRITE_EVERY_S: Final = 1.0
# Ours, of one commit
EVENTS_AT_ONCE: Final = 1000
_ABOUT_NO_MESSAGE: Final = MessageId(b"")


class RuleKeeper:
    """The owner, in one delivery process, of the keepsakes of its rules."""

    def __init__(
        self, engine: RuleEngine, keepsakes: Keepsakes, clock: Callable[[], UnixMs]
    ) -> None:
        self._engine = engine
        self._keepsakes = keepsakes
        self._clock = clock
        self._unwritten: dict[str, bytes | None] = {}
        self._untold: list[RuleInForce | RuleEnded] = []

    async def run(self) -> None:
        """Write until cancelled, or until the disk fails: then nobody sends anyway."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            try:
                await self.write()
            except QueueFullError:
                continue  # the next time may do
            except QueueError as error:
                log("rules_not_written", "error", reason=str(error))
                return

    async def write(self) -> None:
        """What is in force now is on disk on return, and so are the events of what came and went.

        Raises QueueFullError and QueueFailedError: then it is tried again with the next call.
        """
        self._engine.now = now = self._clock()
        self._engine.expire(now)
        self._take(self._engine.take_changes())
        while self._unwritten or self._untold:
            names = list(self._unwritten)[:EVENTS_AT_ONCE]
            changes = {name: self._unwritten[name] for name in names}
            events = self._untold[:EVENTS_AT_ONCE]
            await self._keepsakes.write(changes, events)
            del self._untold[: len(events)]
            for name, value in changes.items():
                if self._unwritten.get(name) is value:  # else it changed meanwhile
                    del self._unwritten[name]

    def _take(self, changes: Changes) -> None:
        for effect in (*changes.began, *changes.changed):
            self._unwritten[keepsake_name(effect.key)] = keepsake_of(effect)
        for ended in changes.ended:
            # Unless it came into force again meanwhile
            if not self._engine.has(ended.effect.key):
                self._unwritten[keepsake_name(ended.effect.key)] = None
        events: list[RuleInForce | RuleEnded] = [_began(each) for each in changes.began]
        events += [_ended(each) for each in changes.ended]
        events.sort(key=lambda each: each.at)
        self._untold = (self._untold + events)[-10 * EVENTS_AT_ONCE :]
        _log(changes.began)


def _began(effect: InForce) -> RuleInForce:
    return RuleInForce(
        at=effect.since,
        message_id=_ABOUT_NO_MESSAGE,
        rule=effect.rule,
        action=effect.action,
        scope=effect.reach.scope,
        subject=effect.reach.subject,
        provider=effect.reach.provider,
        until=effect.until,
        reply=effect.reply,
    )


def _ended(ended: Ended) -> RuleEnded:
    effect = ended.effect
    return RuleEnded(
        at=ended.at,
        message_id=_ABOUT_NO_MESSAGE,
        rule=effect.rule,
        action=effect.action,
        scope=effect.reach.scope,
        subject=effect.reach.subject,
        provider=effect.reach.provider,
        how=ended.how,
        replies=effect.replies,
        actor=ended.actor,
        reason=ended.reason,
    )


def _log(began: Sequence[InForce]) -> None:
    for effect in began[:10]:  # all of them are in the event log
        log(
            "rule_in_force",
            rule=effect.rule,
            action=effect.action,
            subject=effect.reach.subject,
            provider=effect.reach.provider,
            reply=effect.reply,
        )
