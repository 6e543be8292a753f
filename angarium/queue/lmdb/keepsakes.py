"""Keepsakes on LMDB: one table, names to values."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from angarium.queue.events.catalogue import CataloguedKind, encode_event
from angarium.queue.keepsakes import check_changes
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.transaction import Operation, WriteTransaction


def read_keepsakes(env: QueueEnvironment, prefix: str) -> dict[str, bytes]:
    """As ``Keepsakes.read``."""
    found: dict[str, bytes] = {}
    start = prefix.encode()
    with env.read() as txn:
        cursor = txn.cursor(env.keepsake)
        if cursor.set_range(start or b"\0"):
            for key, value in cursor.iternext():
                if not key.startswith(start):
                    break
                found[key.decode()] = value
    return found


class LmdbKeepsakes:
    """Implements Keepsakes."""

    def __init__(
        self, env: QueueEnvironment, submit: Callable[[Operation], "asyncio.Future[None]"]
    ) -> None:
        self._env = env
        self._submit = submit

    def read(self, prefix: str) -> dict[str, bytes]:
        return read_keepsakes(self._env, prefix)

    def write(
        self, changes: Mapping[str, bytes | None], events: Sequence[CataloguedKind] = ()
    ) -> "asyncio.Future[None]":
        raw = [encode_event(each) for each in events]
        return self._submit(WriteKeepsakes(check_changes(changes), raw))


class WriteKeepsakes:
    """Operation."""

    def __init__(self, changes: Mapping[bytes, bytes | None], events: Sequence[bytes] = ()) -> None:
        self._changes = changes
        self._events = events
        self.octets = sum(len(key) + len(value or b"") for key, value in changes.items())
        self.octets += sum(map(len, events))

    def apply(self, tx: WriteTransaction) -> None:
        for key, value in self._changes.items():
            if value is None:
                tx.delete(tx.env.keepsake, key)
            else:
                tx.put(tx.env.keepsake, key, value)
        for event in self._events:
            tx.append_event(event)
