"""A recipient was held."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent


class OperatorHeld(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Taken out of the schedule: by an act, or by a rule in force (then actor and reason are the rule's)."""

    number: ClassVar[int] = 8
    name: ClassVar[str] = "held"

    rule: int = 0  # 0: by an act
