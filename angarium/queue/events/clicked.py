"""A link in a message was followed."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Clicked(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """A machine may have done it."""

    number: ClassVar[int] = 36
    name: ClassVar[str] = "clicked"
    version: ClassVar[int] = 2

    client: str  # address and user agent, as far as they are kept; ""
    link: str
    verdict: str = ""  # as of Opened, and the next
    reasons: tuple[str, ...] = ()
    link_number: int = -1  # in the message, from 0; -1: not known
