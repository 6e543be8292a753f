"""A partition of the queue in LMDB, as its owner has it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from angarium.queue.lmdb.accepting import prepare_submission
from angarium.queue.lmdb.claiming import Claim, Holding, read_claimed
from angarium.queue.lmdb.committer import Committer
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.keys import (
    delivery_key,
    due_key,
    parse_delivery_key,
    parse_due_key,
    partition_prefix,
)
from angarium.queue.lmdb.ownership import REPLAY_LIMIT, Disown, Replay
from angarium.queue.lmdb.pulling_in import PAUSE_S, PullIn, find_too_late
from angarium.queue.lmdb.records import DueHint, RecordError, decode_hint, hinted_octets
from angarium.queue.lmdb.setting_aside import MEND_LIMIT, Mend, SetAside, Suspect
from angarium.queue.lmdb.settling import Settle, prepare_move, prepare_settlement
from angarium.queue.message_id import delivery_id_text, message_id_text
from angarium.queue.model import (
    ClaimedMessage,
    DueHead,
    PartitionNumber,
    Released,
    Settlement,
    UnixMs,
)
from angarium.queue.spool import Clock, Commit, DuePage, LatestDue, NotClaimedError, position

SETTLE_WITHIN_S: Final = 0.01  # ours: under load claims come sooner, and one fsync serves both

_log: Final = logging.getLogger(__name__)


class LmdbPartition:
    """Implements Partition.

    Invariant LP1: what is in ``_holdings`` has a claim key of our epoch on disk, or lost it to the next owner's replay.

    Invariant LP2: a recipient is settled at most once: it leaves ``_holdings`` before its settlement is submitted.
    """

    def __init__(
        self,
        env: QueueEnvironment,
        committer: Committer,
        clock: Clock,
        number: PartitionNumber,
        epoch: int,
    ) -> None:
        self._env = env
        self._committer = committer
        self._clock = clock
        self._number = number
        self._epoch = epoch
        self._holdings: dict[bytes, Holding] = {}  # by delivery key
        self._mending: set[bytes] = set()  # due keys

    @property
    def number(self) -> PartitionNumber:
        return self._number

    @property
    def epoch(self) -> int:
        return self._epoch

    async def replay(self) -> int:
        total = 0
        while True:
            count: int = await self._committer.submit(Replay(self._number, self._epoch))
            total += count
            if count < REPLAY_LIMIT:
                return total

    def due(self, upto: UnixMs, limit: int, cursor: bytes | None = None) -> DuePage:
        number = self._number
        prefix = partition_prefix(number)
        behind = due_key(number, upto + 1, b"")
        heads: list[DueHead] = []
        last = b""
        hints: dict[bytes, DueHint] = {}  # many are for the same domain
        with self._env.read() as txn:
            found = txn.cursor(self._env.due)
            if limit <= 0 or not found.set_range(prefix + (cursor or b"")):
                return DuePage((), None)
            for key, raw in found.iternext():
                if key >= behind:
                    return DuePage(tuple(heads), None)
                if len(heads) == limit:
                    return DuePage(tuple(heads), last[2:] + b"\0")
                _, due, delivery = parse_due_key(key)
                try:
                    octets, raw_hint = hinted_octets(raw)
                    hint = hints.get(raw_hint)
                    if hint is None:
                        hint = hints[raw_hint] = decode_hint(raw_hint)
                except RecordError:
                    self._mend(key)
                    continue
                heads.append(
                    DueHead(
                        partition=number,
                        due=due,
                        id=delivery,
                        tenant=hint.tenant,
                        domain=hint.domain,
                        octets=octets,
                        stream=hint.stream,
                        priority=hint.priority,
                        campaign=hint.campaign,
                        account=hint.account,
                        sender=hint.sender,
                        in_doubt=hint.in_doubt,
                        source=hint.source,
                        is_timed=hint.is_timed,
                    )
                )
                last = key
        return DuePage(tuple(heads), None)

    async def claim(self, heads: Sequence[DueHead], source: str = "") -> list[ClaimedMessage]:
        for head in heads:
            if head.partition != self._number:
                raise ValueError(f"recipient {delivery_id_text(head.id)} is of another partition")
        if not heads:
            return []
        dues = {delivery_key(head.id): head.due for head in heads}

        def give_back(keys: list[bytes]) -> None:
            self._give_back(keys, dues)

        operation = Claim(self._number, self._epoch, heads, give_back, source)
        future = self._committer.submit(operation)
        try:
            taken: list[bytes] = await future
        except BaseException:
            if future.done() and not future.cancelled() and future.exception() is None:
                give_back(future.result())  # cancelled in the very moment it was done
            raise
        found = read_claimed(self._env, self._number, taken)
        self._holdings.update(found.holdings)  # LP1
        if found.suspects:
            await self._set_aside(found.suspects)
        return found.messages

    async def commit(self, commit: Commit) -> None:
        taken = self._take_holdings(commit.settled)
        try:
            now = self._clock()
            operation = Settle(
                self._number,
                self._epoch,
                [
                    prepare_settlement(settlement, holding, self._number, now)
                    for settlement, holding in zip(commit.settled, taken.values(), strict=True)
                ],
                [prepare_move(each, self._number, self._env.partitions) for each in commit.moved],
                [prepare_submission(each, self._env.partitions) for each in commit.submissions],
            )
            future = self._committer.submit_lazily(operation, SETTLE_WITHIN_S)
        except BaseException:
            self._holdings.update(taken)
            raise
        try:
            await future
        except Exception:
            self._holdings.update(taken)  # nothing was written: they are still ours to settle
            raise

    async def pull_in(self, latest: LatestDue) -> int:
        count = 0
        place: bytes | None = position(self._clock() + 1)
        while place is not None:
            earlier, place = find_too_late(self._env, self._number, place, latest)
            if earlier:
                count += await self._committer.submit(PullIn(self._number, self._epoch, earlier))
            await asyncio.sleep(PAUSE_S)
        return count

    async def disown(self) -> None:
        await self._committer.submit(Disown(self._number, self._epoch))

    async def _set_aside(self, suspects: Sequence[Suspect]) -> None:
        for each in suspects:
            _log.error(
                "a recipient is damaged on disk and set aside",
                extra={"event": "queue_record_damaged", "ids": _ids(each)},
            )
        await self._committer.submit(
            SetAside(partition=self._number, epoch=self._epoch, suspects=suspects)
        )

    def _mend(self, key: bytes) -> None:
        """Have a due key mended whose hint cannot be read; what is due is read on meanwhile."""
        if key in self._mending or len(self._mending) >= MEND_LIMIT:
            return
        self._mending.add(key)
        operation = Mend(partition=self._number, epoch=self._epoch, due_keys=(key,))
        future = self._committer.submit(operation)
        future.add_done_callback(_log_failure)
        future.add_done_callback(lambda _: self._mending.discard(key))

    def _take_holdings(self, settled: Sequence[Settlement]) -> dict[bytes, Holding]:
        """Take what is to be settled out of ``_holdings`` (LP2), all or nothing."""
        taken: dict[bytes, Holding] = {}
        for settlement in settled:
            key = delivery_key(settlement.id)
            holding = self._holdings.pop(key, None)
            if holding is None:
                self._holdings.update(taken)
                raise NotClaimedError(
                    f"recipient {delivery_id_text(settlement.id)} is not claimed, or settled already"
                )
            taken[key] = holding
        return taken

    def _give_back(self, keys: list[bytes], dues: dict[bytes, UnixMs]) -> None:
        """Release claims whose claimer was cancelled before it learned of them: nothing was attempted."""
        if not keys:
            return
        holdings = read_claimed(self._env, self._number, keys).holdings
        now = self._clock()
        settled = [
            prepare_settlement(
                Released(id=parse_delivery_key(key), due=dues[key]), holding, self._number, now
            )
            for key, holding in holdings.items()
        ]
        future = self._committer.submit(Settle(self._number, self._epoch, settled, (), ()))
        future.add_done_callback(_log_failure)


def _log_failure(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        # Claims stay, and the next owner's replay puts them back as in doubt; what was to be mended is met again
        _log.error(
            "abandoned claims could not be given back",
            exc_info=error,
            extra={"event": "queue_give_back_failed"},
        )


def _ids(suspect: Suspect) -> dict[str, str]:
    """For the log: of the message, and of its recipient."""
    delivery = parse_delivery_key(suspect.key)
    return {
        "message_id": message_id_text(delivery.message_id),
        "id": delivery_id_text(delivery),
        "reason": suspect.reason,
    }
