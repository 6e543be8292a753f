"""The ledger in memory, for tests: the same rules over dictionaries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from angarium.queue.event_log import EventCursor
from angarium.queue.events.campaign_shape import CampaignEvent
from angarium.queue.ledger.ids import index_in_batch, row_message_id
from angarium.queue.ledger.page_check import check_new, check_page
from angarium.queue.ledger.rules import Change, Conflict
from angarium.queue.ledger.store import (
    CreateOutcome,
    NumberedBatch,
    NumberedRow,
    PageOutcome,
    RowsPage,
)
from angarium.queue.ledger.values import (
    LedgerBatch,
    LedgerCampaign,
    LedgerPage,
    LedgerRow,
    NewCampaign,
    Place,
    RowState,
    Told,
)
from angarium.queue.ledger.writing import (
    PagePlan,
    TooManyOpen,
    change_campaign,
    create,
    plan_page,
    write_page,
    write_told,
)
from angarium.queue.memory.state import MemoryState
from angarium.queue.memory.terms import find_used, write_on_terms
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import Submission, UnixMs
from angarium.queue.terms import OnceKey, OverQuota, Stored, Terms

_K = TypeVar("_K")
_V = TypeVar("_V")


class MemoryLedger:
    """Implements Ledger; the state survives a crash."""

    def __init__(
        self,
        state: MemoryState,
        check_room: Callable[[], None],
        check_new_mail: Callable[[Sequence[Submission]], None],
        write: Callable[[Sequence[Submission]], None],
        once_limit: Callable[[], int],
    ) -> None:
        self._state = state
        self._check_room = check_room
        self._check_new_mail = check_new_mail
        self._write = write
        self._once_limit = once_limit
        self._records = MemoryLedgerRecords(state)

    async def create(self, new: NewCampaign, once: OnceKey | None = None) -> CreateOutcome:
        self._check_room()
        check_new(new)
        now = self._state.clock()
        if once is not None:
            used = find_used(self._state, once.tenant, once.key, once.digest, now)
            if used is not None:
                return used
        made = create(self._records, new, now)
        if once is not None and not isinstance(made, TooManyOpen):
            self._state.once.pop((once.tenant, once.key), None)
            self._state.forget_first_key(once.tenant, self._once_limit())
            self._state.once[once.tenant, once.key] = once
        return made

    async def change(self, number: int, asked: Change) -> LedgerCampaign | Conflict | None:
        return change_campaign(self._records, number, asked, self._state.clock())

    async def accept(
        self, page: LedgerPage, batch: Sequence[Submission], terms: Terms
    ) -> PageOutcome:
        self._check_room()
        check_page(page, batch)
        plan = plan_page(self._records, page)
        if not isinstance(plan, PagePlan):
            return plan
        doubles = {page.rows[each].message for each in plan.doubles}
        own = [each for each in batch if each.message_id not in doubles]
        self._check_new_mail(own)
        now = self._state.clock()
        outcome = write_on_terms(self._state, own, terms, now, self._once_limit(), self._write)
        if isinstance(outcome, Stored):
            write_page(self._records, page, plan, now)
        assert isinstance(outcome, Stored | OverQuota)  # there was no key
        return outcome

    async def tell(self, consumer: str, position: int, told: Sequence[tuple[Place, Told]]) -> None:
        if self._state.acknowledge(consumer, position, None):
            write_told(self._records, told, self._state.clock())

    async def forget(self, number: int) -> bool:
        state, found = self._state, self._state.campaigns.get(number)
        if found is not None and found.finished:
            del state.campaigns[number]
            _forget_of(number, state.campaign_batches)
            _forget_of(number, state.campaign_rows)
            _forget_of(number, state.campaign_addresses)
        return False

    def locate(self, messages: Collection[bytes]) -> Mapping[bytes, Place]:
        found = {}
        for message in messages:
            for (number, batch_number), batch in self._state.campaign_batches.items():
                index = index_in_batch(message)
                row = batch.first_row + index
                secret = self._state.campaigns[number].secret
                if (
                    batch.base == message_id_ms(message)
                    and index < batch.rows
                    and row_message_id(secret, batch.base, index, row) == message
                ):
                    found[message] = Place(number=number, batch=batch_number, row=row)
        return found

    def find(self, campaign: bytes) -> LedgerCampaign | None:
        return next((each for each in self._state.campaigns.values() if each.id == campaign), None)

    def at_work(self) -> list[LedgerCampaign]:
        return [each for _, each in sorted(self._state.campaigns.items()) if not each.finished]

    def over(self, before: UnixMs, limit: int) -> list[LedgerCampaign]:
        own = (each for _, each in sorted(self._state.campaigns.items()))
        return [each for each in own if each.finished and each.finished < before][:limit]

    def page(self, tenant: str, before: bytes, limit: int) -> list[LedgerCampaign]:
        own = sorted(
            (each for each in self._state.campaigns.values() if each.tenant == tenant),
            key=lambda each: each.id,
            reverse=True,
        )
        return [each for each in own if not before or each.id < before][:limit]

    def batches(self, number: int, after: int, limit: int) -> list[NumberedBatch]:
        own = sorted(
            (batch, value)
            for (campaign, batch), value in self._state.campaign_batches.items()
            if campaign == number and batch > after
        )
        return [NumberedBatch(batch, value) for batch, value in own[:limit]]

    def rows(
        self,
        number: int,
        after: int,
        limit: int,
        states: Collection[RowState] = (),
        scan: int = 5000,
    ) -> RowsPage:
        own = sorted(
            row for campaign, row in self._state.campaign_rows if campaign == number and row > after
        )
        found: list[NumberedRow] = []
        at = after
        for looked, row in enumerate(own):
            if looked == scan or len(found) == limit:
                return RowsPage(tuple(found), at)
            at = row
            value = self._state.campaign_rows[number, row]
            if not states or value.state in states:
                found.append(NumberedRow(row, value))
        return RowsPage(tuple(found), None)


def _forget_of(number: int, table: dict[tuple[int, _K], _V]) -> None:
    for key in [each for each in table if each[0] == number]:
        del table[key]


class MemoryLedgerRecords:
    """Implements LedgerRecords."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def new_number(self) -> int:
        self._state.last_campaign += 1
        return self._state.last_campaign

    def open_of(self, tenant: str) -> int:
        own = (each for each in self._state.campaigns.values() if each.tenant == tenant)
        return sum(not each.finished for each in own)

    def campaign(self, number: int) -> LedgerCampaign | None:
        return self._state.campaigns.get(number)

    def put_campaign(self, campaign: LedgerCampaign) -> None:
        self._state.campaigns[campaign.number] = campaign

    def batch(self, number: int, batch: int) -> LedgerBatch | None:
        return self._state.campaign_batches.get((number, batch))

    def put_batch(self, number: int, batch: int, value: LedgerBatch) -> None:
        self._state.campaign_batches[number, batch] = value

    def row(self, number: int, row: int) -> LedgerRow | None:
        return self._state.campaign_rows.get((number, row))

    def put_row(self, number: int, row: int, value: LedgerRow) -> None:
        self._state.campaign_rows[number, row] = value

    def row_of_address(self, number: int, key: bytes) -> int | None:
        return self._state.campaign_addresses.get((number, key))

    def put_address(self, number: int, key: bytes, row: int) -> None:
        self._state.campaign_addresses[number, key] = row

    def append(self, event: CampaignEvent) -> None:
        self._state.append(event)  # type: ignore[arg-type]

    def follow(self, consumer: str) -> None:
        last = self._state.events[-1].sequence if self._state.events else 0
        self._state.cursors.setdefault(consumer, EventCursor(position=last))
