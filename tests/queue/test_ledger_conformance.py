"""Random histories of campaigns, on both ledgers side by side, with deaths at any moment: all that they say is equal.

And against a model without either: each row of the file is in the ledger once and in the file's order, each that was
accepted has its message in the queue until it ended, and no address has two.
"""

import asyncio
import inspect
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from angarium.config.schema import Queue
from angarium.queue import (
    CampaignChanged,
    CampaignCompleted,
    CampaignStarted,
    LmdbSpool,
    MessageAccepted,
    UnixMs,
)
from angarium.queue.ledger.ids import row_message_id
from angarium.queue.ledger.rules import (
    Begin,
    Cancel,
    Change,
    Conflict,
    Fail,
    MoveStart,
    Pause,
    QueueTold,
    Resume,
    batch_status,
)
from angarium.queue.ledger.values import (
    Flag,
    LedgerCampaign,
    LedgerPage,
    NewCampaign,
    PageRow,
    RowState,
    Told,
)
from angarium.queue.ledger.writing import PageRefused, PageRepeated
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.terms import KeyReused, OnceKey, OverQuota, Quota, Repeated, Stored, Terms
from tests.queue.samples import FakeClock, make_ids, submission

CONFIG = Queue(partitions=1, map_octets=1 << 17, min_free_octets=0, sync=False)
TENANT = "shop"
# Of each file, what a row's address is; "" is one that is refused before, "E" is suppressed
FILE = ("a", "b", "", "a", "c", "d", "b", "E", "", "f", "g", "h")
CHANGES: tuple[Change, ...] = (
    *(Begin(), Begin(), Begin(), Pause(), Resume(), Resume(), Cancel(), Fail("gone")),
    *(MoveStart(UnixMs(0)), QueueTold("held"), QueueTold("")),
)
FINAL = [each for each in RowState if each.is_final and each < RowState.REFUSED]


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.new_id = make_ids(self.clock)
        self.path = Path(tempfile.mkdtemp(prefix="angarium-test-"))
        self.memory = MemorySpool(self.clock, 1)
        self.lmdb = LmdbSpool.open(self.path / "queue", CONFIG, self.clock, self.loop)
        self.known: list[bytes] = []
        self.messages: list[bytes] = []
        self.position = 0
        self.quotas: tuple[Quota, ...] = ()

    def teardown(self) -> None:
        self.lmdb.close()
        self.loop.close()
        shutil.rmtree(self.path)

    @initialize(quotas=st.sampled_from([(), (), (Quota(period="second", limit=3),)]))
    def start(self, quotas: tuple[Quota, ...]) -> None:
        self.quotas = quotas
        self.both(self.memory.events.register("rows"), self.lmdb.events.register("rows"))

    def wait(self, found: Any) -> Any:
        return self.loop.run_until_complete(found) if inspect.isawaitable(found) else found

    def both(self, memory: Any, lmdb: Any) -> Any:
        of_memory, of_lmdb = self.wait(memory), self.wait(lmdb)
        assert of_memory == of_lmdb
        return of_lmdb

    @rule(
        key=st.sampled_from(["", "", "k"]), asked=st.sampled_from([b"x", b"y"]), dry=st.booleans()
    )
    def create(self, key: str, asked: bytes, dry: bool) -> None:
        if len(self.known) == 3:
            return
        new = NewCampaign(
            id=self.new_id(),
            tenant=TENANT,
            asked=asked,
            secret=bytes([len(self.known)]) * 16,
            is_dry=dry,
        )
        once = None
        if key:
            expires = UnixMs(self.clock.now + 10_000)
            once = OnceKey(tenant=TENANT, key=key, digest=asked, answer=new.id, expires=expires)
        ledgers = (self.memory.ledger, self.lmdb.ledger)
        made = self.both(*[each.create(new, once) for each in ledgers])
        if isinstance(made, LedgerCampaign):
            self.known.append(made.id)
        else:
            assert isinstance(made, Repeated | KeyReused)

    def any_of(self, data: st.DataObject) -> LedgerCampaign | None:
        if not self.known:
            return None
        wanted = data.draw(st.sampled_from(self.known))
        return self.both(self.memory.ledger.find(wanted), self.lmdb.ledger.find(wanted))

    @rule(data=st.data(), asked=st.sampled_from(CHANGES))
    def change(self, data: st.DataObject, asked: Change) -> None:
        if (campaign := self.any_of(data)) is None:
            return
        ledgers = (self.memory.ledger, self.lmdb.ledger)
        after = self.both(*[each.change(campaign.number, asked) for each in ledgers])
        is_over = campaign.phase in ("completed", "cancelled", "failed")
        if is_over and isinstance(asked, Pause | Resume | Begin | Fail):
            assert isinstance(after, Conflict)

    @rule(data=st.data(), size=st.integers(1, 5), again=st.sampled_from([0, 0, 0, 1]))
    def accept(self, data: st.DataObject, size: int, again: int) -> None:
        """``again``: a batch that is there already, as of a runner that died before it had its answer."""
        if (campaign := self.any_of(data)) is None:
            return
        page, batch = self.page_of(campaign, size, again)
        terms = Terms(tenant=TENANT, quotas=self.quotas)
        ledgers = (self.memory.ledger, self.lmdb.ledger)
        outcome = self.both(*[each.accept(page, batch, terms) for each in ledgers])
        takes = campaign.phase == "processing" and not campaign.is_paused
        if page.batch <= campaign.batches:
            assert outcome == PageRepeated()  # LG5
        elif not takes:
            assert outcome == PageRefused()
        elif isinstance(outcome, Stored):
            self.messages += [each.message_id for each in batch]
        else:
            assert isinstance(outcome, OverQuota)

    def page_of(self, campaign: LedgerCampaign, size: int, again: int) -> tuple[LedgerPage, Any]:
        base = UnixMs(self.clock.now)
        rows, batch = [], []
        for index, name in enumerate(FILE[campaign.rows :][:size]):
            number = campaign.rows + 1 + index
            message = row_message_id(campaign.secret, base, index, number)
            address = f"{name}@example.net"
            has_message = bool(name) and name != "E" and not campaign.is_dry
            if has_message:
                batch.append(submission(message, [address], tenant=TENANT, accepted=base))
            rows.append(
                PageRow(
                    line=number + 1,
                    address=address,
                    message=message if has_message else b"",
                    is_suppressed=name == "E",
                    reason="" if name else "has no address",
                    text="" if name else "a,b",
                    key=name.encode().rjust(16, b"\0") if name else b"",
                )
            )
        behind = campaign.rows + len(rows)
        page = LedgerPage(
            number=campaign.number,
            batch=max(campaign.batches + 1 - again, 1),
            base=base,
            rows=tuple(rows),
            position=str(behind).encode(),
            is_last=behind == len(FILE),
        )
        return page, batch

    @rule(
        data=st.data(),
        state=st.sampled_from([RowState.DEFERRED, *FINAL, None]),
        flag=st.sampled_from(list(Flag)),
        behind=st.sampled_from([1, 1, 0]),
        count=st.integers(1, 4),
    )
    def tell(
        self, data: st.DataObject, state: RowState | None, flag: Flag, behind: int, count: int
    ) -> None:
        """``behind``: 0 of what was acknowledged already."""
        if not self.messages:
            return
        wanted = data.draw(st.lists(st.sampled_from(self.messages), min_size=1, max_size=count))
        ledgers = (self.memory.ledger, self.lmdb.ledger)
        places = self.both(*[each.locate(wanted) for each in ledgers])
        told = [
            (places[each], Told(message=each, at=UnixMs(self.clock.now), state=state, flag=flag))
            for each in wanted
            if each in places
        ]
        self.position += behind
        before = [self.lmdb.ledger.find(each) for each in self.known]
        self.both(*[each.tell("rows", self.position, told) for each in ledgers])
        if not behind:
            assert before == [self.lmdb.ledger.find(each) for each in self.known]  # LG6

    @rule(ms=st.sampled_from([1, 400, 1000]))
    def pass_time(self, ms: int) -> None:
        self.clock.now += ms

    @rule()
    def die(self) -> None:
        self.memory = self.memory.crash()
        self.lmdb.close()
        self.lmdb = LmdbSpool.open(self.path / "queue", CONFIG, self.clock, self.loop)

    @invariant()
    def both_say_the_same(self) -> None:
        ledgers = (self.memory.ledger, self.lmdb.ledger)
        self.both(*[each.at_work() for each in ledgers])
        newest = self.both(*[each.page(TENANT, b"", 10) for each in ledgers])
        assert [each.id for each in newest] == sorted(self.known, reverse=True)
        self.both(*[each.page(TENANT, newest[0].id if newest else b"", 1) for each in ledgers])
        for campaign in newest:
            number = campaign.number
            batches = self.both(*[each.batches(number, 0, 100) for each in ledgers])
            rows = self.both(*[each.rows(number, 0, 100) for each in ledgers])
            self.both(*[each.rows(number, 2, 3, (RowState.REFUSED,)) for each in ledgers])
            self.both(*[each.rows(number, 0, 5, (RowState.QUEUED,), 2) for each in ledgers])
            assert rows.next is None
            self.check(campaign, batches, [(each.number, each.row) for each in rows.rows])
        self.both(self.memory.events.consumers(), self.lmdb.events.consumers())
        events = self.both(self.memory.events.read(0, 10_000), self.lmdb.events.read(0, 10_000))
        self.check_events([each.event for each in events])

    def check(self, campaign: LedgerCampaign, batches: Any, rows: Any) -> None:
        assert [number for number, _ in rows] == list(range(1, campaign.rows + 1))  # LG4
        assert campaign.position in (str(campaign.rows).encode(), b"")
        states = Counter(row.state for _, row in rows)
        of_tally = msgspec.structs.astuple(campaign.tally)
        assert list(of_tally[: len(RowState)]) == [states[each] for each in RowState]  # LG1
        counted = [each for each in Flag if each and each is not Flag.UNNAMED]
        flags = [sum(bool(row.flags & each) for _, row in rows) for each in counted]
        assert list(of_tally[len(RowState) :]) == flags
        never = (RowState.REFUSED, RowState.DUPLICATE)
        sent = [row.address for _, row in rows if row.state not in never]
        assert len(sent) == len(set(sent))
        assert sum(each.batch.rows for each in batches) == campaign.rows
        for each in batches:
            first, last = each.batch.first_row, each.batch.first_row + each.batch.rows
            own = [row for number, row in rows if first <= number < last and row.message]
            assert each.batch.accepted == len(own)
            assert each.batch.ended == sum(row.state.is_final for row in own)
            assert each.batch.tried == sum(row.state is not RowState.QUEUED for row in own)
            assert (batch_status(each.batch) == "completed") == (each.batch.ended == len(own))
        if campaign.phase == "completed":
            assert len(rows) == len(FILE)  # LG2
            assert all(row.state.is_final for _, row in rows)
            assert campaign.finished

    def check_events(self, events: list[Any]) -> None:
        """A message was accepted once for each row that has one."""
        accepted = [each.message_id for each in events if isinstance(each, MessageAccepted)]
        of_rows = [
            row.row.message
            for campaign in self.known
            for row in self.lmdb.ledger.rows(self.lmdb.ledger.find(campaign).number, 0, 100).rows
            if row.row.message
        ]
        assert sorted(accepted) == sorted(of_rows)
        changes = [each for each in events if isinstance(each, CampaignChanged | CampaignCompleted)]
        assert sum(isinstance(each, CampaignStarted) for each in events) == len(self.known)
        for campaign in self.known:
            found = self.lmdb.ledger.find(campaign)
            own = [each for each in changes if each.campaign.replace("-", "") == campaign.hex()]
            if own:
                assert (own[-1].status, own[-1].is_paused) == (found.phase, found.is_paused)
            assert sum(isinstance(each, CampaignCompleted) for each in own) <= 1


LedgerMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLedger = LedgerMachine.TestCase
