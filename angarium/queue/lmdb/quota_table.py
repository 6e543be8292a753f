"""How many recipients of a tenant were counted in which period: digest of the tenant, period u8, its start u64."""

from collections.abc import Mapping, Sequence
from typing import Final

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Cursor
from angarium.queue.lmdb.keys import u64
from angarium.queue.lmdb.once_table import tenant_digest
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import UnixMs
from angarium.queue.quota import PERIODS, QuotaUse, next_start, period_start
from angarium.queue.terms import QuotaPeriod

# Counts of periods that are over, deleted at once: there are several only where mail has waited for its quota
_FORGET_LIMIT: Final = 64


class LmdbQuotaCounts:
    """Implements QuotaCounts, for one tenant in one transaction."""

    def __init__(self, tx: WriteTransaction, tenant: str) -> None:
        self._tx = tx
        self._tenant = tenant_digest(tenant)

    def count(self, period: QuotaPeriod, start: UnixMs) -> int:
        raw = self._tx.get(self._tx.env.quota, self._prefix(period) + u64(start))
        return int.from_bytes(raw or b"", "big")

    def latest(self, period: QuotaPeriod) -> UnixMs | None:
        prefix, cursor = self._prefix(period), self._tx.cursor(self._tx.env.quota)
        is_before = cursor.prev() if cursor.set_range(prefix + b"\xff" * 9) else cursor.last()
        if not is_before or not cursor.key().startswith(prefix):
            return None
        return UnixMs(int.from_bytes(cursor.key()[len(prefix) :], "big"))

    def write(self, changed: Mapping[tuple[QuotaPeriod, UnixMs], int]) -> None:
        tx = self._tx
        for (period, start), count in changed.items():
            key = self._prefix(period) + u64(start)
            if tx.get(tx.env.quota, key) is None:
                self._forget(period)
            tx.put(tx.env.quota, key, u64(count))

    def _forget(self, period: QuotaPeriod) -> None:
        prefix, cursor = self._prefix(period), self._tx.cursor(self._tx.env.quota)
        present = prefix + u64(period_start(period, self._tx.now))
        for key in _first_keys(cursor, prefix, before=present):
            self._tx.delete(self._tx.env.quota, key)

    def _prefix(self, period: QuotaPeriod) -> bytes:
        return period_prefix(self._tenant, period)


def period_prefix(tenant: bytes, period: QuotaPeriod) -> bytes:
    return tenant + bytes((PERIODS.index(period),))


def read_quota_use(env: QueueEnvironment, tenant: str, now: UnixMs) -> Sequence[QuotaUse]:
    digest = tenant_digest(tenant)
    used = []
    with env.read() as txn:
        for period in PERIODS:
            start = period_start(period, now)
            raw = txn.get(period_prefix(digest, period) + u64(start), db=env.quota) or b""
            count = int.from_bytes(raw, "big")
            used.append(QuotaUse(period=period, used=count, until=next_start(period, now)))
    return tuple(used)


def _first_keys(cursor: Cursor, prefix: bytes, before: bytes) -> list[bytes]:
    found: list[bytes] = []
    if cursor.set_range(prefix):
        for key, _ in cursor.iternext():
            if key >= before or len(found) == _FORGET_LIMIT:
                break
            found.append(key)
    return found
