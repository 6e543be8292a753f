"""The fields that events share. On disk an event is the array of its fields, those of its shape first.

So a shape never gains, loses or moves a field: what an event needs besides is appended to that event.
"""

from typing import ClassVar

import msgspec

from angarium.queue.model import Attempt, MessageId, UnixMs


class EventHead(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What every event begins with: finding a message's events and trimming read no more of them."""

    at: UnixMs
    message_id: MessageId  # empty in an event that is about no message


class CataloguedEvent(EventHead, frozen=True, kw_only=True, array_like=True, gc=False):
    number: ClassVar[int]  # on disk; never given twice
    name: ClassVar[str]  # in the mail log, metrics and webhooks
    version: ClassVar[int] = 1  # counts how often fields were appended


class MessageEvent(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    tenant: str
    stream: str


class RecipientEvent(MessageEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    index: int
    recipient: str  # forward-path
    reverse_path: str
    in_doubt: int = 0  # attempts of this recipient, so far, that ended in a crash of ours


class AttemptEvent(RecipientEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    attempts: int  # made, this one included
    attempt: Attempt


class ActEvent(RecipientEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Somebody changed the recipient by an act on the queue."""

    actor: str = ""  # who; "" in events from before it was recorded
    reason: str = ""


class RuleEvent(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """About a hold rule; ``message_id`` is empty."""

    rule: int
    actor: str
    reason: str
