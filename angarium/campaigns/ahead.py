"""Batches that are made while those before them are written: the processor is not idle while the disk is not."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final

import msgspec

from angarium.campaigns.batch import Batch
from angarium.intake.order import Caller
from angarium.queue.ledger.values import LedgerCampaign
from angarium.queue.model import UnixMs

# Ours: each is a batch in memory, and is old when many others have their turns before it
AT_ONCE: Final = 4
# Ours: an id's time is taken for that of acceptance
GOOD_FOR_MS: Final = 10_000


class _Begun(msgspec.Struct, frozen=True):
    at: UnixMs
    behind: tuple[int, int, bytes]  # batches, rows and position of its campaign
    task: asyncio.Task[Batch]


class Ahead:
    """Invariant CPG5: a batch that was made ahead is accepted only where it is what would be made now: of the rows that
    come next, and as who may send now. It is in memory alone, and nothing is lost with it.
    """

    def __init__(self, clock: Callable[[], UnixMs]) -> None:
        self._clock = clock
        self._begun: dict[int, _Begun] = {}

    @property
    def has_room(self) -> bool:
        return len(self._begun) < AT_ONCE

    def begin(self, following: LedgerCampaign, making: Coroutine[Any, Any, Batch]) -> None:
        """``following``: a campaign that has none, as it is expected to be."""
        self._begun[following.number] = _Begun(
            self._clock(), _place(following), asyncio.create_task(making)
        )

    async def take(self, campaign: LedgerCampaign, limit: int, caller: Caller) -> Batch | None:
        """Return what was made of the rows that come next. None: nothing, or what cannot be used.

        Raises NotNow, NeverError: they were tried.
        """
        begun = self._begun.pop(campaign.number, None)
        if begun is None:
            return None
        if _place(campaign) != begun.behind or self._is_old(begun):
            await _end(begun.task)
            return None
        batch = await begun.task
        is_good = batch.caller == caller and len(batch.page.rows) <= limit
        return batch if is_good else None  # CPG5

    async def keep(self, numbers: Collection[int]) -> None:
        """Give up what was made for others than these campaigns, and what is too old to be used."""
        for number, begun in tuple(self._begun.items()):
            if number not in numbers or self._is_old(begun):
                del self._begun[number]
                await _end(begun.task)

    async def close(self) -> None:
        await self.keep(())

    def _is_old(self, begun: _Begun) -> bool:
        return self._clock() - begun.at > GOOD_FOR_MS


def _place(campaign: LedgerCampaign) -> tuple[int, int, bytes]:
    return (campaign.batches, campaign.rows, campaign.position)


async def _end(task: asyncio.Task[Batch]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # nobody is there to be told
