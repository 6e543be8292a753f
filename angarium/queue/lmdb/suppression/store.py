"""Suppressions on LMDB: found in microseconds, and read in pages beside everything else."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import ERASURE_KEY
from angarium.queue.lmdb.records import RecordError
from angarium.queue.lmdb.steps import Steps, follow_steps
from angarium.queue.lmdb.suppression.changing import (
    SWEEP_LIMIT,
    ApplySuppressions,
    SweepSuppressions,
)
from angarium.queue.lmdb.suppression.table import decode_suppression, find_suppression
from angarium.queue.lmdb.suppression.trouble_table import (
    ForgetTroubles,
    find_forgettable,
    find_trouble,
)
from angarium.queue.lmdb.transaction import Operation
from angarium.queue.model import UnixMs
from angarium.queue.spool import Clock
from angarium.queue.suppression_changes import SuppressionChange
from angarium.queue.suppression_filter import CompiledSuppressionFilter, SuppressionFilter
from angarium.queue.suppression_key import address_key
from angarium.queue.suppression_store import NO_TROUBLES
from angarium.queue.suppressions import Scope, Suppression, SuppressionPage, scopes_of
from angarium.queue.trouble import Trouble

# Looked at in one read transaction: the event loop waits for it
READ_LIMIT: Final = 500


class LmdbSuppressions:
    """Implements Suppressions."""

    def __init__(
        self,
        env: QueueEnvironment,
        clock: Clock,
        submit: Callable[[Operation], "asyncio.Future[Any]"],
    ) -> None:
        self._env = env
        self._clock = clock
        self._submit = submit

    def find(self, address: str, tenant: str, stream: str, topic: str = "") -> Suppression | None:
        return self.find_each((address,), tenant, stream, topic)[0]

    def find_each(
        self, addresses: Sequence[str], tenant: str, stream: str, topic: str
    ) -> list[Suppression | None]:
        return find_in(self._env, addresses, scopes_of(tenant, stream, topic), self._clock())

    async def page(
        self, wanted: SuppressionFilter, after: bytes | None, limit: int
    ) -> SuppressionPage:
        steps = page_steps(self._env, wanted, after, limit, self._clock())
        return await follow_steps(steps, self._submit)

    def apply(
        self,
        changes: Sequence[SuppressionChange],
        events: Sequence[CataloguedKind] = (),
        troubles: Mapping[str, Trouble | None] = NO_TROUBLES,
    ) -> "asyncio.Future[list[bool]]":
        operation = ApplySuppressions(changes, events, troubles)
        # Awaited, it is committed
        return self._submit(operation)  # SU1

    def find_troubles(self, addresses: Sequence[str]) -> list[Trouble | None]:
        table = self._env.trouble
        with self._env.read() as txn:
            if not txn.stat(table)["entries"]:
                return [None] * len(addresses)
            return [find_trouble(txn.get(address_key(each), db=table)) for each in addresses]

    async def forget_troubles(self, before: UnixMs) -> int:
        forgotten: int = await follow_steps(forget_steps(self._env, before), self._submit)
        return forgotten

    def count(self) -> int:
        return count_suppressions(self._env)

    async def sweep(self) -> int:
        swept: int = await follow_steps(sweep_steps(), self._submit)
        return swept


def find_in(
    env: QueueEnvironment, addresses: Sequence[str], scopes: Sequence[Scope], now: UnixMs
) -> list[Suppression | None]:
    table = env.suppression
    with env.read() as txn:
        if not txn.stat(table)["entries"]:
            return [None] * len(addresses)

        def get(key: bytes) -> bytes | None:
            return txn.get(key, db=table)

        erasure_key = txn.get(ERASURE_KEY, db=env.meta)
        return [find_suppression(get, each, scopes, now, erasure_key) for each in addresses]


def count_suppressions(env: QueueEnvironment) -> int:
    with env.read() as txn:
        return txn.stat(env.suppression)["entries"]


def sweep_steps() -> Steps[int]:
    swept = 0
    while True:
        count: int = yield SweepSuppressions()
        swept += count
        if count < SWEEP_LIMIT:
            return swept


def forget_steps(env: QueueEnvironment, before: UnixMs) -> Steps[int]:
    forgotten = 0
    start: bytes | None = b""
    while start is not None:
        old, start = find_forgettable(env, start, before)
        if old:
            forgotten += yield ForgetTroubles(old, before)
        else:
            yield None
    return forgotten


def page_steps(
    env: QueueEnvironment, wanted: SuppressionFilter, after: bytes | None, limit: int, now: UnixMs
) -> Steps[SuppressionPage]:
    """Raises ValueError."""
    asked = CompiledSuppressionFilter(wanted)
    found: list[tuple[bytes, Suppression]] = []
    start: bytes | None = asked.start if after is None else after + b"\0"
    while start is not None and len(found) <= limit:
        start = _read_on(env, asked, start, now, found, limit)
        yield None
    page = found[: max(limit, 0)]
    cursor = page[-1][0] if len(found) > len(page) > 0 else None
    return SuppressionPage(tuple([each for _, each in page]), cursor)


def _read_on(
    env: QueueEnvironment,
    asked: CompiledSuppressionFilter,
    start: bytes,
    now: UnixMs,
    found: list[tuple[bytes, Suppression]],
    limit: int,
) -> bytes | None:
    """Look at some; returns where the next ones begin, None when there are none."""
    with env.read() as txn:
        cursor = txn.cursor(env.suppression)
        if not cursor.set_range(start):
            return None
        for looked, (key, raw) in enumerate(cursor.iternext(), 1):
            if not key.startswith(asked.start):
                return None
            try:
                each = decode_suppression(raw)
            except RecordError:
                continue  # `queue verify` names it
            if each.is_in_force(now) and asked.matches(each):
                found.append((key, each))
            if looked == READ_LIMIT or len(found) > limit:
                return key + b"\0"
    return None
