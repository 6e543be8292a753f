"""Route hints: which partition a domain's mail belongs to. A cache: losing one costs a move, never a message."""

from collections.abc import Iterable
from typing import Final

from angarium.queue.lmdb.environment import QueueEnvironment
from angarium.queue.lmdb.records import RouteRecord, decode_route, encode
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import PartitionNumber, RouteHint

MAX_DOMAIN_OCTETS: Final = 255  # RFC 1035 section 2.3.4; LMDB's keys end at 511


class RememberRoutes:
    """Operation: write what differs from what is known."""

    def __init__(self, hints: Iterable[RouteHint]) -> None:
        self._routes = [
            (key, encode(RouteRecord(hint.partition, hint.provider, hint.site)))
            for hint in hints
            if 0 < len(key := hint.domain.encode()) <= MAX_DOMAIN_OCTETS
        ]
        self.octets = len(self._routes) * 400

    def apply(self, tx: WriteTransaction) -> None:
        for key, raw in self._routes:
            if tx.get(tx.env.route, key) != raw:
                tx.put(tx.env.route, key, raw)


def read_route(env: QueueEnvironment, domain: str) -> RouteHint | None:
    key = domain.encode()
    if not 0 < len(key) <= MAX_DOMAIN_OCTETS:
        return None
    with env.read() as txn:
        raw = txn.get(key, db=env.route)
    if raw is None:
        return None
    record = decode_route(raw)
    return RouteHint(
        domain=domain,
        partition=PartitionNumber(record.partition),
        provider=record.provider,
        site=record.site,
    )
