"""The durable queue on LMDB: what each server process opens once."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from angarium.config.schema import Queue
from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.lmdb.accepting import Accept, AcceptOnTerms
from angarium.queue.lmdb.administration.acts import ActOn
from angarium.queue.lmdb.administration.administration import LmdbAdministration
from angarium.queue.lmdb.committer import Committer
from angarium.queue.lmdb.event_log import AppendEvents, LmdbEventLog
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.mapped_pages import MappedPages
from angarium.queue.lmdb.keepsakes import LmdbKeepsakes
from angarium.queue.lmdb.ledger import LmdbLedger
from angarium.queue.lmdb.once_table import SweepOnce, read_once
from angarium.queue.lmdb.ownership import Own
from angarium.queue.lmdb.partition import LmdbPartition
from angarium.queue.lmdb.pulling_in import PAUSE_S
from angarium.queue.lmdb.reports import LmdbReports
from angarium.queue.lmdb.routes import RememberRoutes, read_route
from angarium.queue.lmdb.summary import read_summary
from angarium.queue.lmdb.suppression.store import LmdbSuppressions
from angarium.queue.lmdb.transaction import Transactor
from angarium.queue.model import MessageId, PartitionNumber, RouteHint, Submission
from angarium.queue.quota import QuotaUse
from angarium.queue.spool import RECORD_WITHIN_S, Clock, QueueError, QueueFullError
from angarium.queue.summary import QueueSummary
from angarium.queue.terms import AcceptOutcome, KeyReused, Repeated, Terms

# A hint: it waits for company
ROUTES_WITHIN_S: Final = 1.0
_NOBODY_WAITS: Final = Actor(
    who="angarium", reason="its client was told to come again before it was on disk"
)


class LmdbSpool:
    """Implements Spool. Used from the thread of one event loop; its committer is a thread of its own."""

    def __init__(self, env: QueueEnvironment, committer: Committer, clock: Clock) -> None:
        self._env = env
        self._committer = committer
        self._clock = clock
        self._routes: dict[str, RouteHint] = {}  # not on disk yet
        self.events = LmdbEventLog(env, committer.submit)
        self.administration = LmdbAdministration(env, clock, committer.submit)
        self.keepsakes = LmdbKeepsakes(env, committer.submit)
        self.suppressions = LmdbSuppressions(env, clock, committer.submit)
        self.reports = LmdbReports(env, committer.submit, committer.submit_lazily)
        self.ledger = LmdbLedger(env, committer.submit)
        self.give_way = committer.give_way

    @classmethod
    def open(
        cls,
        path: str | Path,
        config: Queue,
        clock: Clock,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> "LmdbSpool":
        """Open the queue in directory ``path``, or make it. Blocks; ``loop`` None: the running one.

        Raises SchemaError, QueueBusyError, QueueError.
        """
        loop = loop or asyncio.get_running_loop()
        env = QueueEnvironment.open(Path(path), config, may_compact=True)
        pages = MappedPages(Path(path) / "data.mdb")
        transactor = Transactor(env, clock)
        committer = Committer(transactor, loop, env.reader_check, pages.give_back)
        env.while_waiting = committer.serve_park
        return cls(env, committer, clock)

    def close(self) -> None:
        """Commit what is pending and close. Blocks for as long as an fsync takes."""
        self._committer.close()
        self._env.close()

    def accept(self, batch: Sequence[Submission]) -> asyncio.Future[None]:
        self._check_room()
        return self._committer.submit(Accept(batch, self._env.partitions, self._withdraw))

    def accept_on_terms(
        self, batch: Sequence[Submission], terms: Terms
    ) -> "asyncio.Future[AcceptOutcome]":
        self._check_room()
        limit = self._env.once_limit
        operation = AcceptOnTerms(batch, terms, self._env.partitions, limit, self._withdraw)
        return self._committer.submit(operation)

    def record(self, events: Sequence[CataloguedKind]) -> asyncio.Future[None]:
        self._check_room()
        return self._committer.submit_lazily(AppendEvents(events), RECORD_WITHIN_S)

    def find_answer(self, tenant: str, key: str, digest: bytes) -> Repeated | KeyReused | None:
        return read_once(self._env, tenant, key, digest, self._clock())

    async def forget_keys(self) -> None:
        place: bytes | None = b""
        while place is not None:
            place = await self._committer.submit(SweepOnce(place))
            await asyncio.sleep(0 if place is None else PAUSE_S)

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return self.administration.quota_use(tenant)

    def _check_room(self) -> None:
        self._env.check()
        if self._env.space.is_low():  # settlements still pass: that is what the mark is for
            raise QueueFullError("the disk is below queue.min_free_octets")

    def _withdraw(self, keys: Sequence[bytes]) -> None:
        # Closing: then the client's second try is a duplicate
        with contextlib.suppress(QueueError):
            self._committer.submit(ActOn("cancel", keys, _NOBODY_WAITS))

    def partitions(self) -> Sequence[PartitionNumber]:
        return [PartitionNumber(each) for each in range(self._env.partitions)]

    async def own(self, partition: PartitionNumber, node: str) -> LmdbPartition:
        if not 0 <= partition < self._env.partitions:
            raise ValueError(f"no partition {partition}")
        epoch: int = await self._committer.submit(Own(partition, node))
        return LmdbPartition(self._env, self._committer, self._clock, partition, epoch)

    def wakeups(self, ring: Callable[[PartitionNumber], None]) -> None:
        self._committer.on_due(ring)

    def find_route(self, domain: str) -> RouteHint | None:
        """Return what is remembered of where a domain's mail belongs; a hint, possibly out of date."""
        return self._routes.get(domain) or read_route(self._env, domain)

    def remember_routes(self, batch: Iterable[RouteHint]) -> None:
        """Remember routes: at once here, on disk (for other processes) within about a second."""
        fresh = {hint.domain: hint for hint in batch if self.find_route(hint.domain) != hint}
        if not fresh:
            return
        self._routes.update(fresh)

        def forget(future: asyncio.Future[None]) -> None:
            if not future.cancelled():
                future.exception()  # a hint that was not written is found out again
            for domain, hint in fresh.items():
                if self._routes.get(domain) is hint:
                    del self._routes[domain]

        done = self._committer.submit_lazily(RememberRoutes(fresh.values()), ROUTES_WITHIN_S)
        done.add_done_callback(forget)

    async def fail(self) -> NoReturn:
        """Wait until the disk fails, then raise QueueFailedError: for a process to end by, whatever else it does."""
        raise await asyncio.shield(self._committer.failure)

    def has_room(self) -> bool:
        """Whether the disk is above its free-space mark and not full: new mail would be accepted."""
        return self._env.space.has_room()

    def summary(self) -> QueueSummary:
        """Return counts of the whole queue; costs microseconds."""
        return read_summary(self._env)

    def free_stale_readers(self) -> int:
        """Free the slots of readers that were killed: they keep pages from being used again. Returns how many."""
        self._env.check()
        return self._env.reader_check()

    def content(self, message_id: MessageId) -> bytes | None:
        with self._env.read() as txn:
            return txn.get(message_id, db=self._env.body)

    def observe_commits(self, observe: Callable[[float, int], None]) -> None:
        """Have each commit's seconds and operations reported, from the committer's thread."""
        self._committer.observe = observe

    @property
    def transactions(self) -> int:
        """How many transactions this process has committed."""
        return self._committer.transactions
