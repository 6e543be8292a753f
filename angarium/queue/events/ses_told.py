"""Amazon SES told how far a message has come that it took from us."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class SesTold(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """By a signed notification. Bounces and complaints are events of their own."""

    number: ClassVar[int] = 34
    name: ClassVar[str] = "ses_told"

    kind: str  # delivery | reject | send | delay | rendering-failure | subscription
    reply: str  # what the recipient's host said, or SES; ""
