"""A recipient was cancelled."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent


class Cancelled(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Removed from the queue by an act; its sender is not told. Final."""

    number: ClassVar[int] = 11
    name: ClassVar[str] = "cancelled"
