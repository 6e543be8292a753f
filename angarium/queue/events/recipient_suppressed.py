"""A recipient was not sent to: its address is suppressed."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent


class RecipientSuppressed(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Ended without an attempt; ``attempt`` says why, and ``attempts`` counts those made before. Final."""

    number: ClassVar[int] = 20
    name: ClassVar[str] = "recipient_suppressed"

    cause: str  # the reason of the suppression
    scope: str  # of the suppression, as text
