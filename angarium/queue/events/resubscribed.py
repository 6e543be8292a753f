"""A recipient wants what they had left."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Resubscribed(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """By a signed reference that was given to this recipient, on a page."""

    number: ClassVar[int] = 48
    name: ClassVar[str] = "resubscribed"

    scope: str  # what was left: ``suppressions.Scope``
