"""What is written of campaigns in one transaction: the rules once, for the queue on disk and the one in memory. Pure.

``LedgerRecords`` is the transaction as it is seen here.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from angarium.queue.events.campaign_changed import CampaignChanged
from angarium.queue.events.campaign_completed import CampaignCompleted
from angarium.queue.events.campaign_shape import CampaignEvent
from angarium.queue.events.campaign_started import CampaignStarted
from angarium.queue.ledger.rules import (
    Change,
    Conflict,
    Count,
    advance,
    batch_after,
    change,
    settle,
)
from angarium.queue.ledger.values import (
    MAX_OPEN,
    MAX_REASON_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    LedgerBatch,
    LedgerCampaign,
    LedgerPage,
    LedgerRow,
    NewCampaign,
    PageRow,
    Place,
    RowState,
    Told,
)
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs

# Of the events of mail, for the outcome of rows: where there is no campaign, nobody reads them
CONSUMER: Final = "campaigns"
_NO_MESSAGE: Final = MessageId(b"")


class LedgerRecords(Protocol):
    def new_number(self) -> int:
        """Return one that no campaign has, or had."""
        ...

    def open_of(self, tenant: str) -> int:
        """Count its campaigns that are not over."""
        ...

    def campaign(self, number: int) -> LedgerCampaign | None: ...

    def put_campaign(self, campaign: LedgerCampaign) -> None: ...

    def batch(self, number: int, batch: int) -> LedgerBatch | None: ...

    def put_batch(self, number: int, batch: int, value: LedgerBatch) -> None: ...

    def row(self, number: int, row: int) -> LedgerRow | None: ...

    def put_row(self, number: int, row: int, value: LedgerRow) -> None: ...

    def row_of_address(self, number: int, key: bytes) -> int | None: ...

    def put_address(self, number: int, key: bytes, row: int) -> None: ...

    def append(self, event: CampaignEvent) -> None: ...

    def follow(self, consumer: str) -> None:
        """Have a consumer of events begin at the next one, unless it is known already."""
        ...


class PageRepeated(msgspec.Struct, frozen=True):
    """The batch is in the ledger already. Nothing was written."""


class PageRefused(msgspec.Struct, frozen=True):
    """The campaign takes no rows now: it is paused, was cancelled, or is not known. Nothing was written."""


class TooManyOpen(msgspec.Struct, frozen=True):
    """So many campaigns of the tenant are not over. Nothing was written."""

    limit: int


class PagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A page that fits the ledger; ``doubles``: indexes of rows whose address an earlier row has, and that one."""

    campaign: LedgerCampaign
    doubles: Mapping[int, int]


def create(records: LedgerRecords, new: NewCampaign, now: UnixMs) -> LedgerCampaign | TooManyOpen:
    if records.open_of(new.tenant) >= MAX_OPEN:
        return TooManyOpen(MAX_OPEN)
    campaign = LedgerCampaign(
        number=records.new_number(),
        id=new.id,
        tenant=new.tenant,
        created=now,
        asked=new.asked,
        secret=new.secret,
        start=new.start,
        changed=now,
        parent=new.parent,
        callback_url=new.callback_url,
        is_dry=new.is_dry,
    )
    records.follow(CONSUMER)
    records.put_campaign(campaign)
    records.append(_event(CampaignStarted, campaign, now))
    return campaign


def change_campaign(
    records: LedgerRecords, number: int, asked: Change, now: UnixMs
) -> LedgerCampaign | Conflict | None:
    """Return it as it is now; None: there is none of this number (any more)."""
    before = records.campaign(number)
    if before is None:
        return None
    after = change(before, asked, now)
    if isinstance(after, Conflict) or after == before:
        return after
    if after.phase != before.phase or after.is_paused != before.is_paused:
        records.append(_event(CampaignChanged, after, now))
    return _keep(records, after, now)


def plan_page(records: LedgerRecords, page: LedgerPage) -> PagePlan | PageRepeated | PageRefused:
    """Look, before anything is written."""
    campaign = records.campaign(page.number)
    if campaign is None:
        return PageRefused()
    if page.batch <= campaign.batches:
        return PageRepeated()  # LG5
    if campaign.phase != "processing" or campaign.is_paused or page.batch != campaign.batches + 1:
        return PageRefused()
    doubles: dict[int, int] = {}
    seen: dict[bytes, int] = {}
    for index, row in enumerate(page.rows):
        if not row.key:
            continue
        first = seen.get(row.key) or records.row_of_address(page.number, row.key)
        if first is not None:
            doubles[index] = first
        else:
            seen[row.key] = campaign.rows + 1 + index
    return PagePlan(campaign=campaign, doubles=doubles)


