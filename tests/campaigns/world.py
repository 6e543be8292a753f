"""A campaign without files, templates and processes: the runner over a queue in memory, which dies as it is told to."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from angarium.campaigns.asked import Asked, encode_asked
from angarium.campaigns.batch import Batches, Standing
from angarium.campaigns.fetching import FetchedFile, Fetching
from angarium.campaigns.outcomes import told_of
from angarium.campaigns.runner import Runner, RunnerSettings
from angarium.campaigns.source import Lot, SourceError, Taken
from angarium.campaigns.telling import QueueTeller
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Caller, Fault, FaultKind, Order
from angarium.queue import Attempt, Commit, Done, MessageId, PartitionNumber, UnixMs
from angarium.queue.ledger.values import LedgerCampaign, NewCampaign
from angarium.queue.ledger.writing import CONSUMER
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import Submission
from angarium.queue.terms import Quota, Terms
from angarium.tables.model import BadRow, Layout, Position, Row, Shape
from tests.queue.samples import FakeClock, make_ids, submission

LAYOUT = Layout(
    charset="utf-8",
    shape=Shape(),
    columns=("email", "name"),
    address=0,
    start=Position(offset=11, line=2, number=0),
)
TENANT = "shop"


class Killed(BaseException):
    """SIGKILL, at a moment that a test chooses."""


class ListSource:
    """Satisfies Source."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    def read(self, after: bytes, limit: int) -> Lot:
        begin = int(after or b"0")
        taken = []
        for index, address in enumerate(self._addresses[begin : begin + limit], begin):
            taken.append(Taken(row=row_of(index, address), position=str(index + 1).encode()))
        return Lot(rows=tuple(taken), is_last=begin + limit >= len(self._addresses))

    def close(self) -> None:
        pass


def row_of(index: int, address: str) -> Row | BadRow:
    line = index + 2
    if "@" not in address:
        return BadRow(
            number=index + 1, line=line, flaw="address", reason="has no address", text=address
        )
    mailbox = read_mailbox(address, "email")
    return Row(number=index + 1, line=line, mailbox=mailbox, variables={"name": f"n{index}"})


class FakeMaking:
    """In the place of Making: ``faults`` by address; what is in ``waits`` is raised once."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.faults: dict[str, FaultKind] = {}
        self.waits: list[Exception] = []
        self.callers: list[Caller] = []

    async def make(
        self, caller: Caller, orders: Sequence[Order], ids: Sequence[MessageId]
    ) -> list[Submission | Fault]:
        self.callers.append(caller)
        if self.waits:
            raise self.waits.pop()
        return [self._one(order, each) for order, each in zip(orders, ids, strict=True)]

    def _one(self, order: Order, message_id: MessageId) -> Submission | Fault:
        address = order.to[0].mailbox.address.text
        if (kind := self.faults.get(address)) is not None:
            return Fault(kind=kind, message=f"{kind.value} of {address}")
        return submission(
            message_id,
            [address],
            tenant=TENANT,
            campaign=order.campaign,
            accepted=self._clock.now,
        )


class FakeFetches:
    """Satisfies FetchesFiles: what has begun ends as a test wants it to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cleaned: list[int] = []
        self.cancelled = 0
        self.goes_on = asyncio.Event()
        self.refusal = ""

    async def fetch(self, campaign: LedgerCampaign, asked: Asked) -> FetchedFile:
        self.begun.append(asked.csv_url)
        try:
            await self.goes_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.refusal:
            raise SourceError(self.refusal)
        return FetchedFile(layout=LAYOUT, filename="fetched.csv")

    async def clean(self, campaign: LedgerCampaign) -> None:
        self.cleaned.append(campaign.number)


class DyingLedger:
    """The ledger, but for a moment before or after one of its writes at which the process dies."""

    def __init__(self, ledger: Any, world: "World") -> None:
        self._ledger = ledger
        self._world = world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        if name not in ("create", "change", "accept", "tell"):
            return found

        async def dying(*arguments: Any) -> Any:
            if self._world.dies():
                raise Killed
            result = await found(*arguments)
            if self._world.dies():
                raise Killed
            return result

        return dying


