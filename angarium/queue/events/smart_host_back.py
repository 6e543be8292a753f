"""A smart host that was left alone is used again."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent
from angarium.queue.model import UnixMs


class SmartHostBack(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """``message_id`` is empty."""

    number: ClassVar[int] = 33
    name: ClassVar[str] = "smart_host_back"

    way: str  # "ses", or its URL
    since: UnixMs  # when it was rested
