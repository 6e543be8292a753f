"""Slowing down a sender of whom too many complain, where they complain: as a rule, before it is stopped. Pure.

``breaker`` says whom; what comes of it is in force, shown and undone like any other rule's.
"""

from typing import Final

import msgspec

from angarium.config.schema import Rule
from angarium.queue.model import UnixMs
from angarium.reputation.reply_rules import Reach
from angarium.reputation.rule_engine import Ceilings, RuleEngine

# As it is listed, and undone
RULE: Final = "complaint-breaker"


class Slowing(msgspec.Struct, frozen=True, kw_only=True):
    """Of one tenant, or of its campaign, at one provider."""

    tenant: str
    campaign: str  # "": all of the tenant's mail
    provider: str
    rate: str  # messages, "10/min"
    pause_s: float  # since the last complaint; then it comes back in steps
    why: str


def slow(engine: RuleEngine, slowing: Slowing, now: UnixMs) -> None:
    """Put it in force; once more for who is slowed down already: longer, and slower."""
    reach = Reach(slowing.tenant, "tenant", slowing.provider)
    if slowing.campaign:
        reach = Reach(f"{slowing.tenant}/{slowing.campaign}", "campaign", slowing.provider)
    rule = Rule(
        name=RULE,
        actions=("throttle",),
        scope=reach.scope,
        rate=slowing.rate,
        duration_s=slowing.pause_s,
    )
    # Of a throttle only the rate counts; without another limit
    ceilings = Ceilings(connections=1, messages_per_connection=1)
    engine.impose(rule, reach, slowing.why, ceilings, now)
