"""A recipient was given up: refused for good."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent


class Bounced(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Permanently refused, or cannot be delivered at all. Final."""

    number: ClassVar[int] = 5
    name: ClassVar[str] = "bounced"
    version: ClassVar[int] = 3

    actor: str = ""  # who returned it; "": its host refused it
    reason: str = ""
    campaign: str = ""  # of its message; "" in events before version 3
