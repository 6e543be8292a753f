"""A recipient was released."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent


class OperatorReleased(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Back in the schedule: by an act, or since the rule that held it has ended."""

    number: ClassVar[int] = 9
    name: ClassVar[str] = "released"

    rule: int = 0  # that had held it; 0: an act had
