"""What is in the queue? Answered by the platform process."""

import msgspec

from angarium.insight.admin.protocol import Question, Refused
from angarium.insight.explanation import Explanation
from angarium.queue import (
    DeliveryId,
    EntryPage,
    Filter,
    MessageId,
    Origin,
    Position,
    QueueEntry,
    QueueSummary,
    ShownMessage,
    delivery_id_text,
    message_id_text,
)
from angarium.queue.act import Part
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.events.catalogue import decode_event, encode_known

# Ours, of one answer: who wants more asks again with its cursor
PAGE_LIMIT = 1000
# Ours, of messages that an abbreviated id may mean
CANDIDATES = 10


class SummarizeQueue(Question[QueueSummary, None], frozen=True, tag="queue_summary"):
    """How much is in it."""


class BreakDownQueue(Question[Breakdown, None], frozen=True, tag="queue_breakdown"):
    """What the matching recipients are made of."""

    wanted: Filter
    by: Quality
    limit: int = 20  # values named one by one; at most PAGE_LIMIT are


class ListEntries(Question[EntryPage, None], frozen=True, tag="queue_list"):
    """By id, which is by time of arrival."""

    wanted: Filter
    after: bytes | None = None  # the cursor of the page before
    limit: int = 100  # at most PAGE_LIMIT are returned


class FoundMessages(msgspec.Struct, frozen=True):
    ids: tuple[MessageId, ...]  # at most CANDIDATES


class FindMessages(Question[FoundMessages, None], frozen=True, tag="find_messages"):
    """Whose ids begin like that."""

    beginning: str  # digits, with or without dashes


class SentEvent(msgspec.Struct, frozen=True):
    sequence: int
    octets: bytes  # as the catalogue of events writes it


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A ShownMessage on its way: its events are arrays without names, and told apart by the catalogue only."""

    message_id: MessageId
    queued: bool
    origin: Origin | None
    message_id_header: str
    header_from: str
    entries: tuple[QueueEntry, ...]
    events: tuple[SentEvent, ...]

    @classmethod
    def of(cls, shown: ShownMessage) -> "SentMessage":
        return cls(
            message_id=shown.message_id,
            queued=shown.queued,
            origin=shown.origin,
            message_id_header=shown.message_id_header,
            header_from=shown.header_from,
            entries=shown.entries,
            events=tuple(
                SentEvent(each.sequence, encode_known(each.event)) for each in shown.events
            ),
        )

    def shown(self) -> ShownMessage:
        """Raises EventError."""
        return ShownMessage(
            message_id=self.message_id,
            queued=self.queued,
            origin=self.origin,
            message_id_header=self.message_id_header,
            header_from=self.header_from,
            entries=self.entries,
            events=tuple(
                Position(each.sequence, decode_event(each.octets)) for each in self.events
            ),
        )


class ShowMessage(Question[SentMessage, None], frozen=True, tag="queue_show"):
    """not_found: it is neither in the queue nor in its events."""

    message_id: MessageId


class ContentEnds(msgspec.Struct, frozen=True):
    octets: int


class ReadContent(Question[ContentEnds, bytes], frozen=True, tag="queue_content"):
    """In pieces, once it is written down who looked. not_found: it is not in the queue (any more)."""

    message_id: MessageId
    part: Part = "all"
    reason: str = ""


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
