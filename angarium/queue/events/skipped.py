"""A recipient was not sent to, since it was too late."""

from typing import ClassVar

from angarium.queue.events.shape import RecipientEvent


class Skipped(RecipientEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Its start was missed, or its time was over before its first attempt; its sender wanted none then. Final."""

    number: ClassVar[int] = 38
    name: ClassVar[str] = "skipped"

    reason: str = ""
    campaign: str = ""
