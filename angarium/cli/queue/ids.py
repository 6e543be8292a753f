"""Ids as people type them: the whole of one, or its first digits."""

import msgspec

from angarium.cli.exit import EX_NOINPUT, EX_USAGE, CommandError
from angarium.cli.queue.access import QueueAccess
from angarium.insight.admin.queue_reads import CANDIDATES
from angarium.insight.units import time_text
from angarium.queue import (
    DeliveryId,
    Filter,
    MessageId,
    delivery_id_text,
    message_id_ms,
    message_id_text,
    parse_delivery_id,
    parse_message_id,
)


def whole_message_id(queue: QueueAccess, text: str) -> MessageId:
    """Return the message that is meant, by its own id or a recipient's. Raises CommandError."""
    beginning, _, _ = text.partition(".")
    if len(beginning.replace("-", "")) == 32:
        return _parsed(beginning)
    try:
        found = queue.find_messages(beginning)
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None
    if not found:
        raise CommandError(f"{text}: no message has an id that begins so", EX_NOINPUT)
    if len(found) > 1:
        raise CommandError(ambiguous(text, found), EX_USAGE)
    return found[0]


def whole_id(queue: QueueAccess, text: str) -> MessageId | DeliveryId:
    """Return the message or the recipient that is meant. Raises CommandError."""
    message_id = whole_message_id(queue, text)
    _, dot, index = text.partition(".")
    if not dot:
        return message_id
    try:
        return parse_delivery_id(f"{message_id_text(message_id)}.{index}")
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None


def with_whole_ids(queue: QueueAccess, wanted: Filter) -> Filter:
    """Return the filter with ids that are not abbreviated. Raises CommandError."""
    if not wanted.ids:
        return wanted
    found = [whole_id(queue, each) for each in wanted.ids]
    return msgspec.structs.replace(wanted, ids=tuple(map(id_text, found)))


def id_text(id_: MessageId | DeliveryId) -> str:
    return delivery_id_text(id_) if isinstance(id_, DeliveryId) else message_id_text(id_)


def _parsed(text: str) -> MessageId:
    try:
        return parse_message_id(text)
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None


def ambiguous(text: str, found: tuple[MessageId, ...]) -> str:
    lines = [f"  {message_id_text(each)}  {time_text(message_id_ms(each))}" for each in found]
    at_least = "at least " if len(found) == CANDIDATES else ""
    return "\n".join([f"{text}: {at_least}{len(found)} messages have ids that begin so:", *lines])
