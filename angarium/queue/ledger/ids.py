"""Ids of a campaign's messages: UUIDv7 of the batch's time, whose other bits follow from campaign and row. Pure.

So the row of a message is found by its id, and nobody else can guess one (C6): the campaign's secret is random.
"""

import hashlib

from angarium.queue.model import MessageId, UnixMs

_LOW = (1 << 62) - 1


def row_message_id(secret: bytes, base: UnixMs, index: int, row: int) -> MessageId:
    """``index``: of the row in its batch, 0 to 4,095."""
    digest = hashlib.blake2b(row.to_bytes(8, "big"), key=secret, digest_size=8).digest()
    high = ((base % (1 << 48)) << 16) | 0x7000 | index
    low = (int.from_bytes(digest, "big") & _LOW) | (0b10 << 62)
    return MessageId(((high << 64) | low).to_bytes(16, "big"))


def index_in_batch(message_id: bytes) -> int:
    return int.from_bytes(message_id[6:8], "big") & 0xFFF
