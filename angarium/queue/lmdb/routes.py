"""Route hints: which partition a domain's mail belongs to. A cache: losing one costs a move, never a message."""

from collections.abc import Iterable
from typing import Final

from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.records import RecordError, RouteRecord, decode_route, encode
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import PartitionNumber, RouteHint

# RFC 1035 section 2.3.4; LMDB's keys end at 511
MAX_DOMAIN_OCTETS: Final = 255


class RememberRoutes:
    """Operation: write what differs from what is known."""

    def __init__(self, hints: Iterable[RouteHint]) -> None:
        self._routes = [
            (key, _encoded(hint))
            for hint in hints
            if 0 < len(key := hint.domain.encode()) <= MAX_DOMAIN_OCTETS
        ]
        self.octets = len(self._routes) * 400

    def apply(self, tx: WriteTransaction) -> None:
        for key, raw in self._routes:
            if tx.get(tx.env.route, key) != raw:
                tx.put(tx.env.route, key, raw)


def _encoded(hint: RouteHint) -> bytes:
    return encode(RouteRecord(partition=hint.partition, provider=hint.provider, site=hint.site))


def route_provider(tx: WriteTransaction, domain: str) -> str | None:
    """Return a domain's provider, as far as it is known."""
    key = domain.encode()
    raw = tx.get(tx.env.route, key) if 0 < len(key) <= MAX_DOMAIN_OCTETS else None
    record = None if raw is None else _find_record(raw)
    return None if record is None else record.provider


def read_route(env: QueueEnvironment, domain: str) -> RouteHint | None:
    key = domain.encode()
    if not 0 < len(key) <= MAX_DOMAIN_OCTETS:
        return None
    with env.read() as txn:
        raw = txn.get(key, db=env.route)
    record = None if raw is None else _find_record(raw)
    if record is None:
        return None
    return RouteHint(
        domain=domain,
        partition=PartitionNumber(record.partition),
        provider=record.provider,
        site=record.site,
    )


def _find_record(raw: bytes) -> RouteRecord | None:
    try:
        return decode_route(raw)
    except RecordError:
        return None  # a hint that the disk damaged is found out again
