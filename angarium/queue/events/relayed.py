"""A smart host took the message."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent


class Relayed(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """A smart host took it. Final."""

    number: ClassVar[int] = 3
    name: ClassVar[str] = "relayed"
    version: ClassVar[int] = 2

    campaign: str = ""  # of its message; "" in events of version 1
