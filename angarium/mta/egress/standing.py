"""Tells what of rules and of sources that cannot send is in force, as ``narrowing`` has it. Pure."""

from collections.abc import Sequence
from typing import Final

from angarium.config.quantity import rate_text
from angarium.mta.egress.gates.rules import SHOWN_CHARACTERS
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.egress.source_health import Outage, SourceHealth
from angarium.queue.model import UnixMs
from angarium.reputation.in_force import InForce
from angarium.reputation.rule_engine import RuleEngine

# What keeps mail from going at all
_SUSPENDING: Final = frozenset(("suspend", "hold"))


class RuleStanding:
    """Satisfies ``narrowing.SaysNarrowings``."""

    def __init__(self, engine: RuleEngine) -> None:
        self._engine = engine

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]:
        return [_of_rule(each, now) for each in self._engine.in_force(now)]


class SourceStanding:
    """Satisfies ``narrowing.SaysNarrowings``."""

    def __init__(self, health: SourceHealth) -> None:
        self._health = health

    def narrowings(self, now: UnixMs) -> Sequence[Narrowing]:
        return [_of_outage(each) for each in self._health.outages()]


def _of_rule(effect: InForce, now: UnixMs) -> Narrowing:
    reach = effect.reach
    is_whole = reach.scope == "source"
    is_throttle = effect.action == "throttle"
    return Narrowing(
        kind="rule",
        name=effect.rule,
        text=f"{_action_text(effect, now)}, after '{effect.reply[:SHOWN_CHARACTERS]}'",
        source=reach.subject if is_whole else "",
        provider=reach.provider,
        scope="" if is_whole else f"{reach.scope} {reach.subject}",
        until=effect.ends,
        suspends=is_whole and effect.action in _SUSPENDING,
        messages_per_s=effect.allowed(now) if is_whole and is_throttle else None,
    )


def _action_text(effect: InForce, now: UnixMs) -> str:
    match effect.action:
        case "suspend":
            return "nothing is sent"
        case "hold":
            return "held until it is undone"
        case "throttle":
            return f"{rate_text(effect.allowed(now))} instead of {rate_text(effect.ceiling)}"
        case "connections":
            return f"{int(effect.allowed(now))} connections instead of {int(effect.ceiling)}"
        case "messages_per_connection":
            allowed, usual = int(effect.allowed(now)), int(effect.ceiling)
            return f"{allowed} messages per connection instead of {usual}"
        case "reroute":
            return f"sent by pool {effect.pool}"
        case "retry":
            return "tried again by the rule's own schedule"


def _of_outage(outage: Outage) -> Narrowing:
    return Narrowing(
        kind="source",
        name=outage.source,
        source=outage.source,
        text=f"takes no mail, then it is probed: {outage.reason}",
        until=outage.until,
        suspends=True,
    )
