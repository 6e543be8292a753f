"""What is in force: rules that replies or shares of refusals have called for, until they are over or undone. Pure.

Start with ``RuleEngine``. Knows nothing of queues, connections or the disk: ``take_changes`` says what is to be kept.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal

import msgspec

from angarium.config.quantity import find_rate
from angarium.config.schema import Rule, RuleAction
from angarium.queue.model import UnixMs
from angarium.reputation.in_force import LOWEST_PART, STEP_DOWN_MS, EffectKey, InForce
from angarium.reputation.probation import Probation
from angarium.reputation.reply_rules import SCOPES, Heard, Mail, Reach, RuleBook, find_reach
from angarium.reputation.shares import Shares

# Ours: in force at once, and reaches whose replies are counted; of more the oldest are forgotten
IN_FORCE_LIMIT: Final = 10_000
COUNTED_LIMIT: Final = 10_000
# Of a rate without a limit of its own: above it a throttle is none
NO_RATE: Final = 100.0


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """What is configured for a source at a provider: to where numbers come back."""

    connections: int
    messages_per_connection: int
    rate: float = NO_RATE  # messages per second


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    effect: InForce
    at: UnixMs
    how: Literal["ended", "undone"]
    actor: str = ""
    reason: str = ""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Since they were last taken. What began and ended meanwhile is in both."""

    began: Sequence[InForce]
    changed: Sequence[InForce]  # in force before, with other numbers or times
    ended: Sequence[Ended]

    def __bool__(self) -> bool:
        return bool(self.began or self.changed or self.ended)


