"""An attempt failed, and another one follows."""

from typing import ClassVar

from angarium.queue.events.shape import AttemptEvent
from angarium.queue.model import UnixMs


class AttemptFailed(AttemptEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """An attempt failed for now; the recipient waits for the next one."""

    number: ClassVar[int] = 4
    name: ClassVar[str] = "deferred"
    version: ClassVar[int] = 2

    due: UnixMs  # of the next attempt
    campaign: str = ""  # of its message; "" in events of version 1
