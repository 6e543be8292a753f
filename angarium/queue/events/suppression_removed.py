"""An address is suppressed no more."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class SuppressionRemoved(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Taken away by somebody, or its time was over; ``message_id`` is empty."""

    number: ClassVar[int] = 22
    name: ClassVar[str] = "suppression_removed"

    email: str
    scope: str  # as text
    cause: str  # why it had been suppressed
    actor: str
    reason: str