class RuleEngine:
    """Invariant RUE1: at most IN_FORCE_LIMIT effects are in force, and COUNTED_LIMIT reaches are counted.

    Invariant RUE2: of a rule that was undone nothing is in force, and nothing counts towards it.
    """

    def __init__(self, book: RuleBook, imposed: Collection[str] = ()) -> None:
        """``imposed``: the names of rules of our own, which are in force beside those of the book."""
        self.book = book
        self._imposed: Final = frozenset(imposed)
        self.now = UnixMs(0)  # as it was last told: limits are asked for without a time
        self._in_force: OrderedDict[EffectKey, InForce] = OrderedDict()
        self._by_reach: dict[Reach, dict[EffectKey, InForce]] = {}
        self._of_provider: dict[str, int] = {}  # how many are in force
        self._counted: OrderedDict[tuple[str, Reach], deque[UnixMs]] = OrderedDict()
        self._shares = Shares()
        self.probation: Final = Probation()  # of whom a suspension is over
        self._swept: dict[tuple[str, str], UnixMs] = {}
        # What nobody has taken yet
        self._began: dict[EffectKey, InForce] = {}
        self._changed: dict[EffectKey, InForce] = {}
        self._short_lived: deque[InForce] = deque(maxlen=COUNTED_LIMIT)  # began and ended
        self._ended: deque[Ended] = deque(maxlen=COUNTED_LIMIT)

    # --- what comes in ----------------------------------------------------------------------

    def exchange(self, book: RuleBook, now: UnixMs) -> None:
        """Go by these rules from now on; what is in force by a rule that is no more ends."""
        self.book = book
        for key, effect in list(self._in_force.items()):
            if not self._is_known(key.rule):
                self._end(
                    effect, Ended(effect=effect, at=now, how="ended", reason="the rule is no more")
                )

    def restore(self, effects: Sequence[InForce], now: UnixMs) -> None:
        """Put in force what was so before a restart; what is over by now, or of no rule any more, ends."""
        for effect in effects:
            self._put(effect)
            if not self._is_known(effect.rule):
                self._end(
                    effect, Ended(effect=effect, at=now, how="ended", reason="the rule is no more")
                )
        self.expire(now)

    def hear(self, heard: Heard, ceilings: Ceilings, now: UnixMs) -> Rule | None:
        """Take a peer's reply; returns the rule that counts for it."""
        rule = self.book.find(
            provider=heard.provider, code=heard.code, enhanced=heard.enhanced, text=heard.text
        )
        if rule is None:
            return None
        mail = Mail(
            tenant=heard.tenant,
            sender_domain=heard.sender_domain,
            stream=heard.stream,
            campaign=heard.campaign,
        )
        reach = find_reach(rule.scope, heard.source, mail, heard.provider)
        if reach is not None and self._is_enough(rule, reach, now):
            self._act(rule, reach, heard.text, ceilings, now)
        return rule

    def impose(self, rule: Rule, reach: Reach, why: str, ceilings: Ceilings, now: UnixMs) -> None:
        """Put a rule of our own in force, which no book has, as if a reply had called for it."""
        self._act(rule, reach, why, ceilings, now)

    def sent(
        self,
        source: str,
        provider: str,
        *,
        delivered: int,
        bounced: int,
        ceilings: Ceilings,
        now: UnixMs,
    ) -> None:
        """Count recipients that got an answer for good, and look at the shares, at most once a minute."""
        if delivered:
            self._shares.count(source, provider, now, "delivered", delivered)
        if bounced:
            self._shares.count(source, provider, now, "bounces", bounced)
        if delivered or bounced:
            self._shares.count(source, provider, now, "sent", delivered + bounced)
            self._sweep(source, provider, ceilings, now)

    def complained(self, source: str, provider: str, now: UnixMs) -> None:
        """Count a recipient's complaint; the share is looked at with the next delivery."""
        self._shares.count(source, provider, now, "complaints")

    def undo(
        self, name: str, now: UnixMs, *, scope: str = "", actor: str = "", reason: str = ""
    ) -> list[InForce]:
        """End what is in force by a rule, of everybody or of one ``scope``, as ``scope_text`` has it."""
        undone = [
            each
            for each in self._in_force.values()
            if each.rule == name and scope in ("", scope_text(each.reach))
        ]
        for effect in undone:
            self._end(
                effect, Ended(effect=effect, at=now, how="undone", actor=actor, reason=reason)
            )
        for key in [key for key in self._counted if key[0] == name]:
            if scope in ("", scope_text(key[1])):
                del self._counted[key]  # RUE2
        return [each for each in undone if not each.is_over(now)]

    def expire(self, now: UnixMs) -> None:
        """End what is over."""
        for effect in [each for each in self._in_force.values() if each.is_over(now)]:
            self._end(effect, Ended(effect=effect, at=now, how="ended"))

    # --- what is asked ----------------------------------------------------------------------

    def has(self, key: EffectKey) -> bool:
        return key in self._in_force

    def has_any(self, provider: str) -> bool:
        return provider in self._of_provider

    def effects_on(self, source: str, mail: Mail, provider: str, now: UnixMs) -> list[InForce]:
        """Return what is in force for this mail by this source."""
        if provider not in self._of_provider:
            return []
        found: list[InForce] = []
        for scope in SCOPES:
            reach = find_reach(scope, source, mail, provider)
            if reach is not None and (effects := self._by_reach.get(reach)):
                found += [each for each in effects.values() if not each.is_over(now)]
        return found

    def effects_on_source(self, source: str, provider: str, now: UnixMs) -> list[InForce]:
        if provider not in self._of_provider:
            return []
        effects = self._by_reach.get(Reach(source, "source", provider), {})
        return [each for each in effects.values() if not each.is_over(now)]

    def in_force(self, now: UnixMs) -> list[InForce]:
        """Return all, the newest first."""
        return sorted(
            (each for each in self._in_force.values() if not each.is_over(now)),
            key=lambda each: -each.since,
        )

    def take_changes(self) -> Changes:
        changes = Changes(
            began=[*self._short_lived, *self._began.values()],
            changed=list(self._changed.values()),
            ended=list(self._ended),
        )
        self._began, self._changed = {}, {}
        self._short_lived.clear()
        self._ended.clear()
        return changes

    # --- how it comes about -----------------------------------------------------------------

    def _is_known(self, rule: str) -> bool:
        return rule in self.book.rules or rule in self._imposed

    def _is_enough(self, rule: Rule, reach: Reach, now: UnixMs) -> bool:
        if rule.count == 1:
            return True
        key = (rule.name, reach)
        times = self._counted.pop(key, None) or deque(maxlen=rule.count)
        if times.maxlen != rule.count:
            times = deque(times, maxlen=rule.count)
        times.append(now)
        if len(times) == rule.count and 0 <= now - times[0] <= rule.period_s * 1000:
            return True  # and from here on so many are needed again
        self._counted[key] = times
        if len(self._counted) > COUNTED_LIMIT:
            self._counted.popitem(last=False)  # RUE1
        return False

    def _sweep(self, source: str, provider: str, ceilings: Ceilings, now: UnixMs) -> None:
        key = (source, provider)
        if 0 <= now - self._swept.get(key, UnixMs(-STEP_DOWN_MS)) < STEP_DOWN_MS:
            return
        if len(self._swept) >= COUNTED_LIMIT:
            self._swept.clear()
        self._swept[key] = now
        for rule in self.book.sweeps_of(provider):
            assert rule.sweep is not None
            met, among = self._shares.share(
                source, provider, of=rule.sweep, period_ms=int(rule.period_s * 1000), now=now
            )
            if among >= rule.at_least and met * 100 >= rule.percent * among:
                text = f"{met} {rule.sweep} of {among} messages"
                self._act(rule, Reach(source, "source", provider), text, ceilings, now)
                self._shares.forget(source, provider)
                return

    def _act(self, rule: Rule, reach: Reach, why: str, ceilings: Ceilings, now: UnixMs) -> None:
        for action in rule.actions:
            if action == "retry":
                continue  # of the one reply only
            until = None if action == "hold" else UnixMs(now + int(rule.duration_s * 1000))
            known = self._in_force.get(EffectKey(rule.name, action, reach))
            if known is not None and known.is_over(now):
                self._end(known, Ended(effect=known, at=now, how="ended"))
                known = None
            if known is not None:
                effect = known.met_again(until, why, now)
                self._put(effect)
                (self._began if effect.key in self._began else self._changed)[effect.key] = effect
                continue
            made = _effect(rule, action, reach, why, ceilings, until, now)
            if made is not None:
                self._put(made)
                self._began[made.key] = made
        while len(self._in_force) > IN_FORCE_LIMIT:
            oldest = next(iter(self._in_force.values()))
            crowded = Ended(effect=oldest, at=now, how="ended", reason="too many are in force")
            self._end(oldest, crowded)  # RUE1

    def _put(self, effect: InForce) -> None:
        if effect.key not in self._in_force:
            provider = effect.reach.provider
            self._of_provider[provider] = self._of_provider.get(provider, 0) + 1
        self._in_force[effect.key] = effect
        self._in_force.move_to_end(effect.key)
        self._by_reach.setdefault(effect.reach, {})[effect.key] = effect
        if effect.action == "suspend" and effect.until is not None:
            self.probation.begin(effect.reach, effect.rule, effect.until)

    def _end(self, effect: InForce, ended: Ended) -> None:
        key, provider = effect.key, effect.reach.provider
        if self._in_force.pop(key, None) is None:
            return
        self._changed.pop(key, None)
        if (untold := self._began.pop(key, None)) is not None:
            self._short_lived.append(untold)
        self._ended.append(ended)
        left = self._by_reach[effect.reach]
        del left[key]
        is_cut_short = effect.action == "suspend" and not effect.is_over(ended.at)
        if is_cut_short and not any(each.action == "suspend" for each in left):
            self.probation.forget(effect.reach)  # on somebody's word
        if not left:
            del self._by_reach[effect.reach]
        self._of_provider[provider] -= 1
        if not self._of_provider[provider]:
            del self._of_provider[provider]


