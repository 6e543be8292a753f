"""What is in the queue? Answered by the platform process."""

import msgspec

from angarium.insight.admin.protocol import Question, Refused
from angarium.insight.explanation import Explanation
from angarium.queue import (
    DeliveryId,
    EntryPage,
    Filter,
    MessageId,
    QueueSummary,
    ShownMessage,
    delivery_id_text,
    message_id_text,
)

# Ours, of one answer: who wants more asks again with its cursor
PAGE_LIMIT = 1000


class SummarizeQueue(Question[QueueSummary, None], frozen=True, tag="queue_summary"):
    """How much is in it."""


class ListEntries(Question[EntryPage, None], frozen=True, tag="queue_list"):
    """By id, which is by time of arrival."""

    wanted: Filter
    after: bytes | None = None  # the cursor of the page before
    limit: int = 100  # at most PAGE_LIMIT are returned


class ShowMessage(Question[ShownMessage, None], frozen=True, tag="queue_show"):
    """not_found: it is neither in the queue nor in its events."""

    message_id: MessageId


class ContentEnds(msgspec.Struct, frozen=True):
    octets: int


class ReadContent(Question[ContentEnds, bytes], frozen=True, tag="queue_content"):
    """In pieces. not_found: it is not in the queue (any more)."""

    message_id: MessageId


class ExplainMessage(Question[Explanation, None], frozen=True, tag="queue_explain"):
    """Without what only delivery knows (FindLive)."""

    message_id: MessageId
    only: int | None = None  # this recipient


def no_such_message(message_id: MessageId) -> Refused:
    text = f"{message_id_text(message_id)}: no such message in the queue, nor in its events"
    return Refused("not_found", text)


def no_such_recipient(delivery: DeliveryId) -> Refused:
    text = "the message has no such recipient, in the queue or in its events"
    return Refused("not_found", f"{delivery_id_text(delivery)}: {text}")


def no_content(message_id: MessageId) -> Refused:
    text = f"{message_id_text(message_id)}: its content is not in the queue (any more)"
    return Refused("not_found", text)
