"""An operator looked at a message's content."""

from typing import ClassVar

from angarium.queue.events.shape import MessageEvent


class ContentShown(MessageEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Nothing changed, but somebody has read what others wrote."""

    number: ClassVar[int] = 15
    name: ClassVar[str] = "content_shown"

    actor: str
    reason: str
    part: str  # "headers" or "all"
