"""An attempt ended with us, its outcome unknown."""

from typing import ClassVar

from angarium.queue.events.shape import RecipientEvent


class InDoubt(RecipientEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """We died during an attempt: it may have been delivered, and is tried again."""

    number: ClassVar[int] = 7
    name: ClassVar[str] = "in_doubt"
