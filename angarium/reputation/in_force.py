"""One effect of a rule that is in force: since when, why, how much it allows now, and when it is over. Pure."""

from typing import Final, NamedTuple

import msgspec

from angarium.config.schema import RuleAction
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import Reach

# FACTS of the field: at most one step down in so long
STEP_DOWN_MS: Final = 60_000
# Ours, of what a rule says at first: a throttle falls no lower, however often it is met
LOWEST_PART: Final = 8
# Numbers that come back in steps; the others end at once
GRADED: Final[frozenset[RuleAction]] = frozenset(
    ("throttle", "connections", "messages_per_connection")
)


class EffectKey(NamedTuple):
    rule: str
    action: RuleAction
    reach: Reach


class InForce(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """On disk as it stands, in keepsakes: fields are only ever appended, with defaults.

    Invariant IF1: as long as no such reply comes again, what it allows never shrinks, until it is over.
    """

    rule: str
    action: RuleAction
    reach: Reach
    since: UnixMs
    until: UnixMs | None  # of its full force; None: until it is undone
    changed: UnixMs  # when its number was set
    reply: str  # that caused it, the latest
    replies: int = 1  # that counted
    number: float = 0.0  # of a graded one: messages per second, or how many; of its full force
    floor: float = 0.0
    ceiling: float = 0.0  # what is allowed without it
    recovery_ms: int = 0
    pool: str = ""

    @property
    def key(self) -> EffectKey:
        return EffectKey(self.rule, self.action, self.reach)

    def allowed(self, now: UnixMs) -> float:
        """Return the number that holds now."""
        if self.until is None or now < self.until:
            return self.number
        steps = min(64, 1 + (now - self.until) // max(1, self.recovery_ms))
        return min(self.ceiling, self.number * 2.0**steps)  # IF1

    def is_over(self, now: UnixMs) -> bool:
        if self.until is None or now < self.until:
            return False
        return self.action not in GRADED or self.allowed(now) >= self.ceiling

    @property
    def ends(self) -> UnixMs | None:
        """When it will be over, if nothing happens; None: when it is undone."""
        if self.until is None or self.action not in GRADED:
            return self.until
        steps, number = 1, self.number * 2
        while number < self.ceiling and steps < 64:
            steps, number = steps + 1, number * 2
        return UnixMs(self.until + (steps - 1) * max(1, self.recovery_ms))

    def met_again(self, until: UnixMs | None, reply: str, now: UnixMs) -> "InForce":
        """Return it after another such reply: longer, and a step lower if the last step has had time to show."""
        number, changed = self.number, self.changed
        if self.action in GRADED and not 0 <= now - self.changed < STEP_DOWN_MS:
            number, changed = max(self.floor, self.allowed(now) / 2), now
        elif self.until is not None and now >= self.until:
            number = self.allowed(now)
        if self.until is not None and until is not None:
            until = max(self.until, until)
        return msgspec.structs.replace(
            self, until=until, reply=reply, replies=self.replies + 1, number=number, changed=changed
        )
