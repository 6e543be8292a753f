"""The ledger on LMDB: operations of the committer, and readings of mapped pages."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

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
    LedgerCampaign,
    LedgerPage,
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
from angarium.queue.lmdb.accepting import PreparedSubmission, prepare_submission, write_submission
from angarium.queue.lmdb.event_log import Acknowledge
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.ledger_table import (
    ForgetCampaign,
    LmdbLedgerRecords,
    batch_key,
    decode_batch,
    decode_campaign,
    decode_row,
    id_key,
    keys_from,
    locate,
    row_key,
    tenant_prefix,
)
from angarium.queue.lmdb.once_table import find_once, once_key, write_once
from angarium.queue.lmdb.quota_table import LmdbQuotaCounts
from angarium.queue.lmdb.transaction import Operation, WriteTransaction
from angarium.queue.model import Submission, UnixMs
from angarium.queue.quota import QuotaPlan, put_off
from angarium.queue.spool import QueueFullError
from angarium.queue.terms import OnceKey, OverQuota, Stored, Terms

# About, of a row with its keys: only for bounding transactions
_ROW_OCTETS = 200


class LmdbLedger:
    """Implements Ledger."""

    def __init__(
        self, env: QueueEnvironment, submit: Callable[[Operation], "asyncio.Future[Any]"]
    ) -> None:
        self._env = env
        self._submit = submit

    def create(
        self, new: NewCampaign, once: OnceKey | None = None
    ) -> "asyncio.Future[CreateOutcome]":
        self._check_room()
        return self._submit(CreateCampaign(new, once, self._env.once_limit))

    def change(
        self, number: int, asked: Change
    ) -> "asyncio.Future[LedgerCampaign | Conflict | None]":
        return self._submit(ChangeCampaign(number, asked))

    def accept(
        self, page: LedgerPage, batch: Sequence[Submission], terms: Terms
    ) -> "asyncio.Future[PageOutcome]":
        self._check_room()
        return self._submit(AcceptPage(page, batch, terms, self._env.partitions))

    def tell(
        self, consumer: str, position: int, told: Sequence[tuple[Place, Told]]
    ) -> "asyncio.Future[None]":
        return self._submit(TellRows(consumer, position, told))

    def forget(self, number: int) -> "asyncio.Future[bool]":
        return self._submit(ForgetCampaign(number))

    def locate(self, messages: Collection[bytes]) -> Mapping[bytes, Place]:
        with self._env.read() as txn:
            found = {each: locate(self._env, txn, each) for each in messages}
        return {each: place for each, place in found.items() if place is not None}

    def find(self, campaign: bytes) -> LedgerCampaign | None:
        with self._env.read() as txn:
            number = txn.get(id_key(campaign), db=self._env.campaign)
            raw = None if number is None else txn.get(b"c" + number, db=self._env.campaign)
        return None if raw is None else decode_campaign(raw)

    def at_work(self) -> list[LedgerCampaign]:
        with self._env.read() as txn:
            numbers = sorted(key[-4:] for key in keys_from(txn.cursor(self._env.campaign), b"o"))
            found = [txn.get(b"c" + each, db=self._env.campaign) for each in numbers]
        return [decode_campaign(raw) for raw in found if raw is not None]

    def over(self, before: UnixMs, limit: int) -> list[LedgerCampaign]:
        found: list[LedgerCampaign] = []
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.campaign)
            for _ in keys_from(cursor, b"c"):
                campaign = decode_campaign(cursor.value())
                if campaign.finished and campaign.finished < before:
                    found.append(campaign)
                if len(found) == limit:
                    break
        return found

    def page(self, tenant: str, before: bytes, limit: int) -> list[LedgerCampaign]:
        prefix = tenant_prefix(tenant)
        found: list[LedgerCampaign] = []
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.campaign)
            start = prefix + (before or b"\xff" * 17)
            more = cursor.prev() if cursor.set_range(start) else cursor.last()
            while more and cursor.key().startswith(prefix) and len(found) < limit:
                raw = txn.get(b"c" + cursor.value(), db=self._env.campaign)
                if raw is not None:
                    found.append(decode_campaign(raw))
                more = cursor.prev()
        return found

    def batches(self, number: int, after: int, limit: int) -> list[NumberedBatch]:
        found: list[NumberedBatch] = []
        prefix = batch_key(number, 0)[:5]
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.campaign)
            if cursor.set_range(batch_key(number, after + 1)):
                for key, raw in cursor.iternext():
                    if not key.startswith(prefix) or len(found) == limit:
                        break
                    found.append(NumberedBatch(int.from_bytes(key[5:], "big"), decode_batch(raw)))
        return found

    def rows(
        self,
        number: int,
        after: int,
        limit: int,
        states: Collection[RowState] = (),
        scan: int = 5000,
    ) -> RowsPage:
        found: list[NumberedRow] = []
        prefix = row_key(number, 0)[:4]
        at = after
        with self._env.read() as txn:
            cursor = txn.cursor(self._env.campaign_row)
            more = cursor.set_range(row_key(number, after + 1))
            for looked, (key, raw) in enumerate(cursor.iternext() if more else ()):
                if not key.startswith(prefix):
                    break
                if looked == scan or len(found) == limit:
                    return RowsPage(tuple(found), at)
                at = int.from_bytes(key[4:], "big")
                row = decode_row(raw)
                if not states or row.state in states:
                    found.append(NumberedRow(at, row))
        return RowsPage(tuple(found), None)

    def _check_room(self) -> None:
        self._env.check()
        if self._env.space.is_low():
            raise QueueFullError("the disk is below queue.min_free_octets")


class CreateCampaign:
    """Operation; returns a CreateOutcome."""

    def __init__(self, new: NewCampaign, once: OnceKey | None, once_limit: int) -> None:
        """Raises ValueError."""
        check_new(new)
        self._new = new
        self._once = once
        self._once_limit = once_limit
        self.octets = 1000 + len(new.asked) + (0 if once is None else len(once.answer))

    def apply(self, tx: WriteTransaction) -> CreateOutcome:
        once, key = self._once, b""
        if once is not None:
            key = once_key(once.tenant, once.key)
            if (used := find_once(tx, key, once.digest)) is not None:
                return used
        made = create(LmdbLedgerRecords(tx), self._new, tx.now)
        if once is not None and not isinstance(made, TooManyOpen):
            write_once(tx, key, once, self._once_limit)
        return made


class ChangeCampaign:
    """Operation."""

    octets = 2000

    def __init__(self, number: int, asked: Change) -> None:
        self._number = number
        self._asked = asked

    def apply(self, tx: WriteTransaction) -> LedgerCampaign | Conflict | None:
        return change_campaign(LmdbLedgerRecords(tx), self._number, self._asked, tx.now)


class TellRows:
    """Operation."""

    def __init__(self, consumer: str, position: int, told: Sequence[tuple[Place, Told]]) -> None:
        self._told = told
        self._ack = Acknowledge(consumer, position, None)
        self.octets = self._ack.octets + len(told) * _ROW_OCTETS

    def apply(self, tx: WriteTransaction) -> None:
        if self._ack.apply(tx):  # LG6: what was acknowledged before is not told again
            write_told(LmdbLedgerRecords(tx), self._told, tx.now)


class AcceptPage:
    """Operation: rows, batch, position and submissions; returns a PageOutcome."""

    def __init__(
        self, page: LedgerPage, batch: Sequence[Submission], terms: Terms, partitions: int
    ) -> None:
        """Raises ValueError."""
        check_page(page, batch)
        self._page = page
        self._batch = [(each, prepare_submission(each, partitions)) for each in batch]
        self._terms = terms
        self._partitions = partitions
        self.octets = sum(each.octets for _, each in self._batch) + len(page.rows) * _ROW_OCTETS

    def apply(self, tx: WriteTransaction) -> PageOutcome:
        records = LmdbLedgerRecords(tx)
        plan = plan_page(records, self._page)
        if not isinstance(plan, PagePlan):
            return plan
        counts = LmdbQuotaCounts(tx, self._terms.tenant)
        quotas = QuotaPlan(self._terms.quotas, counts, tx.now)
        batch = self._within(quotas, plan)
        if isinstance(batch, OverQuota):
            return batch
        for each in batch:
            write_submission(tx, each)
        counts.write(quotas.changed)
        write_page(records, self._page, plan, tx.now)  # LG4
        return Stored(not_before=quotas.latest)

    def _within(self, quotas: QuotaPlan, plan: PagePlan) -> list[PreparedSubmission] | OverQuota:
        """Return what is to be written of those that are no doubles."""
        doubles = {self._page.rows[each].message for each in plan.doubles}
        pairs = [pair for pair in self._batch if pair[0].message_id not in doubles]
        if not self._terms.quotas:
            return [prepared for _, prepared in pairs]
        if self._terms.over_quota == "refuse":
            over = quotas.take(len(pairs))
            return [prepared for _, prepared in pairs] if over is None else over
        planned = []
        for submission, prepared in pairs:
            later = quotas.take_later(1)
            if isinstance(later, OverQuota):
                return later
            planned.append(
                prepare_submission(put_off(submission, later), self._partitions)
                if later
                else prepared
            )
        return planned
