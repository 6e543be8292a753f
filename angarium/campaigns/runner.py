"""Takes campaigns on, one batch of one campaign at a time.

Everything that it knows is in the ledger: it may be killed at any moment, and goes on where that says.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from angarium.campaigns.ahead import Ahead
from angarium.campaigns.asked import Asked, AskedError, Blank, decode_asked, encode_asked
from angarium.campaigns.batch import Batch, Batches
from angarium.campaigns.fetching import Fetching
from angarium.campaigns.making import NeverError, NotNow
from angarium.campaigns.source import Source, SourceError
from angarium.campaigns.telling import QueueTeller
from angarium.queue.ledger.rules import Begin, Conflict, Describe, Fail, Wait
from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.values import LedgerCampaign, PageRow
from angarium.queue.ledger.writing import PageRefused, PageRepeated
from angarium.queue.message_id import message_id_text
from angarium.queue.model import UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.spool import QueueFullError
from angarium.queue.terms import OverQuota, Stored, Terms

# After something that has to pass by itself
RETRY_MS: Final = 2_000
FULL_MS: Final = 10_000


class RunnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    batch_rows: int  # of one transaction
    queued_ahead: int  # of one campaign, in the queue and not tried yet


class RowCounts(msgspec.Struct, kw_only=True):
    """Of all campaigns, since the start: what the metrics read."""

    accepted: int = 0  # mail of them is in the queue; of a dry campaign, would be
    refused: int = 0

    def count(self, rows: Sequence[PageRow]) -> None:
        refused = sum(1 for each in rows if each.reason)
        self.refused += refused
        self.accepted += len(rows) - refused


class _Work(msgspec.Struct, kw_only=True):
    """What is in memory of a campaign that is under way."""

    asked: Asked
    blank: Blank
    source: Source
    not_before: UnixMs = UnixMs(0)  # it waits for something
    rows: int = 0  # of its next batch, where a quota has no room for more; 0: as many as may be


class Runner:
    """Invariant CPG2: nothing is accepted of a row but together with its place in the ledger.

    Invariant CPG3: a row is refused for what is wrong with it or its mail: what passes by itself is waited for.
    """

    def __init__(
        self,
        ledger: Ledger,
        teller: QueueTeller,
        batches: Batches,
        fetching: Fetching,
        open_source: Callable[[LedgerCampaign, Asked], Source],
        *,
        terms: Callable[[str], Terms],
        quota_use: Callable[[str], Sequence[QuotaUse]],
        clock: Callable[[], UnixMs],
        settings: RunnerSettings,
    ) -> None:
        """``terms``: a tenant's."""
        self._ledger = ledger
        self._teller = teller
        self._batches = batches
        self._fetching = fetching
        self._open_source = open_source
        self._terms = terms
        self._quota_use = quota_use
        self._clock = clock
        self.settings = settings  # may change at any time
        self._works: dict[int, _Work] = {}
        self._ahead = Ahead(clock)
        self.rows = RowCounts()

    async def turn(self) -> bool:
        """Give each campaign its turn; returns whether any of them can go on at once."""
        campaigns = self._ledger.at_work()
        await self._ahead.keep({each.number for each in campaigns if not each.is_paused})
        self._forget(each.number for each in campaigns)
        await self._fetching.keep({each.number for each in campaigns if each.phase == "accept"})
        goes_on = False
        for campaign in campaigns:
            goes_on |= await self._take(campaign)
        return goes_on

    async def close(self) -> None:
        await self._ahead.close()
        self._forget(())

    async def _take(self, campaign: LedgerCampaign) -> bool:
        try:
            told = await self._teller.tell(campaign)
            if told or campaign.is_paused:
                return told
            if campaign.phase in ("accept", "scheduled"):
                if campaign.phase == "accept" and not await self._has_file(campaign):
                    return False
                if campaign.phase == "scheduled" and campaign.start > self._clock():
                    return False
                begun = await self._ledger.change(campaign.number, Begin())
                return isinstance(begun, LedgerCampaign) and begun.phase == "processing"
            if campaign.phase != "processing" or campaign.is_read:
                return False
            return await self._go_on(campaign)
        except QueueFullError:
            if (work := self._works.get(campaign.number)) is not None:
                work.not_before = UnixMs(self._clock() + FULL_MS)
            return False

    async def _has_file(self, campaign: LedgerCampaign) -> bool:
        """Whether there is nothing (more) to fetch before it begins."""
        try:
            asked = decode_asked(campaign.asked)
            if not asked.csv_url:
                return True
            fetched = self._fetching.look(campaign, asked)
        except (AskedError, SourceError) as error:
            await self._ledger.change(campaign.number, Fail(str(error)))
            return False
        if isinstance(fetched, str):
            if campaign.waits != fetched:
                await self._ledger.change(campaign.number, Wait(fetched))
            return False
        known = msgspec.structs.replace(
            asked, csv_url="", layout=fetched.layout, filename=fetched.filename
        )
        described = await self._ledger.change(campaign.number, Describe(encode_asked(known)))
        if isinstance(described, Conflict):
            await self._ledger.change(campaign.number, Fail(described.text))
        return isinstance(described, LedgerCampaign)

    async def _go_on(self, campaign: LedgerCampaign) -> bool:
        try:
            work = self._work(campaign)
            if work.not_before > self._clock():
                return False
            room = self.settings.queued_ahead - campaign.tally.untried
            if room <= 0:
                return await self._wait(campaign, work, 0, "enough of it is in the queue")
            limit = min(self.settings.batch_rows, room, work.rows or room)
            return await self._accept(campaign, work, limit)
        except NotNow as waits:  # CPG3
            return await self._wait(campaign, self._work(campaign), RETRY_MS, str(waits))
        except (AskedError, SourceError, NeverError) as error:
            await self._ledger.change(campaign.number, Fail(str(error)))
            return True

    def _work(self, campaign: LedgerCampaign) -> _Work:
        found = self._works.get(campaign.number)
        if found is None:
            asked = decode_asked(campaign.asked)
            blank = Blank(asked, message_id_text(campaign.id))
            found = _Work(asked=asked, blank=blank, source=self._open_source(campaign, asked))
            self._works[campaign.number] = found
        return found

    async def _accept(self, campaign: LedgerCampaign, work: _Work, limit: int) -> bool:
        if work.asked.expires_at and work.asked.expires_at <= self._clock():
            raise NeverError("its time is over: what is left of its file is not sent")
        batch = await self._batch(campaign, work, limit)
        terms = self._terms(campaign.tenant)
        accepted = self._ledger.accept(batch.page, batch.submissions, terms)  # CPG2
        writing = asyncio.ensure_future(accepted)
        await self._go_ahead(campaign, work, batch)
        outcome = await writing
        match outcome:
            case Stored():
                work.rows = 0
                self.rows.count(batch.page.rows)
                return not batch.page.is_last
            case PageRepeated() | PageRefused():
                return True  # by the ledger as it is now
            case OverQuota():
                return await self._over(campaign, work, len(batch.page.rows), outcome)

    async def _batch(self, campaign: LedgerCampaign, work: _Work, limit: int) -> Batch:
        caller = self._batches.caller(campaign, work.asked)
        ready = await self._ahead.take(campaign, limit, caller)
        if ready is not None:
            return ready
        lot = await asyncio.to_thread(work.source.read, campaign.position, limit)
        return await self._batches.make(campaign, work.asked, work.blank, lot)

    async def _go_ahead(self, campaign: LedgerCampaign, work: _Work, batch: Batch) -> None:
        """Begin with the batch behind this one, which is being written, where it will surely be the next."""
        rows, settings = len(batch.page.rows), self.settings
        room = settings.queued_ahead - campaign.tally.untried - rows
        if batch.page.is_last or work.rows or room < rows or not self._ahead.has_room:
            return
        try:
            lot = await asyncio.to_thread(work.source.read, batch.page.position, rows)
        except SourceError:
            return  # it is met again where it counts
        following = batch.campaign_after(campaign)
        making = self._batches.make(following, work.asked, work.blank, lot)
        self._ahead.begin(following, making)

    async def _over(
        self, campaign: LedgerCampaign, work: _Work, rows: int, over: OverQuota
    ) -> bool:
        """Take as many as there is room for; else wait until the period ends."""
        used = {each.period: each.used for each in self._quota_use(campaign.tenant)}
        rooms = [each.limit - used[each.period] for each in self._terms(campaign.tenant).quotas]
        room = min([each for each in rooms if each > 0], default=0)
        if all(each > 0 for each in rooms) and room < rows:
            work.rows = room
            return True
        work.rows = max(1, rows // 2) if over.too_many else 0
        if over.too_many and rows > 1:
            return True
        period = over.quota.period
        reason = f"the quota of {over.quota.limit} recipients per {period} is used up"
        wait_ms = max(over.until - self._clock(), 1)
        return await self._wait(campaign, work, wait_ms, reason)

    async def _wait(self, campaign: LedgerCampaign, work: _Work, wait_ms: int, reason: str) -> bool:
        work.not_before = UnixMs(self._clock() + wait_ms)
        if campaign.waits != reason:
            await self._ledger.change(campaign.number, Wait(reason))
        return False

    def _forget(self, kept: Iterable[int]) -> None:
        gone = self._works.keys() - set(kept)
        for number in gone:
            self._works.pop(number).source.close()

    @property
    def works(self) -> Mapping[int, object]:
        """What is in memory, by the campaigns' numbers."""
        return self._works
