"""A smart host is left alone: it did not answer, or said that nothing it is given would do."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class SmartHostRested(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """``message_id`` is empty."""

    number: ClassVar[int] = 32
    name: ClassVar[str] = "smart_host_rested"

    way: str  # "ses", or its URL
    reason: str  # what it said last
    failures: int  # in a row
    until: UnixMs  # then it is probed