class World:
    def __init__(self, addresses: Sequence[str], *, batch_rows: int = 3, ahead: int = 100) -> None:
        self.clock = FakeClock()
        self.addresses = addresses
        self.spool = MemorySpool(self.clock, 1)
        self.making = FakeMaking(self.clock)
        self.settings = RunnerSettings(batch_rows=batch_rows, queued_ahead=ahead)
        self.quotas: tuple[Quota, ...] = ()
        self.standing: Standing | None = Standing(
            domains=("example.com",), senders=("@example.com",)
        )
        self.new_id = make_ids(self.clock)
        self.dies: Callable[[], bool] = lambda: False
        self.fetches = FakeFetches()
        self.sent: list[str] = []  # that delivery handed to somebody
        self.start()

    def start(self) -> None:
        """As a process that has just been started."""
        self.fetching = Fetching(self.fetches)
        ledger: Any = DyingLedger(self.spool.ledger, self)
        self.ledger = ledger
        self.runner = Runner(
            ledger,
            QueueTeller(ledger, self.spool.administration),
            Batches(self.making, lambda tenant: self.standing, self.clock),  # type: ignore[arg-type]
            self.fetching,
            lambda campaign, asked: ListSource(self.addresses),
            terms=lambda tenant: Terms(tenant=tenant, quotas=self.quotas),
            quota_use=self.spool.quota_use,
            clock=self.clock,
            settings=self.settings,
        )

    def crash(self) -> None:
        self.spool = self.spool.crash()
        self.start()

    async def create(self, **values: Any) -> LedgerCampaign:
        fields = {"author": "shop@example.com", "text": "hello", "layout": LAYOUT}
        asked = Asked(**{**fields, **values.pop("asked", {})})
        new = NewCampaign(
            id=self.new_id(),
            tenant=TENANT,
            asked=encode_asked(asked),
            secret=bytes(self.new_id()),
            **values,
        )
        made = await self.spool.ledger.create(new)
        assert isinstance(made, LedgerCampaign)
        return made

    def found(self, campaign: LedgerCampaign) -> LedgerCampaign:
        found = self.spool.ledger.find(campaign.id)
        assert found is not None
        return found

    async def run(self, turns: int = 100) -> None:
        """Until the runner has nothing to do just now."""
        for _ in range(turns):
            if not await self.runner.turn():
                return

    async def deliver(self, limit: int = 1000, outcome: Any = "delivered") -> int:
        """As the delivery processes do; returns to how many."""
        partition = await self.spool.own(PartitionNumber(0), "here")
        await partition.replay()
        heads = partition.due(UnixMs(self.clock.now), limit).heads
        claimed = await partition.claim(heads)
        done = []
        for message in claimed:
            for each in message.recipients:
                self.sent.append(each.forward_path)
                done.append(Done(id=each.id, outcome=outcome, attempt=attempt(self.clock)))
        await partition.commit(Commit(settled=done))
        return len(done)

    async def follow(self) -> None:
        """As the follower of outcomes does, from where it has acknowledged."""
        after = self.spool.events.consumers()[CONSUMER]
        batch = self.spool.events.read(after, 1000)
        found = [each for position in batch if (each := told_of(position.event)) is not None]
        places = self.ledger.locate([each.message for each in found])
        told = [(places[each.message], each) for each in found if each.message in places]
        if batch:
            await self.ledger.tell(CONSUMER, batch[-1].sequence, told)

    def states(self, campaign: LedgerCampaign) -> list[str]:
        rows = self.spool.ledger.rows(campaign.number, 0, 1000).rows
        return [each.row.state.word for each in rows]


def attempt(clock: FakeClock) -> Attempt:
    return Attempt(
        at=UnixMs(clock.now),
        host="mx.example.net",
        address="192.0.2.1",
        source="",
        code=250,
        enhanced="2.0.0",
        text="ok",
        tls="",
        stage="final_dot",
    )


def dying_at(moments: Collection[int]) -> Callable[[], bool]:
    """Die at these of the moments at which a process may."""
    count = -1

    def dies() -> bool:
        nonlocal count
        count += 1
        return count in moments

    return dies


def expected(addresses: Sequence[str]) -> Mapping[str, int]:
    return dict.fromkeys((each for each in addresses if "@" in each), 1)
