"""Runs rules over replies of the past, and says what would have happened. Pure: times are the replies' own.

It cannot know what would not have been sent then: once a rule is in force, real mail waits, and these replies go on.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.config.schema import Rule
from angarium.queue.model import UnixMs
from angarium.queue.reply_pattern import reply_kind
from angarium.reputation.in_force import InForce
from angarium.reputation.reply_rules import Heard, RuleBook
from angarium.reputation.rule_engine import Ceilings, RuleEngine

# Ours, of one answer
KINDS_KEPT: Final = 10_000
SHOWN: Final = 1000


class PastReply(msgspec.Struct, frozen=True, kw_only=True):
    at: UnixMs
    heard: Heard
    outcome: str  # delivered | relayed | deferred | bounced | expired


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that would have come into force."""

    effect: InForce  # as it was in the end
    ended: UnixMs | None  # None: in force still at the last reply


class RuleUse(msgspec.Struct, kw_only=True):
    """What one rule came to."""

    rule: str
    fitted: int = 0  # replies
    bounces_kept: int = 0  # refusals for ever that would have been tried again
    came: int = 0  # into force, effects


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    replies: int  # of 4yz and 5yz
    first: UnixMs
    last: UnixMs
    rules: tuple[RuleUse, ...]  # that fitted any, most first
    came: tuple[Came, ...]  # by time, at most SHOWN
    unmatched: tuple[tuple[str, int], ...]  # kinds of replies that no rule fits, most first


class Replay:
    """Told replies in the order of time."""

    def __init__(self, rules: Sequence[Rule], ceilings: Ceilings) -> None:
        """Raises PatternError."""
        self._engine = RuleEngine(RuleBook(rules))
        self._ceilings = ceilings
        self._uses: dict[str, RuleUse] = {}
        self._came: dict[tuple[object, UnixMs], Came] = {}
        self._unmatched: Counter[str] = Counter()
        self._replies = 0
        self._first = self._last = UnixMs(0)

    def hear(self, past: PastReply) -> None:
        now, heard = past.at, past.heard
        self._first = self._first or now
        self._last = now
        self._engine.expire(now)
        if heard.code >= 400:
            self._replies += 1
            rule = self._engine.hear(heard, self._ceilings, now)
            if rule is not None:
                use = self._uses.setdefault(rule.name, RuleUse(rule=rule.name))
                use.fitted += 1
                use.bounces_kept += past.outcome == "bounced" and "retry" in rule.actions
            else:
                self._count_unmatched(reply_kind(heard.text))
        self._engine.sent(
            heard.source,
            heard.provider,
            delivered=past.outcome in ("delivered", "relayed"),
            bounced=past.outcome == "bounced",
            ceilings=self._ceilings,
            now=now,
        )
        self._take(now)

    def result(self) -> Replayed:
        return Replayed(
            replies=self._replies,
            first=self._first,
            last=self._last,
            rules=tuple(sorted(self._uses.values(), key=lambda each: -each.fitted)),
            came=tuple(self._came.values())[:SHOWN],
            unmatched=tuple(self._unmatched.most_common(SHOWN)),
        )

    def _count_unmatched(self, kind: str) -> None:
        if kind in self._unmatched or len(self._unmatched) < KINDS_KEPT:
            self._unmatched[kind] += 1

    def _take(self, now: UnixMs) -> None:
        changes = self._engine.take_changes()
        for effect in (*changes.began, *changes.changed):
            key = (effect.key, effect.since)
            if key not in self._came:
                if len(self._came) >= KINDS_KEPT:
                    continue
                use = self._uses.setdefault(effect.rule, RuleUse(rule=effect.rule))
                use.came += 1
            self._came[key] = Came(effect=effect, ended=None)
        for ended in changes.ended:
            key = (ended.effect.key, ended.effect.since)
            if key in self._came:
                self._came[key] = Came(effect=ended.effect, ended=ended.effect.ends or now)
