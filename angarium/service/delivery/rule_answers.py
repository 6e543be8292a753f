"""Answers what is in force of the rules, and ends it: of the providers of one delivery process."""

from collections.abc import Callable
from typing import Final

from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.rules import ListRules, RuleNow, RulesNow, RulesUndone, UndoRule
from angarium.queue import QueueError, UnixMs
from angarium.reputation.in_force import GRADED, InForce
from angarium.reputation.rule_engine import RuleEngine, scope_text
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.delivery.rule_keeper import RuleKeeper

# Ours, of one answer
LISTED: Final = 2000


class RuleAnswers:
    def __init__(
        self,
        engine: RuleEngine,
        keeper: RuleKeeper,
        clock: Callable[[], UnixMs],
        ask_anew: Callable[[], None],
    ) -> None:
        """``ask_anew``: has what waits be asked for again at once."""
        self._engine = engine
        self._keeper = keeper
        self._clock = clock
        self._ask_anew = ask_anew

    def handlers(self) -> Handlers:
        return Handlers().on(ListRules, self.list_rules).on(UndoRule, self.undo)

    async def list_rules(self, _: ListRules, __: Asker) -> RulesNow:
        now = self._clock()
        found = self._engine.in_force(now)
        return RulesNow(tuple(_shown(each, now) for each in found[:LISTED]), len(found[LISTED:]))

    async def undo(self, asked: UndoRule, asker: Asker) -> RulesUndone | Refused:
        now = self._clock()
        actor = asker.named(asked.behalf)
        undone = self._engine.undo(
            asked.name, now, scope=asked.scope, actor=actor, reason=asked.reason
        )
        try:
            await self._keeper.write()
        except QueueError as error:
            return Refused("no_room", f"it is undone, but that is not on disk yet: {error}")
        if undone:
            self._ask_anew()
        return RulesUndone(tuple(_shown(each, now) for each in undone))


def _shown(effect: InForce, now: UnixMs) -> RuleNow:
    is_number = effect.action in GRADED
    return RuleNow(
        rule=effect.rule,
        action=effect.action,
        scope=scope_text(effect.reach),
        since=effect.since,
        until=effect.until,
        ends=effect.ends,
        reply=effect.reply,
        replies=effect.replies,
        allowed=effect.allowed(now) if is_number else 0.0,
        usual=effect.ceiling if is_number else 0.0,
        pool=effect.pool if effect.action == "reroute" else "",
    )
