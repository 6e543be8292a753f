"""What a report has for the sender of the mail that it is about, and what became of that. Pure."""

from enum import StrEnum

import msgspec

from angarium.feedback.report import ReportedRecipient
from angarium.queue.model import MessageId


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of one recipient of one message, by a valid reference."""

    message_id: MessageId
    index: int
    reported: ReportedRecipient


class SenderTold(StrEnum):
    """Whether the sender was told. On disk, in ``report_bounced``, as it stands."""

    NOT_OURS = ""  # the report did not come to a return path of ours: the sender has its own
    TOLD = "told"
    AGAIN = "again"  # it was told of this recipient already
    UNWANTED = "unwanted"  # by its NOTIFY, or its reverse path is null
    LIMIT = "limit"  # it had as many notices this hour as one sender gets
    FORGOTTEN = "forgotten"  # the event log has no more how the message was accepted
