"""A recipient was given up: its time is over."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent


class Expired(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Tried for as long as its message may be queued. Final."""

    number: ClassVar[int] = 6
    name: ClassVar[str] = "expired"
    version: ClassVar[int] = 2

    campaign: str = ""  # of its message; "" in events of version 1
