"""The fields that events about a mail that came back share. As of ``shape``, none is ever added or moved."""

from angarium.queue.events.shape import MessageEvent


class FeedbackEvent(MessageEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """About one recipient of one message, both by a signed reference."""

    campaign: str
    index: int  # of the recipient; -1: which one is known by its address only
    recipient: str  # forward-path
    sender_domain: str  # of the message; "": not known
    report: bytes  # the id of the mail that says so
