"""A bounce came back after the message had been delivered."""

from typing import ClassVar

from angarium.queue.events.report_shape import FeedbackEvent


class ReportBounced(FeedbackEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """A later host gave the recipient up: a DSN, or a mail to that effect, with a reference of ours."""

    number: ClassVar[int] = 23
    version: ClassVar[int] = 2  # 2: sender_told
    name: ClassVar[str] = "report_bounced"

    status: str  # "5.1.1"; "": none was given
    bounce_class: str  # of feedback.classes
    effect: str  # suppress | retry | throttle | tell-tenant | none
    reply: str  # what it was judged by
    host: str  # who said so; ""
    # What its sender was told, of feedback.news; "": nothing, since bounces go to its own reverse path
    sender_told: str = ""
