"""Recipients that get an outcome without a connection: no route, a site that is down, or an address that is suppressed.

Claims them in batches.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import msgspec

from angarium.mta.egress.shared import NOW, Clerk
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome
from angarium.queue import DueHead, QueueFullError, UnixMs

BATCH = 100  # recipients claimed at once
BATCH_OCTETS = 33_554_432  # of content read at once
RETRY_S = 1.0  # after a full disk, or while outcomes wait for the disk


class _Entry(msgspec.Struct, frozen=True):
    head: DueHead
    outcome: Outcome | None
    not_before: UnixMs
    attempted: bool


class Undeliverable:
    """Bounded by what is loaded: its entries are recipients that the backlog counts."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._entries: deque[_Entry] = deque()
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self,
        heads: Sequence[DueHead],
        outcome: Outcome | None,
        not_before: UnixMs = NOW,
        *,
        attempted: bool = True,
    ) -> None:
        """``outcome`` None: they were suppressed. Who is no more, by then, is due as any other."""
        self._entries.extend(_Entry(head, outcome, not_before, attempted) for head in heads)
        self._more.set()

    async def run(self) -> None:
        while True:
            await self._more.wait()
            if not self._entries:
                self._more.clear()
            elif not self._clerk.may_claim():
                await asyncio.sleep(RETRY_S)
            else:
                await self._settle_some()

    async def _settle_some(self) -> None:
        batch = self._next_batch()
        entries = {entry.head.id: entry for entry in batch}
        heads = [entry.head for entry in batch]
        try:
            messages = await self._clerk.claim(heads[0].partition, heads)
        except QueueFullError:
            self._entries.extendleft(reversed(batch))
            await asyncio.sleep(RETRY_S)
            return
        for message in messages:
            entry = entries[message.recipients[0].id]
            work = Work(message, message.recipients)
            outcomes = [
                each
                for recipient in message.recipients
                if (each := entries[recipient.id].outcome) is not None
            ]
            if entry.outcome is None:
                self._clerk.give_back(work, entry.head.due)
                continue
            self._clerk.conclude(
                work,
                outcomes,
                final=False,
                not_before=entry.not_before,
                attempted=entry.attempted,
            )

    def _next_batch(self) -> list[_Entry]:
        """Take entries of one partition, attempted or not, bounded in number and octets, at least one."""
        first = self._entries.popleft()
        batch, octets = [first], first.head.octets
        while self._entries and len(batch) < BATCH:
            entry = self._entries[0]
            octets += entry.head.octets
            is_alike = (
                entry.head.partition == first.head.partition
                and entry.attempted == first.attempted
                and (entry.outcome is None) == (first.outcome is None)
            )
            if not is_alike or octets > BATCH_OCTETS:
                break
            batch.append(self._entries.popleft())
        return batch
