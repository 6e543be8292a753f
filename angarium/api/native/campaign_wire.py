"""What is asked and answered about campaigns. The comments are the fields' documentation."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from angarium.api.native.send_wire import TrackingAsked
from angarium.api.native.wire import Asked, PageAsked, Time, TimeGiven, Wire, maybe_time, time_text
from angarium.campaigns.asked import Asked as Kept
from angarium.queue.ledger.rules import batch_status
from angarium.queue.ledger.store import NumberedBatch, NumberedRow
from angarium.queue.ledger.values import Flag, LedgerCampaign, RowState
from angarium.queue.message_id import message_id_text
from angarium.queue.model import MessageId, UnixMs

MAX_URL: Final = 2048
MAX_FILE_URL: Final = 8192  # presigned ones bear a session's token
Text = Annotated[str, Meta(max_length=998)]
Addresses = str | tuple[str, ...]
Status = Literal[
    "accept",
    "scheduled",
    "processing",
    "ready_to_send",
    "sent",
    "completed",
    "cancelled",
    "failed",
]
RowStatus = Literal[
    "queued",
    "deferred",
    "sent",
    "delivered",
    "bounced",
    "expired",
    "suppressed",
    "cancelled",
    "skipped",
    "damaged",
    "refused",
    "checked",
    "duplicate",
]
# What rows may be asked for: one state, or all that may be sent again
RowsWanted = Literal["", "failed"] | RowStatus


class ScheduleAsked(Asked, frozen=True, kw_only=True):
    send_at: TimeGiven | None = None  # omitted, or over: now
    send_at_too: TimeGiven | None = msgspec.field(name="send_at", default=None)  # the same


class CsvAsked(Asked, frozen=True, kw_only=True):
    """How the file is to be read; what is not said is found out."""

    charset: Annotated[str, Meta(max_length=40)] = ""
    delimiter: Annotated[str, Meta(max_length=10)] = ""
    quote: Annotated[str, Meta(max_length=10)] | None = None
    escape: Annotated[str, Meta(max_length=10)] = ""
    columns: tuple[str, ...] = ()  # their names, of a file without a header
    address_column: Annotated[str, Meta(max_length=200)] = ""


class CampaignAsked(Asked, frozen=True, kw_only=True):
    """A mail to each row of a file. Names in snake_case are the same as theirs in camelCase."""

    template_id: Annotated[str, Meta(max_length=200)] = ""  # by id or alias
    template_id_too: Annotated[str, Meta(max_length=200)] = msgspec.field(
        name="template_id", default=""
    )
    # omitted: the published one, which stays the campaign's whatever is published later
    template_version: Annotated[int, Meta(ge=1)] | None = None
    template_data: Mapping[str, Any] = {}  # of all mails; a row's own columns win
    locale: Annotated[str, Meta(max_length=200)] = ""
    upload_id: Annotated[str, Meta(max_length=100)] = ""  # a complete upload
    # the URL that an upload was put to, or any other one of https: the file is fetched before the campaign begins
    csv_file_url: Annotated[str, Meta(max_length=MAX_FILE_URL)] = ""
    csv_file_url_too: Annotated[str, Meta(max_length=MAX_FILE_URL)] = msgspec.field(
        name="csv_file_url", default=""
    )
    file: CsvAsked = CsvAsked()
    # omitted: noreply@ the first of your verified domains
    from_: str = msgspec.field(name="from", default="")
    reply_to: Addresses = ()
    subject: str = ""  # instead of the template's
    body_text: str = ""  # without a template: all get the same
    body_html: str = ""  # likewise
    name: Annotated[str, Meta(max_length=200)] = ""  # for people
    stream: str = ""  # omitted: "default"
    topic: str = ""  # one of GET /v1/topics, by name or id: who has left it gets nothing
    # of the pages where one leaves, a tag such as pt-BR; omitted: `locale`
    language: Annotated[str, Meta(max_length=200)] = ""
    tags: Mapping[str, str] | tuple[str, ...] = ()
    metadata: Mapping[str, Any] = {}  # comes back in the events of each mail
    schedule: ScheduleAsked = ScheduleAsked()
    expires_at: TimeGiven | None = None  # what is not delivered by then is given up
    callback_url: Annotated[str, Meta(max_length=MAX_URL)] = ""  # told of each change of status
    callback_url_too: Annotated[str, Meta(max_length=MAX_URL)] = msgspec.field(
        name="callback_url", default=""
    )
    tracking: TrackingAsked = TrackingAsked()
    # an address that comes again: it gets one mail, or one for each row
    duplicates: Literal["refuse", "send"] = "refuse"
    dry_run: bool = False  # reads all, fills the template in for the first rows, and sends nothing
    dry_run_rows: Annotated[int, Meta(ge=0, le=100_000)] = 100  # how many


class ResendAsked(Asked, frozen=True, kw_only=True):
    template_version: Annotated[int, Meta(ge=1)] | None = None  # omitted: the one of before
    schedule: ScheduleAsked = ScheduleAsked()
    dry_run: bool = False


class CampaignChangeAsked(Asked, frozen=True, kw_only=True):
    schedule: ScheduleAsked


class CampaignsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class OneCampaignAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class BatchesAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class RowsAsked(PageAsked, frozen=True, kw_only=True):
    status: RowsWanted = ""  # omitted: all rows; failed: all that can be sent again
    tenant: str = ""  # omitted: the caller's own


class Summary(Wire, frozen=True, kw_only=True):
    """How many rows are where now, and what their recipients did."""

    total_messages: int  # accepted rows
    queued: int
    deferred: int
    sent: int
    delivered: int
    bounced: int
    expired: int
    suppressed: int
    cancelled: int
    skipped: int
    damaged: int
    refused: int
    duplicate: int
    checked: int
    opened: int
    clicked: int
    complained: int
    unsubscribed: int
    delayed: int  # that an attempt failed for, by now or before
    # that a machine fetched the picture of, or followed a link of; opened and clicked are people's
    machine_opened: int
    machine_clicked: int


class Progress(Wire, frozen=True, kw_only=True):
    rows: int  # read, and in the ledger
    accepted: int
    refused: int
    batches: int
    is_read: bool  # the file has no more rows
    rows_per_second: float | None  # since it began; null: nothing was read yet


class CampaignShown(Wire, frozen=True, kw_only=True):
    transaction_id: str
    status: Status
    paused: bool
    name: str
    created_at: Time
    changed_at: Time
    started_at: Time | None  # when the first row was read
    finished_at: Time | None  # when the last row had its final outcome
    send_at: Time | None
    expires_at: Time | None
    waiting_for: str  # why no row is accepted just now; "": nothing
    reason: str  # why it failed
    template_id: str
    template_version: int | None
    upload_id: str
    filename: str
    from_: str = msgspec.field(name="from")
    subject: str
    stream: str
    topic: str  # empty: none
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    dry_run: bool
    resend_of: str | None  # the transaction whose failed rows these are
    progress: Progress
    summary: Summary


class CampaignMade(CampaignShown, frozen=True, kw_only=True):
    success: bool
    columns: Sequence[str]  # of the file; empty: it is not fetched yet
    address_column: str  # likewise
    # what callbacks are signed with, in X-Signature; null: there is no callbackUrl
    callback_secret: str | None


class CampaignList(Wire, frozen=True, kw_only=True):
    campaigns: Sequence[CampaignShown]  # the newest first
    cursor: str | None


class BatchShown(Wire, frozen=True, kw_only=True):
    number: int
    status: Literal["processing", "ready", "sent", "completed"]
    first_row: int
    rows: int
    accepted: int
    refused: int
    ended: int  # of the accepted ones, with a final outcome
    accepted_at: Time | None
    finished_at: Time | None


class BatchList(Wire, frozen=True, kw_only=True):
    batches: Sequence[BatchShown]
    cursor: str | None


class RowShown(Wire, frozen=True, kw_only=True):
    row: int  # from 1
    line: int  # of the file, from 1
    address: str  # "": none could be read
    status: RowStatus
    reason: str
    email_id: str | None  # null: it never was in the queue
    changed_at: Time
    opened: bool
    clicked: bool
    complained: bool
    unsubscribed: bool


class RowList(Wire, frozen=True, kw_only=True):
    rows: Sequence[RowShown]
    cursor: str | None


def campaign_shown(campaign: LedgerCampaign, kept: Kept, now: UnixMs) -> CampaignShown:
    return CampaignShown(**shown_fields(campaign, kept, now))


def shown_fields(campaign: LedgerCampaign, kept: Kept, now: UnixMs) -> dict[str, Any]:
    tally = msgspec.structs.asdict(campaign.tally)
    accepted = campaign.tally.accepted + campaign.tally.checked
    refused = campaign.tally.refused + campaign.tally.duplicate
    until = campaign.finished or now
    took_ms = max(until - campaign.began, 1)
    return {
        "transaction_id": _id(campaign.id),
        "status": campaign.phase,
        "paused": campaign.is_paused,
        "name": kept.name,
        "created_at": time_text(campaign.created),
        "changed_at": time_text(campaign.changed),
        "started_at": maybe_time(campaign.began or None),
        "finished_at": maybe_time(campaign.finished or None),
        "send_at": maybe_time(campaign.start or None),
        "expires_at": maybe_time(kept.expires_at or None),
        "waiting_for": campaign.waits,
        "reason": campaign.reason,
        "template_id": kept.template,
        "template_version": kept.template_version or None,
        "upload_id": kept.upload_id,
        "filename": kept.filename,
        "from_": kept.author,
        "subject": kept.subject,
        "stream": kept.stream or "default",
        "topic": kept.topic,
        "tags": kept.tags,
        "metadata": kept.metadata,
        "dry_run": campaign.is_dry,
        "resend_of": _id(campaign.parent) if campaign.parent else None,
        "progress": Progress(
            rows=campaign.rows,
            accepted=accepted,
            refused=refused,
            batches=campaign.batches,
            is_read=campaign.is_read,
            rows_per_second=round(campaign.rows * 1000 / took_ms, 1) if campaign.began else None,
        ),
        "summary": Summary(total_messages=accepted, **tally),
    }


def batch_shown(numbered: NumberedBatch) -> BatchShown:
    batch = numbered.batch
    return BatchShown(
        number=numbered.number,
        status=batch_status(batch),
        first_row=batch.first_row,
        rows=batch.rows,
        accepted=batch.accepted,
        refused=batch.refused,
        ended=batch.ended,
        accepted_at=time_text(batch.at),
        finished_at=maybe_time(batch.ended_at or None),
    )


def next_batch(campaign: LedgerCampaign) -> BatchShown:
    """Return the one that is being made, of which nothing is in the ledger yet."""
    return BatchShown(
        number=campaign.batches + 1,
        status="processing",
        first_row=campaign.rows + 1,
        rows=0,
        accepted=0,
        refused=0,
        ended=0,
        accepted_at=None,
        finished_at=None,
    )


def row_shown(numbered: NumberedRow) -> RowShown:
    row = numbered.row
    is_named = not row.flags & Flag.UNNAMED
    return RowShown(
        row=numbered.number,
        line=row.line,
        address=row.address,
        status=RowState(row.state).word,  # type: ignore[arg-type]
        reason=row.reason,
        email_id=_id(row.message) if row.message else None,
        changed_at=time_text(row.at),
        opened=is_named and bool(row.flags & Flag.OPENED),
        clicked=is_named and bool(row.flags & Flag.CLICKED),
        complained=bool(row.flags & Flag.COMPLAINED),
        unsubscribed=bool(row.flags & Flag.UNSUBSCRIBED),
    )


def _id(octets: bytes) -> str:
    return message_id_text(MessageId(octets))
