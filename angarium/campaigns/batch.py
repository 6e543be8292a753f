"""What one transaction of the ledger takes of a campaign: rows of its file, and the mails that they came to."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from angarium.campaigns.asked import Asked, Blank, caller_of
from angarium.campaigns.making import Making, NotNow
from angarium.campaigns.source import Lot, Taken
from angarium.intake.order import Caller, Fault, FaultKind, Order
from angarium.queue.ledger.ids import row_message_id
from angarium.queue.ledger.values import LedgerCampaign, LedgerPage, PageRow
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.suppression_key import compared_form
from angarium.tables.model import BadRow


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant may send as, now."""

    domains: tuple[str, ...]
    senders: tuple[str, ...]  # patterns


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    page: LedgerPage
    submissions: tuple[Submission, ...]
    caller: Caller  # as whom it was made

    def campaign_after(self, campaign: LedgerCampaign) -> LedgerCampaign:
        """Return where the campaign will be once this was accepted, as far as rows depend on it."""
        page = self.page
        return msgspec.structs.replace(
            campaign,
            rows=campaign.rows + len(page.rows),
            batches=campaign.batches + bool(page.rows),
            position=page.position,
        )


class Batches:
    """Makes them. What it makes depends on its arguments, on the time, and on what the tenant may do now."""

    def __init__(
        self,
        making: Making,
        standing: Callable[[str], Standing | None],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``standing``: as whom a tenant may send; None: as nobody."""
        self._making = making
        self._standing = standing
        self._clock = clock

    def caller(self, campaign: LedgerCampaign, asked: Asked) -> Caller:
        """Raises NotNow."""
        standing = self._standing(campaign.tenant)
        if standing is None:
            raise NotNow("its tenant may send nothing now")
        return caller_of(asked, campaign.tenant, domains=standing.domains, senders=standing.senders)

    async def make(self, campaign: LedgerCampaign, asked: Asked, blank: Blank, lot: Lot) -> Batch:
        """``lot``: what comes behind the campaign's position. Raises NotNow, NeverError."""
        base = self._clock()
        caller = self.caller(campaign, asked)
        orders, ids, places = _orders(campaign, asked, blank, lot.rows, base)
        made = await self._making.make(caller, orders, ids)
        found = dict(zip(places, made, strict=True))
        rows = tuple(
            [
                _page_row(each, found.get(index), asked, campaign.secret)
                for index, each in enumerate(lot.rows)
            ]
        )
        submissions = tuple([each for each in made if isinstance(each, Submission)])
        if campaign.is_dry:
            rows = tuple([msgspec.structs.replace(each, message=b"") for each in rows])
            submissions = ()
        page = LedgerPage(
            number=campaign.number,
            batch=campaign.batches + 1,
            base=base,
            rows=rows,
            position=lot.rows[-1].position if lot.rows else campaign.position,
            is_last=lot.is_last,
        )
        return Batch(page=page, submissions=submissions, caller=caller)


def _orders(
    campaign: LedgerCampaign, asked: Asked, blank: Blank, taken: Sequence[Taken], base: UnixMs
) -> tuple[list[Order], list[MessageId], list[int]]:
    """Return what is to be made, with the ids, and which of the rows it is."""
    orders: list[Order] = []
    ids: list[MessageId] = []
    places: list[int] = []
    rendered = asked.dry_rows - campaign.rows
    for index, each in enumerate(taken):
        row = each.row
        if isinstance(row, BadRow) or (campaign.is_dry and index >= rendered):
            continue
        orders.append(blank.order(row))
        number = campaign.rows + 1 + index
        ids.append(row_message_id(campaign.secret, base, index, number))
        places.append(index)
    return orders, ids, places


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
        text = _text(row.address, row.variables)
        return PageRow(line=row.line, address=row.address, reason=made.message, text=text)
    message = b"" if made is None else made.message_id
    return PageRow(line=row.line, address=row.address, message=message, key=key)


def _text(address: str, variables: Any) -> str:
    return ",".join([address, *(str(each) for each in variables.values())])
