"""A message got another start."""

from typing import ClassVar

from angarium.queue.events.shape import ActEvent
from angarium.queue.model import UnixMs


class Rescheduled(ActEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """One for each of its recipients: none of them had an attempt yet."""

    number: ClassVar[int] = 37
    name: ClassVar[str] = "rescheduled"

    due: UnixMs = UnixMs(0)  # its start from now on
    expires: UnixMs = UnixMs(0)  # when its time is over from now on
