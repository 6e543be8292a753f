"""Mirrors angarium/queue/ledger: what becomes of rows, batches and campaigns, and of ids."""

import pytest

from angarium.queue import LmdbSpool, UnixMs
from angarium.queue.ledger.ids import index_in_batch, row_message_id
from angarium.queue.ledger.page_check import check_page
from angarium.queue.ledger.rules import (
    Begin,
    Conflict,
    Count,
    MoveStart,
    Pause,
    advance,
    change,
    settle,
)
from angarium.queue.ledger.values import (
    MAX_OPEN,
    Flag,
    LedgerCampaign,
    LedgerPage,
    LedgerRow,
    NewCampaign,
    PageRow,
    RowState,
    Tally,
    Told,
)
from angarium.queue.ledger.writing import TooManyOpen
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.message_id import message_id_ms
from tests.queue.samples import START, submission

AT = UnixMs(START + 5)
ROW = LedgerRow(line=2, address="a@example.net", state=RowState.QUEUED, at=START, message=b"m" * 16)


def told(state: RowState | None = None, flag: Flag = Flag.NONE, reason: str = "") -> Told:
    return Told(message=ROW.message, at=AT, state=state, flag=flag, reason=reason)


def state_after(*states: RowState) -> RowState:
    row = ROW
    for each in states:
        row = advance(row, told(each)) or row
    return row.state


@pytest.mark.parametrize(
    ("met", "after"),
    [
        ((RowState.DEFERRED,), RowState.DEFERRED),
        ((RowState.DEFERRED, RowState.DELIVERED), RowState.DELIVERED),
        ((RowState.DELIVERED, RowState.DEFERRED), RowState.DELIVERED),
        ((RowState.DELIVERED, RowState.BOUNCED), RowState.BOUNCED),
        ((RowState.SENT, RowState.DELIVERED, RowState.BOUNCED), RowState.BOUNCED),
        ((RowState.SENT, RowState.CANCELLED), RowState.SENT),
        ((RowState.BOUNCED, RowState.DELIVERED), RowState.BOUNCED),
        ((RowState.CANCELLED, RowState.SENT), RowState.CANCELLED),
        ((RowState.EXPIRED, RowState.BOUNCED), RowState.EXPIRED),
    ],
)
def test_what_is_over_is_taken_back_only_by_what_comes_later(
    met: tuple[RowState, ...], after: RowState
) -> None:
    assert state_after(*met) is after  # LG3


def test_a_row_keeps_what_its_recipient_did_and_why_it_failed() -> None:
    bounced = advance(ROW, told(RowState.BOUNCED, reason="550 no such user"))
    assert bounced is not None
    assert (bounced.reason, bounced.at) == ("550 no such user", AT)
    opened = advance(bounced, told(flag=Flag.OPENED, reason="other"))
    assert opened is not None
    assert (opened.flags, opened.reason) == (Flag.OPENED, "550 no such user")
    assert advance(opened, told(flag=Flag.OPENED)) is None


def campaign(**values: object) -> LedgerCampaign:
    fixed = {"number": 1, "id": b"c" * 16, "tenant": "shop", "created": START}
    return LedgerCampaign(**{**fixed, "asked": b"", "secret": b"s" * 16, **values})  # type: ignore[arg-type]


def test_a_campaign_passes_through_each_status_on_its_way() -> None:
    begun = campaign(phase="processing", is_read=True, tally=Tally(delivered=2, refused=1))
    passed = list(settle(begun, AT))
    assert [each.phase for each in passed] == ["ready_to_send", "sent", "completed"]
    assert passed[-1].finished == AT


@pytest.mark.parametrize(
    ("tally", "is_read", "phase"),
    [
        (Tally(delivered=2), False, "processing"),
        (Tally(queued=1, delivered=2), True, "ready_to_send"),
        (Tally(deferred=1, delivered=2), True, "sent"),
        (Tally(sent=1, delivered=2), True, "completed"),
        (Tally(), True, "completed"),
        (Tally(checked=3, refused=1), True, "completed"),
    ],
)
def test_nothing_is_completed_that_is_only_queued(tally: Tally, is_read: bool, phase: str) -> None:
    begun = campaign(phase="processing", is_read=is_read, tally=tally)
    assert [begun, *settle(begun, AT)][-1].phase == phase  # LG2