def write_page(records: LedgerRecords, page: LedgerPage, plan: PagePlan, now: UnixMs) -> None:
    """Rows, batch and the campaign's position; the submissions are written beside it."""
    campaign = plan.campaign
    count = Count(campaign.tally)
    accepted = refused = 0
    for index, row in enumerate(page.rows):
        number = campaign.rows + 1 + index
        entry = _entry(row, plan.doubles.get(index), campaign.is_dry, now)
        records.put_row(page.number, number, entry)
        count.add(entry)
        accepted += entry.state is RowState.QUEUED
        refused += entry.state in (RowState.REFUSED, RowState.DUPLICATE)
        if row.key and index not in plan.doubles and entry.state is not RowState.REFUSED:
            records.put_address(page.number, row.key, number)
    if page.rows:
        batch = LedgerBatch(
            first_row=campaign.rows + 1,
            rows=len(page.rows),
            base=page.base,
            at=now,
            accepted=accepted,
            refused=refused,
            ended_at=UnixMs(0) if accepted else now,
        )
        records.put_batch(page.number, page.batch, batch)
    _keep(
        records,
        msgspec.structs.replace(
            campaign,
            rows=campaign.rows + len(page.rows),
            batches=campaign.batches + bool(page.rows),
            position=page.position,
            is_read=page.is_last,
            tally=count.tally(),
            waits="",
        ),
        now,
    )


def write_told(
    records: LedgerRecords, told: Sequence[tuple[Place, Told]], now: UnixMs
) -> Collection[int]:
    """What events say of rows, in their order. Returns the numbers of the campaigns that changed."""
    counts: dict[int, tuple[LedgerCampaign, Count]] = {}
    rows: dict[tuple[int, int], LedgerRow] = {}
    batches: dict[tuple[int, int], LedgerBatch] = {}
    for place, each in told:
        before = rows.get((place.number, place.row)) or records.row(place.number, place.row)
        if before is None or before.message != each.message:
            continue
        after = advance(before, each)
        if after is None:
            continue
        if place.number not in counts:
            campaign = records.campaign(place.number)
            if campaign is None:
                continue
            counts[place.number] = (campaign, Count(campaign.tally))
        counts[place.number][1].move(before, after)
        rows[place.number, place.row] = after
        at = (place.number, place.batch)
        batch = batches.get(at) or records.batch(*at)
        if batch is not None:
            batches[at] = batch_after(batch, before.state, after.state, each.at)
    for (number, row), entry in rows.items():
        records.put_row(number, row, entry)
    for (number, batch_number), value in batches.items():
        records.put_batch(number, batch_number, value)
    for campaign, count in counts.values():
        _keep(records, msgspec.structs.replace(campaign, tally=count.tally()), now)
    return counts.keys()


def _entry(row: PageRow, double_of: int | None, is_dry: bool, now: UnixMs) -> LedgerRow:
    state, reason = RowState.REFUSED, row.reason
    if double_of is not None and not reason:
        state, reason = RowState.DUPLICATE, f"row {double_of} has this address, too: it gets one"
    if reason:
        return LedgerRow(
            line=row.line,
            address=row.address,
            state=state,
            at=now,
            reason=reason[:MAX_REASON_CHARACTERS],
            text=row.text[:MAX_TEXT_CHARACTERS],
        )
    state = RowState.CHECKED if is_dry else RowState.QUEUED
    if row.is_suppressed:
        state = RowState.SUPPRESSED
    message = row.message if state is RowState.QUEUED else b""
    return LedgerRow(line=row.line, address=row.address, state=state, at=now, message=message)


def _keep(records: LedgerRecords, campaign: LedgerCampaign, now: UnixMs) -> LedgerCampaign:
    """Write it in the phase that it has come to, with an event for each on its way."""
    for step in settle(campaign, now):
        if step.phase != campaign.phase:
            kind = CampaignCompleted if step.phase == "completed" else CampaignChanged
            records.append(_event(kind, step, now))
        campaign = step
    records.put_campaign(campaign)
    return campaign


def _event(
    kind: type[CampaignStarted | CampaignChanged | CampaignCompleted],
    campaign: LedgerCampaign,
    now: UnixMs,
) -> CampaignEvent:
    tally = campaign.tally
    return kind(
        at=now,
        message_id=_NO_MESSAGE,
        tenant=campaign.tenant,
        campaign=message_id_text(campaign.id),
        status=campaign.phase,
        is_paused=campaign.is_paused,
        reason=campaign.reason,
        callback_url=campaign.callback_url,
        rows=campaign.rows,
        accepted=tally.accepted + tally.checked,
        refused=tally.refused + tally.duplicate,
        delivered=tally.delivered,
        sent=tally.sent,
        bounced=tally.bounced,
        complained=tally.complained,
        opened=tally.opened,
        clicked=tally.clicked,
        unsubscribed=tally.unsubscribed,
        suppressed=tally.suppressed,
        expired=tally.expired,
        cancelled=tally.cancelled,
        created=campaign.created,
    )
