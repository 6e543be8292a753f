"""A recipient's MX took the message."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent


class Delivered(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """The recipient's MX took it. Final."""

    number: ClassVar[int] = 2
    name: ClassVar[str] = "delivered"
    version: ClassVar[int] = 2

    campaign: str = ""  # of its message; "" in events of version 1
