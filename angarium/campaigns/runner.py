"""Takes campaigns on, one batch of one campaign at a time.

Everything that it knows is in the ledger: it may be killed at any moment, and goes on where that says.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from angarium.campaigns.asked import (
    Asked,
    AskedError,
    Blank,
    caller_of,
    decode_asked,
    encode_asked,
)
from angarium.campaigns.fetching import Fetching
from angarium.campaigns.making import Making, NeverError, NotNow
from angarium.campaigns.source import Lot, Source, SourceError, Taken
from angarium.campaigns.telling import QueueTeller
from angarium.intake.order import Caller, Fault, FaultKind, Order
from angarium.queue.ledger.ids import row_message_id
from angarium.queue.ledger.rules import Begin, Conflict, Describe, Fail, Wait
from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.values import LedgerCampaign, LedgerPage, PageRow
from angarium.queue.ledger.writing import PageRefused, PageRepeated
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.spool import QueueFullError
from angarium.queue.suppression_key import compared_form
from angarium.queue.terms import OverQuota, Stored, Terms
from angarium.tables.model import BadRow

# After something that has to pass by itself
RETRY_MS: Final = 2_000
FULL_MS: Final = 10_000


class RunnerSettings(msgspec.Struct, frozen=True, kw_only=True):
    batch_rows: int  # of one transaction
    queued_ahead: int  # of one campaign, in the queue and not tried yet


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant may send as, now."""

    domains: tuple[str, ...]
    senders: tuple[str, ...]  # patterns


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """A page, and the submissions of its rows."""

    rows: tuple[PageRow, ...]
    submissions: tuple[Submission, ...]


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
        making: Making,
        fetching: Fetching,
        open_source: Callable[[LedgerCampaign, Asked], Source],
        *,
        terms: Callable[[str], Terms],
        quota_use: Callable[[str], Sequence[QuotaUse]],
        standing: Callable[[str], Standing | None],
        clock: Callable[[], UnixMs],
        settings: RunnerSettings,
    ) -> None:
        """``terms``: a tenant's. ``standing``: as whom it may send; None: as nobody."""
        self._ledger = ledger
        self._teller = teller
        self._making = making
        self._fetching = fetching
        self._open_source = open_source
        self._terms = terms
        self._quota_use = quota_use
        self._standing = standing
        self._clock = clock
        self.settings = settings  # may change at any time
        self._works: dict[int, _Work] = {}

    async def turn(self) -> bool:
        """Give each campaign its turn; returns whether any of them can go on at once."""
        campaigns = self._ledger.at_work()
        self._forget(each.number for each in campaigns)
        await self._fetching.keep({each.number for each in campaigns if each.phase == "accept"})
        goes_on = False
        for campaign in campaigns:
            goes_on |= await self._take(campaign)
        return goes_on

    def close(self) -> None:
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
        lot = await asyncio.to_thread(work.source.read, campaign.position, limit)
        base = self._clock()
        made = await self._make(campaign, work, lot.rows, base)
        page = LedgerPage(
            number=campaign.number,
            batch=campaign.batches + 1,
            base=base,
            rows=made.rows,
            position=lot.rows[-1].position if lot.rows else campaign.position,
            is_last=lot.is_last,
        )
        terms = self._terms(campaign.tenant)
        outcome = await self._ledger.accept(page, made.submissions, terms)  # CPG2
        match outcome:
            case Stored():
                work.rows = 0
                return not lot.is_last
            case PageRepeated() | PageRefused():
                return True  # by the ledger as it is now
            case OverQuota():
                return await self._over(campaign, work, lot, outcome)

    async def _over(self, campaign: LedgerCampaign, work: _Work, lot: Lot, over: OverQuota) -> bool:
        """Take as many as there is room for; else wait until the period ends."""
        used = {each.period: each.used for each in self._quota_use(campaign.tenant)}
        rooms = [each.limit - used[each.period] for each in self._terms(campaign.tenant).quotas]
        room = min([each for each in rooms if each > 0], default=0)
        if all(each > 0 for each in rooms) and room < len(lot.rows):
            work.rows = room
            return True
        work.rows = max(1, len(lot.rows) // 2) if over.too_many else 0
        if over.too_many and len(lot.rows) > 1:
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

    async def _make(
        self, campaign: LedgerCampaign, work: _Work, taken: Sequence[Taken], base: UnixMs
    ) -> _Made:
        orders, ids, places = self._orders(campaign, work, taken, base)
        made = await self._making.make(self._caller(campaign, work), orders, ids)
        found = dict(zip(places, made, strict=True))
        rows = tuple(
            _page_row(each, found.get(index), work.asked, campaign.secret)
            for index, each in enumerate(taken)
        )
        if campaign.is_dry:
            rows = tuple([msgspec.structs.replace(each, message=b"") for each in rows])
            return _Made(rows=rows, submissions=())
        return _Made(
            rows=rows, submissions=tuple([each for each in made if isinstance(each, Submission)])
        )

    def _orders(
        self, campaign: LedgerCampaign, work: _Work, taken: Sequence[Taken], base: UnixMs
    ) -> tuple[list[Order], list[MessageId], list[int]]:
        """Return what is to be made, with the ids, and which of the rows it is."""
        orders: list[Order] = []
        ids: list[MessageId] = []
        places: list[int] = []
        rendered = work.asked.dry_rows - campaign.rows
        for index, each in enumerate(taken):
            row = each.row
            if isinstance(row, BadRow) or (campaign.is_dry and index >= rendered):
                continue
            orders.append(work.blank.order(row))
            number = campaign.rows + 1 + index
            ids.append(row_message_id(campaign.secret, base, index, number))
            places.append(index)
        return orders, ids, places

    def _caller(self, campaign: LedgerCampaign, work: _Work) -> Caller:
        """Raises NotNow."""
        standing = self._standing(campaign.tenant)
        if standing is None:
            raise NotNow("its tenant may send nothing now")
        return caller_of(
            work.asked, campaign.tenant, domains=standing.domains, senders=standing.senders
        )

    def _forget(self, kept: Iterable[int]) -> None:
        gone = self._works.keys() - set(kept)
        for number in gone:
            self._works.pop(number).source.close()

    @property
    def works(self) -> Mapping[int, object]:
        """What is in memory, by the campaigns' numbers."""
        return self._works


def _page_row(
    taken: Taken, made: Submission | Fault | None, asked: Asked, secret: bytes
) -> PageRow:
    """``secret``: who writes a file cannot choose addresses that are taken for one."""
    row = taken.row
    if isinstance(row, BadRow):
        return PageRow(line=row.line, address="", reason=row.reason, text=row.text)
    key = b""
    if asked.duplicates == "refuse":
        compared = compared_form(row.address).encode("utf-8", "surrogatepass")
        key = blake2b(compared, key=secret, digest_size=16).digest()
    if isinstance(made, Fault):
        if made.kind is FaultKind.SUPPRESSED:
            return PageRow(line=row.line, address=row.address, is_suppressed=True, key=key)
        reason = made.message
        return PageRow(line=row.line, address=row.address, reason=reason, text=_text(row))
    message = b"" if made is None else made.message_id
    return PageRow(line=row.line, address=row.address, message=message, key=key)


def _text(row: object) -> str:
    variables = getattr(row, "variables", {})
    address = getattr(row, "address", "")
    return ",".join([address, *(str(each) for each in variables.values())])