def scope_text(reach: Reach) -> str:
    """``source ip1 at yahoo``: as it is listed, and given to ``undo``."""
    return f"{reach.scope} {reach.subject} at {reach.provider}"


def per_second(text: str) -> float:
    """Return a rate of the configuration as messages per second."""
    rate = find_rate(text)
    return NO_RATE if rate is None else rate.count / rate.period_s


_NUMBERS: Final[dict[RuleAction, Callable[[Rule, Ceilings], tuple[float, float, float]]]] = {
    # number, lowest, ceiling
    "throttle": lambda rule, ceilings: (
        per_second(rule.rate),
        per_second(rule.rate) / LOWEST_PART,
        ceilings.rate,
    ),
    "connections": lambda rule, ceilings: (rule.connections, 1, ceilings.connections),
    "messages_per_connection": lambda rule, ceilings: (
        rule.messages_per_connection or max(1, ceilings.messages_per_connection // 2),
        1,
        ceilings.messages_per_connection,
    ),
}


def _effect(
    rule: Rule,
    action: RuleAction,
    reach: Reach,
    why: str,
    ceilings: Ceilings,
    until: UnixMs | None,
    now: UnixMs,
) -> InForce | None:
    """Return a new one; None: what is configured is as low already."""
    number = floor = ceiling = 0.0
    if (numbers := _NUMBERS.get(action)) is not None:
        number, floor, ceiling = numbers(rule, ceilings)
        if number >= ceiling:
            return None
    return InForce(
        rule=rule.name,
        action=action,
        reach=reach,
        since=now,
        until=until,
        changed=now,
        reply=why,
        number=number,
        floor=floor,
        ceiling=ceiling,
        recovery_ms=int(rule.recovery_s * 1000),
        pool=rule.pool,
    )
