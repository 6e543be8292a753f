"""A hold rule began."""

from typing import ClassVar

from angarium.queue.events.shape import RuleEvent
from angarium.queue.model import UnixMs


class HoldRuleAdded(RuleEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """From here on no attempt begins for mail that meets all given conditions."""

    number: ClassVar[int] = 12
    name: ClassVar[str] = "hold_rule_added"
    version: ClassVar[int] = 2

    tenant: str | None
    sender: str | None
    domain: str | None
    provider: str | None
    until: UnixMs | None
    campaign: str | None = None
