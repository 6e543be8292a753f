"""A recipient complained about a message."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class Complained(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """A feedback report (RFC 5965) with a reference of ours. Of type not-spam or auth-failure it is no complaint."""

    number: ClassVar[int] = 24
    name: ClassVar[str] = "complained"

    feedback_type: str  # abuse | fraud | opt-out | not-spam | auth-failure | ...
    host: str  # who handed the report in, by its address
