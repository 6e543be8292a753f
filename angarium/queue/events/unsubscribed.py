"""A recipient wants no more of a stream."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Unsubscribed(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """By a signed reference that was given to this recipient."""

    number: ClassVar[int] = 25
    name: ClassVar[str] = "unsubscribed"

    version: ClassVar[int] = 2

    how: str  # mail | one-click | page
    # What was left: ``suppressions.Scope``; "": the stream, the event is of before 2
    scope: str = ""
