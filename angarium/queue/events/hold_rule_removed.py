"""A hold rule ended."""

from typing import ClassVar

from angarium.queue.events.shape import RuleEvent


class HoldRuleRemoved(RuleEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """The rule binds nothing any more. What it held is released one by one, each with its event, or stays held."""

    number: ClassVar[int] = 13
    name: ClassVar[str] = "hold_rule_removed"

    releases: bool  # what it held