def test_a_start_can_be_moved_until_rows_are_read() -> None:
    later = UnixMs(AT + 1000)
    waiting = change(campaign(start=later), Begin(), AT)
    assert isinstance(waiting, LedgerCampaign)
    assert waiting.phase == "scheduled"
    moved = change(waiting, MoveStart(UnixMs(AT + 5000)), AT)
    assert isinstance(moved, LedgerCampaign)
    assert (moved.phase, moved.start) == ("scheduled", AT + 5000)
    begun = change(moved, Begin(), UnixMs(AT + 5000))
    assert isinstance(begun, LedgerCampaign)
    assert (begun.phase, begun.began) == ("processing", AT + 5000)
    assert isinstance(change(begun, MoveStart(later), AT), Conflict)


def test_what_is_paused_does_not_begin() -> None:
    paused = change(campaign(), Pause(), AT)
    assert isinstance(paused, LedgerCampaign)
    assert change(paused, Begin(), AT) == paused


def test_an_id_has_its_batchs_time_and_follows_from_campaign_and_row() -> None:
    made = row_message_id(b"s" * 16, AT, 7, 1007)
    assert (message_id_ms(made), index_in_batch(made)) == (AT, 7)
    assert made[6] >> 4 == 7  # RFC 9562: version
    assert made[8] >> 6 == 0b10  # and variant
    assert made == row_message_id(b"s" * 16, AT, 7, 1007)
    others = {row_message_id(b"s" * 16, AT, 7, 1008), row_message_id(b"t" * 16, AT, 7, 1007)}
    assert len({each[8:] for each in (made, *others)}) == 3


@pytest.mark.parametrize(
    ("rows", "batch"),
    [
        ((PageRow(line=2, address="a", message=b"m" * 16),), []),
        ((PageRow(line=2, address="a", message=b"m" * 16),), [submission(b"n" * 16)]),
        (
            (PageRow(line=2, address="a", message=b"m" * 16),),
            [submission(b"m" * 16, ["a@example.net", "b@example.net"])],
        ),
        ((PageRow(line=2, address="a", message=b"m" * 16, reason="no"),), [submission(b"m" * 16)]),
        ((PageRow(line=2, address="a", reason="no"),) * 1001, []),
        ((), []),
    ],
)
def test_a_page_that_is_none_is_refused(rows: tuple[PageRow, ...], batch: list[object]) -> None:
    page = LedgerPage(number=1, batch=1, base=START, rows=rows, position=b"")
    with pytest.raises(ValueError, match=r"."):
        check_page(page, batch)  # type: ignore[arg-type]


async def test_a_tenant_has_only_so_many_campaigns_that_are_not_over(
    spool: LmdbSpool | MemorySpool,
) -> None:
    for at in range(MAX_OPEN):
        new = NewCampaign(id=at.to_bytes(16, "big"), tenant="shop", asked=b"", secret=b"s" * 16)
        assert isinstance(await spool.ledger.create(new), LedgerCampaign)
    one_more = NewCampaign(id=b"x" * 16, tenant="shop", asked=b"", secret=b"s" * 16)
    assert await spool.ledger.create(one_more) == TooManyOpen(MAX_OPEN)
    of_other = NewCampaign(id=b"y" * 16, tenant="other", asked=b"", secret=b"s" * 16)
    assert isinstance(await spool.ledger.create(of_other), LedgerCampaign)


def test_a_row_that_machines_looked_at_is_not_opened() -> None:
    after = advance(ROW, told(flag=Flag.MACHINE_OPENED))
    assert after is not None
    count = Count(Tally(queued=1))
    count.move(ROW, after)
    tally = count.tally()
    assert (tally.opened, tally.machine_opened, tally.clicked) == (0, 1, 0)


def test_of_whom_nobody_is_to_know_that_he_read_it_counts_once_and_without_its_time() -> None:
    after = advance(ROW, told(flag=Flag.OPENED | Flag.UNNAMED))
    assert after is not None
    assert after.at == ROW.at
    assert advance(after, told(flag=Flag.OPENED | Flag.UNNAMED)) is None
    count = Count(Tally(queued=1))
    count.move(ROW, after)
    assert count.tally() == Tally(queued=1, opened=1)
