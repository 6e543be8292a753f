"""A recipient was set aside: the disk has damaged what the queue has of it, or its content."""

from typing import ClassVar

from angarium.queue.events.shape import RecipientEvent


class Damaged(RecipientEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Nothing is sent to it. Fields that could not be read are empty."""

    number: ClassVar[int] = 14
    name: ClassVar[str] = "damaged"

    reason: str  # what is damaged
