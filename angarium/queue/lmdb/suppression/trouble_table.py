"""The table of troubles: by an address's key, what is remembered of its failures."""

from typing import Final

import msgspec

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.records import RecordError, decode, encode
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import UnixMs
from angarium.queue.trouble import TROUBLE_LIMIT, Trouble

# Looked at in one transaction
FORGET_LIMIT: Final = 500
_decoder: Final = msgspec.msgpack.Decoder(Trouble)


def find_trouble(raw: bytes | None) -> Trouble | None:
    """Return what is remembered; of what the disk damaged, nothing."""
    try:
        return None if raw is None else decode(raw, _decoder)
    except RecordError:
        return None


def write_trouble(tx: WriteTransaction, key: bytes, trouble: Trouble | None) -> None:
    table = tx.env.trouble
    if trouble is None:
        tx.delete(table, key)
    elif tx.entries(table) < TROUBLE_LIMIT or tx.get(table, key) is not None:
        tx.put(table, key, encode(trouble))


def find_forgettable(
    env: QueueEnvironment, start: bytes, before: UnixMs
) -> tuple[list[bytes], bytes | None]:
    """Look at some; return keys of those whose last failure was before, and where the next ones begin."""
    old: list[bytes] = []
    with env.read() as txn:
        cursor = txn.cursor(env.trouble)
        if not cursor.set_range(start):
            return old, None
        for looked, (key, raw) in enumerate(cursor.iternext(), 1):
            trouble = find_trouble(raw)
            if trouble is None or trouble.last_at < before:
                old.append(key)
            if looked == FORGET_LIMIT:
                return old, key + b"\0"
    return old, None


class ForgetTroubles:
    """Operation: forget those of these whose last failure was before; returns how many."""

    def __init__(self, keys: list[bytes], before: UnixMs) -> None:
        self._keys = keys
        self._before = before
        self.octets = len(keys) * 400

    def apply(self, tx: WriteTransaction) -> int:
        count = 0
        for key in self._keys:
            trouble = find_trouble(tx.get(tx.env.trouble, key))
            if trouble is None or trouble.last_at < self._before:
                count += tx.delete(tx.env.trouble, key)
        return count
