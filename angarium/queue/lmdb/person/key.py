"""The installation's key, by which an erased address is known again: made with the first erasure, in ``meta``."""

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import ReadTransaction
from angarium.queue.lmdb.keys import ERASURE_KEY
from angarium.queue.lmdb.transaction import WriteTransaction


def read_key(txn: ReadTransaction, env: QueueEnvironment) -> bytes | None:
    """Return it; None: nobody was ever erased."""
    return txn.get(ERASURE_KEY, db=env.meta)


class MakeKey:
    """Operation: keep the key that is there, or take this one; returns which it is."""

    octets = 64

    def __init__(self, fresh: bytes) -> None:
        self._fresh = fresh

    def apply(self, tx: WriteTransaction) -> bytes:
        found = tx.get(tx.env.meta, ERASURE_KEY)
        if found is None:
            tx.put(tx.env.meta, ERASURE_KEY, self._fresh)
        return found or self._fresh
