"""A rule is in force no more: its time was over, or somebody undid it."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class RuleEnded(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """One of its actions, for one scope; ``message_id`` is empty."""

    number: ClassVar[int] = 19
    name: ClassVar[str] = "rule_ended"

    rule: str
    action: str
    scope: str
    subject: str
    provider: str
    how: str  # ended | undone
    replies: int  # that it met
    actor: str  # who undid it; ""
    reason: str
