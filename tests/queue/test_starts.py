"""Starts that are put off: what waits, what was missed, and what gets another start; of both queues."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from angarium.queue import (
    Commit,
    Deferred,
    Filter,
    MessageIdGenerator,
    OperatorHeld,
    PartitionNumber,
    Released,
    Rescheduled,
    Skipped,
    UnixMs,
    message_id_text,
)
from angarium.queue.model import IfMissed, Submission
from angarium.queue.reschedule import AfterExpiry, AlreadyLeaving, NotInQueue, StartMoved
from angarium.queue.terms import Quota, Terms
from tests.queue.samples import BY, FAR, START, FakeClock, attempt, submission

P0 = PartitionNumber(0)
HOUR_MS = 3_600_000
YEAR_MS = 366 * 86_400_000
ALWAYS = UnixMs(START + 100 * YEAR_MS)


def later(
    message_id: bytes,
    start: int = START + HOUR_MS,
    *,
    if_missed: IfMissed = "send",
    recipients: int = 2,
    end: int | None = None,
) -> Submission:
    addresses = [f"r{each}@example.net" for each in range(recipients)]
    mail = submission(message_id, addresses, tenant="shop", not_before=start)
    mail = msgspec.structs.replace(mail, if_missed=if_missed)
    if end is None:
        return mail
    return msgspec.structs.replace(mail, expires=UnixMs(end), expires_is_given=True)


async def claim(spool: Any, partition: Any, clock: FakeClock) -> int:
    """Return how many recipients there are to be tried now."""
    heads = partition.due(clock(), 100).heads
    return sum(len(each.recipients) for each in await partition.claim(heads))


def events(spool: Any, kind: type) -> list[Any]:
    found = [each.event for each in spool.events.read(0, 1000)]
    return [each for each in found if isinstance(each, kind)]


async def test_a_start_years_ahead_is_kept_when_due_times_are_pulled_in(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    """A due time as far ahead as that without a start is of a clock that was wrong."""
    partition = await spool.own(P0, "here")
    start = START + 20 * YEAR_MS
    await spool.accept([later(new_id(), start, recipients=1)])
    assert await partition.pull_in(lambda *_: clock()) == 0
    assert partition.due(UnixMs(start - 1), 10).heads == ()
    (head,) = partition.due(UnixMs(start), 10).heads
    assert head.due == start


async def test_retries_and_age_count_from_the_start(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), recipients=1)])
    older = Filter(older_than_ms=1)
    clock.now = START + HOUR_MS
    assert (await spool.administration.page(older, None, 9)).entries == ()
    (message,) = await partition.claim(partition.due(clock(), 9).heads)
    assert message.started == START + HOUR_MS
    clock.now += 1
    (entry,) = (await spool.administration.page(older, None, 9)).entries
    assert (entry.not_before, entry.started) == (START + HOUR_MS,) * 2


@pytest.mark.parametrize("if_missed", ["send", "skip", "hold"])
async def test_a_start_that_was_missed_is_what_its_sender_wanted(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator, if_missed: IfMissed
) -> None:
    partition = await spool.own(P0, "here")
    mail = later(new_id(), if_missed=if_missed)
    await spool.accept([mail])
    clock.now = START + 2 * HOUR_MS
    assert await claim(spool, partition, clock) == (2 if if_missed == "send" else 0)
    entries = (await spool.administration.page(Filter(tenants=("shop",)), None, 9)).entries
    skipped, held = events(spool, Skipped), events(spool, OperatorHeld)
    reason = "its start at 2027-01-15T09:00:00Z was missed"
    if if_missed == "skip":
        assert [(each.index, each.reason) for each in skipped] == [(0, reason), (1, reason)]
        assert entries == ()
        assert spool.content(mail.message_id) is None
    else:
        assert skipped == []
        state = "held" if if_missed == "hold" else "in_flight"
        assert [each.state for each in entries] == [state, state]
    if if_missed == "hold":
        assert [(each.actor, each.reason) for each in held] == [("policy", reason)] * 2
        await spool.administration.act("release", Filter(states=("held",)), BY)
        assert await claim(spool, partition, clock) == 2


async def test_less_than_the_grace_is_no_miss(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), if_missed="skip")])
    clock.now = START + 2 * HOUR_MS - 1
    assert await claim(spool, partition, clock) == 2


async def test_what_had_an_attempt_is_never_missed(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), if_missed="skip", recipients=1, end=START + 3 * HOUR_MS)])
    clock.now = START + HOUR_MS
    (message,) = await partition.claim(partition.due(clock(), 9).heads)
    (recipient,) = message.recipients
    again = Deferred(id=recipient.id, due=UnixMs(START + HOUR_MS + 1), attempt=attempt(451))
    await partition.commit(Commit(settled=[again]))
    clock.now = START + 9 * HOUR_MS
    assert await claim(spool, partition, clock) == 1


async def test_a_claim_that_was_given_back_was_no_attempt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), if_missed="skip", recipients=1)])
    clock.now = START + HOUR_MS
    (message,) = await partition.claim(partition.due(clock(), 9).heads)
    (recipient,) = message.recipients
    await partition.commit(Commit(settled=[Released(id=recipient.id, due=clock())]))
    clock.now += HOUR_MS
    assert await claim(spool, partition, clock) == 0
    assert len(events(spool, Skipped)) == 1


async def test_what_was_not_tried_by_the_end_that_its_sender_gave_is_skipped(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), START, end=START + 60_000)])
    clock.now = START + 60_000
    assert await claim(spool, partition, clock) == 0
    reason = "its sender wanted it sent by 2027-01-15T08:01:00Z, and nobody was there"
    assert [each.reason for each in events(spool, Skipped)] == [reason, reason]


async def test_an_end_that_nobody_gave_allows_a_last_attempt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([later(new_id(), START)])
    clock.now = FAR + 1
    assert await claim(spool, partition, clock) == 2


async def test_rescheduling_moves_all_of_a_message_and_its_time(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    mail, other = later(new_id()), later(new_id())
    await spool.accept([mail, other])
    due = UnixMs(START + 5 * HOUR_MS)
    moved = await spool.administration.reschedule(mail.message_id, due, BY, "shop")
    assert moved == StartMoved(due=due, expires=UnixMs(FAR + 4 * HOUR_MS), recipients=2)
    heads = partition.due(ALWAYS, 9).heads
    dues = [each.due for each in heads if each.id.message_id == mail.message_id]
    assert dues == [due, due]
    assert sum(each.due == START + HOUR_MS for each in heads) == 2
    (first, second) = events(spool, Rescheduled)
    assert (first.index, second.index) == (0, 1)
    assert (first.due, first.expires, first.actor) == (due, FAR + 4 * HOUR_MS, BY.who)
    # What delivery had read of it before is not due any more
    clock.now = START + HOUR_MS
    assert await claim(spool, partition, clock) == 2
    clock.now = due
    assert await claim(spool, partition, clock) == 2


async def test_a_start_that_has_passed_is_now(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    rung: list[int] = []
    spool.wakeups(rung.append)
    mail = later(new_id())
    await spool.accept([mail])
    clock.now = START + 10
    moved = await spool.administration.reschedule(mail.message_id, UnixMs(5), BY)
    assert moved.due == clock.now
    assert rung == [0]
    assert await claim(spool, partition, clock) == 2


async def test_held_mail_stays_held_and_is_due_then(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    mail = later(new_id())
    await spool.accept([mail])
    await spool.administration.act("hold", Filter(tenants=("shop",)), BY)
    due = UnixMs(START + 2 * HOUR_MS)
    assert (await spool.administration.reschedule(mail.message_id, due, BY)).recipients == 2
    assert partition.due(ALWAYS, 9).heads == ()
    await spool.administration.act("release", Filter(tenants=("shop",)), BY)
    assert [each.due for each in partition.due(ALWAYS, 9).heads] == [due, due]


async def test_what_leaves_is_not_rescheduled(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    mail = later(new_id(), START)
    await spool.accept([mail])
    reschedule = spool.administration.reschedule
    first, second = partition.due(clock(), 9).heads
    (message,) = await partition.claim([first])
    assert await reschedule(mail.message_id, ALWAYS, BY) == AlreadyLeaving()  # in flight
    again = Deferred(id=first.id, due=UnixMs(START + 1), attempt=attempt(451))
    await partition.commit(Commit(settled=[again]))
    assert await reschedule(mail.message_id, ALWAYS, BY) == AlreadyLeaving()  # attempted
    await spool.administration.act("cancel", Filter(ids=(f"{_text(mail)}.0",)), BY)
    assert await reschedule(mail.message_id, ALWAYS, BY) == AlreadyLeaving()  # one has left
    assert events(spool, Rescheduled) == []
    assert [each.id for each in partition.due(clock(), 9).heads] == [second.id]
    assert message.message_id == mail.message_id


async def test_before_its_start_a_cancelled_recipient_keeps_nobody(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    mail = later(new_id())
    await spool.accept([mail])
    await spool.administration.act("cancel", Filter(ids=(f"{_text(mail)}.0",)), BY)
    moved = await spool.administration.reschedule(mail.message_id, UnixMs(START + 1), BY)
    assert moved.recipients == 1


async def test_nobody_reschedules_what_is_not_theirs_or_is_not_there(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    mail = later(new_id())
    await spool.accept([mail])
    reschedule: Callable[..., Any] = spool.administration.reschedule
    assert await reschedule(mail.message_id, ALWAYS, BY, "other") == NotInQueue()
    assert await reschedule(new_id(), ALWAYS, BY, "shop") == NotInQueue()
    assert events(spool, Rescheduled) == []


async def test_an_end_that_was_given_bounds_the_start(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    end = UnixMs(START + 2 * HOUR_MS)
    mail = later(new_id(), end=end)
    await spool.accept([mail])
    reschedule = spool.administration.reschedule
    assert await reschedule(mail.message_id, end, BY) == AfterExpiry(expires=end)
    moved = await reschedule(mail.message_id, UnixMs(end - 1), BY)
    assert moved == StartMoved(due=UnixMs(end - 1), expires=end, recipients=2)


async def test_nobody_gets_round_a_quota_by_rescheduling(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    quota = Quota(period="hour", limit=2)
    terms = Terms(tenant="shop", quotas=(quota,), over_quota="wait")
    first, second = later(new_id(), START), later(new_id(), START)
    stored = await spool.accept_on_terms([first, second], terms)
    opens = UnixMs(START + HOUR_MS)
    assert stored.not_before == opens
    moved = await spool.administration.reschedule(second.message_id, UnixMs(0), BY)
    assert moved.due == opens


async def test_a_start_beyond_the_end_of_dates_is_refused(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    mail = later(new_id())
    await spool.accept([mail])
    with pytest.raises(ValueError, match="year 10000"):
        await spool.administration.reschedule(mail.message_id, UnixMs(1 << 62), BY)


def _text(mail: Submission) -> str:
    return message_id_text(mail.message_id)


async def test_the_oldest_message_is_that_which_waits_longest_since_its_start(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    """Else mail of next year would look as if nothing were delivered."""
    await spool.accept([later(new_id())])
    assert spool.administration.summary().oldest_at == START + HOUR_MS
    clock.now = START + 10
    await spool.accept([submission(new_id(), accepted=clock.now)])
    await spool.accept([later(new_id(), START + 20)])
    assert spool.administration.summary().oldest_at == START + 10
