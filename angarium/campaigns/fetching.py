"""Files that are fetched before a campaign begins: beside the turns of the others, and again after a crash."""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Final, Protocol

import msgspec

from angarium.campaigns.asked import Asked
from angarium.queue.ledger.values import LedgerCampaign
from angarium.tables.model import Layout

# Ours, at once: who answers slowly holds up nobody but its own tenant
AT_ONCE: Final = 16
OF_A_TENANT: Final = 2
FETCHED: Final = "its file is fetched"
IN_TURN: Final = "other files are fetched first"


class FetchedFile(msgspec.Struct, frozen=True, kw_only=True):
    layout: Layout
    filename: str


class FetchesFiles(Protocol):
    async def fetch(self, campaign: LedgerCampaign, asked: Asked) -> FetchedFile:
        """Return what it is once it is on disk, as the campaign's. What a crash left of it is no hindrance.

        Raises SourceError.
        """
        ...

    async def clean(self, campaign: LedgerCampaign) -> None:
        """Remove what is kept beside the campaign's file for a crash."""
        ...


class _Fetch(msgspec.Struct, frozen=True):
    campaign: LedgerCampaign
    task: asyncio.Task[FetchedFile]


class Fetching:
    def __init__(self, fetches: FetchesFiles) -> None:
        self._fetches = fetches
        self._under_way: dict[int, _Fetch] = {}

    def look(self, campaign: LedgerCampaign, asked: Asked) -> FetchedFile | str:
        """Return the file, or why it is waited for. Raises SourceError."""
        found = self._under_way.get(campaign.number)
        if found is None:
            if not self._has_room(campaign.tenant):
                return IN_TURN
            task = asyncio.create_task(self._fetches.fetch(campaign, asked))
            self._under_way[campaign.number] = _Fetch(campaign, task)
            return FETCHED
        return found.task.result() if found.task.done() else FETCHED

    async def keep(self, numbers: Collection[int]) -> None:
        """Give up what is fetched, or was, for others than these campaigns."""
        for number in self._under_way.keys() - set(numbers):
            fetch = self._under_way.pop(number)
            await _end(fetch)
            await self._fetches.clean(fetch.campaign)

    async def close(self) -> None:
        """End without a trace; the next process begins anew."""
        for fetch in self._under_way.values():
            await _end(fetch)
        self._under_way.clear()

    def _has_room(self, tenant: str) -> bool:
        busy = Counter(
            each.campaign.tenant for each in self._under_way.values() if not each.task.done()
        )
        return busy.total() < AT_ONCE and busy[tenant] < OF_A_TENANT


async def _end(fetch: _Fetch) -> None:
    fetch.task.cancel()
    await asyncio.wait([fetch.task])
    if not fetch.task.cancelled():
        fetch.task.exception()  # it was told, or nobody is there to be told
