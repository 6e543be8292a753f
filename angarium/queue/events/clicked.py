"""A link in a message was followed."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Clicked(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """A machine may have done it."""

    number: ClassVar[int] = 36
    name: ClassVar[str] = "clicked"

    client: str  # address and user agent; ""
    link: str
