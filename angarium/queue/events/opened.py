"""A message was opened, as far as that can be told."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Opened(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """By a picture that was fetched: a machine may have done it."""

    number: ClassVar[int] = 35
    name: ClassVar[str] = "opened"
    version: ClassVar[int] = 2

    client: str  # address and user agent, as far as they are kept; ""
    # human | machine; "": nobody has judged, as with what SES tells
    verdict: str = ""
    reasons: tuple[str, ...] = ()  # why it is a machine's: ``tracking.verdict``
