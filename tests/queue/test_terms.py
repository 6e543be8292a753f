"""Accepted once for a key, and within quotas: of both queues."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.queue import (
    LmdbSpool,
    MessageAccepted,
    MessageIdGenerator,
    PartitionNumber,
    UnixMs,
)
from angarium.queue.about import About, decode_about, encode_about
from angarium.queue.quota import next_start, period_start
from angarium.queue.terms import (
    KeyReused,
    OnceKey,
    OverQuota,
    Quota,
    Repeated,
    Stored,
    Terms,
)
from tests.queue.conftest import CONFIG, open_lmdb
from tests.queue.samples import BY, START, FakeClock, submission

DAY_MS = 86_400_000


def once(
    key: str = "order-1", asked: str = "x", answer: bytes = b"first", tenant: str = "shop"
) -> OnceKey:
    return OnceKey(
        tenant=tenant,
        key=key,
        digest=asked.encode(),
        answer=answer,
        expires=UnixMs(START + DAY_MS),
    )


def count(spool: Any) -> int:
    return sum(isinstance(each.event, MessageAccepted) for each in spool.events.read(0, 10**6))


async def send(spool: Any, new_id: MessageIdGenerator, terms: Terms, recipients: int = 1) -> Any:
    addresses = [f"r{each}@example.net" for each in range(recipients)]
    return await spool.accept_on_terms([submission(new_id(), addresses, tenant="shop")], terms)


async def test_the_same_key_with_the_same_is_stored_once(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    assert await send(spool, new_id, Terms(once=once())) == Stored()
    again = Terms(once=once(answer=b"second"))
    assert await send(spool, new_id, again) == Repeated(answer=b"first")
    assert await send(spool, new_id, Terms(once=once(asked="y"))) == KeyReused()
    assert count(spool) == 1
    assert await send(spool, new_id, Terms(once=once(tenant="other"))) == Stored()
    assert await send(spool, new_id, Terms(once=once(key="order-2"))) == Stored()
    assert count(spool) == 3


async def test_what_a_key_stands_for_is_told_without_storing_anything(
    spool: Any, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    used = once()
    assert spool.find_answer(used.tenant, used.key, used.digest) is None
    await send(spool, new_id, Terms(once=used))
    assert spool.find_answer(used.tenant, used.key, used.digest) == Repeated(answer=b"first")
    assert spool.find_answer(used.tenant, used.key, b"other") == KeyReused()
    assert spool.find_answer("other", used.key, used.digest) is None
    assert count(spool) == 1
    clock.now = START + DAY_MS
    assert spool.find_answer(used.tenant, used.key, used.digest) is None


async def test_concurrent_twins_store_one_message(spool: Any, new_id: MessageIdGenerator) -> None:
    twins = [send(spool, new_id, Terms(once=once(answer=b"%d" % each))) for each in range(50)]
    outcomes = await asyncio.gather(*twins)
    assert outcomes.count(Stored()) == 1
    answer = b"%d" % outcomes.index(Stored())
    assert outcomes.count(Repeated(answer=answer)) == 49
    assert count(spool) == 1


async def test_a_refused_batch_leaves_its_key_free(spool: Any, new_id: MessageIdGenerator) -> None:
    terms = Terms(once=once(), tenant="shop", quotas=(Quota(period="day", limit=1),))
    assert isinstance(await send(spool, new_id, terms, recipients=2), OverQuota)
    assert count(spool) == 0
    assert await send(spool, new_id, terms) == Stored()


async def test_a_key_is_free_again_after_its_time(
    spool: Any, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    await send(spool, new_id, Terms(once=once()))
    clock.now = START + DAY_MS
    later = msgspec.structs.replace(once(asked="y"), expires=UnixMs(START + 2 * DAY_MS))
    assert await send(spool, new_id, Terms(once=later)) == Stored()
    await spool.forget_keys()
    assert await send(spool, new_id, Terms(once=later)) == Repeated(answer=b"first")


async def test_beyond_its_limit_a_tenant_loses_the_key_that_ends_first(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    if isinstance(spool, LmdbSpool):
        spool._env.once_limit = 2
    else:
        spool.once_limit = 2
    ends = {"a": 3, "b": 1, "c": 2}

    async def use(key: str, tenant: str = "shop") -> Any:
        ended = UnixMs(START + ends[key] * 1000)
        known = msgspec.structs.replace(once(key=key, tenant=tenant), expires=ended)
        return await send(spool, new_id, Terms(once=known))

    for key in ("a", "b", "c"):
        assert await use(key, "other") == Stored()
        assert await use(key) == Stored()
    assert await use("a") == await use("c") == Repeated(answer=b"first")
    assert await use("b") == Stored()


async def test_keys_whose_time_is_over_leave_nothing_on_disk(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    for tenant in ("a", "b"):
        for number in range(300):
            known = once(key=str(number), tenant=tenant)
            ends = UnixMs(START + 1 + number % 2)
            terms = Terms(once=msgspec.structs.replace(known, expires=ends))
            await lmdb_spool.accept_on_terms([], terms)
    env = lmdb_spool._env
    clock.now = START + 1
    await lmdb_spool.forget_keys()
    with env.read() as txn:
        assert [txn.stat(each)["entries"] for each in (env.once, env.once_end)] == [300, 300]
    clock.now = START + 2
    await lmdb_spool.forget_keys()
    with env.read() as txn:
        assert [txn.stat(each)["entries"] for each in (env.once, env.once_end)] == [0, 0]
    # The tenant's count is zero again, too
    env.once_limit = 1
    assert await lmdb_spool.accept_on_terms([], Terms(once=once(tenant="a"))) == Stored()
    assert isinstance(await lmdb_spool.accept_on_terms([], Terms(once=once(tenant="a"))), Repeated)


async def test_quotas_are_exact_over_batches_and_say_when_they_open(
    spool: Any, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    quotas = (Quota(period="hour", limit=5), Quota(period="day", limit=7))
    terms = Terms(tenant="shop", quotas=quotas)
    assert await send(spool, new_id, terms, recipients=4) == Stored()
    over = await send(spool, new_id, terms, recipients=2)
    assert over == OverQuota(quota=quotas[0], until=next_start("hour", UnixMs(START)))
    assert await send(spool, new_id, terms, recipients=1) == Stored()
    use = {each.period: each.used for each in spool.quota_use("shop")}
    assert use == {"second": 0, "hour": 5, "day": 5, "month": 0}
    clock.now = next_start("hour", UnixMs(START))
    assert await send(spool, new_id, terms, recipients=2) == Stored()
    over = await send(spool, new_id, terms)
    assert over == OverQuota(quota=quotas[1], until=next_start("day", UnixMs(START)))
    other = Terms(tenant="other", quotas=quotas)
    assert await send(spool, new_id, other, recipients=5) == Stored()


async def test_concurrent_batches_get_no_more_than_the_quota(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    terms = Terms(tenant="shop", quotas=(Quota(period="day", limit=10),))
    outcomes = await asyncio.gather(*[send(spool, new_id, terms) for _ in range(30)])
    assert outcomes.count(Stored()) == count(spool) == 10


async def test_what_waits_for_its_quota_is_due_when_a_period_has_room(
    spool: Any, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    partition = await spool.own(PartitionNumber(0), "here")
    terms = Terms(tenant="shop", quotas=(Quota(period="second", limit=2),), over_quota="wait")
    second = period_start("second", UnixMs(START))
    batch = [submission(new_id(), tenant="shop") for _ in range(5)]
    outcome = await spool.accept_on_terms(batch, terms)
    assert outcome == Stored(not_before=UnixMs(second + 2000))
    heads = partition.due(UnixMs(START + DAY_MS), 10).heads
    dues = {each.id.message_id: each.due for each in heads}
    assert [dues[each.message_id] for each in batch] == [
        START,
        START,
        second + 1000,
        second + 1000,
        second + 2000,
    ]
    events = [each.event for each in spool.events.read(0, 10)]
    assert [each.not_before for each in events] == [0, 0, *sorted(dues.values())[2:]]
    put_off = events[4].expires - events[0].expires
    assert put_off == second + 2000 - START
    # Behind what waits already, also once its own period is there
    assert await send(spool, new_id, terms) == Stored(not_before=UnixMs(second + 2000))
    clock.now = second + 3000
    assert await send(spool, new_id, terms) == Stored()


async def test_a_start_that_its_sender_wants_later_still_is_kept(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    terms = Terms(tenant="shop", quotas=(Quota(period="second", limit=1),), over_quota="wait")
    await send(spool, new_id, terms)
    later = submission(new_id(), tenant="shop", not_before=START + 60_000)
    await spool.accept_on_terms([later], terms)
    (_, event) = [each.event for each in spool.events.read(0, 10)]
    assert (event.not_before, event.expires) == (START + 60_000, later.expires)
    # But an earlier one is not to be had any more
    moved = await spool.administration.reschedule(later.message_id, UnixMs(START), BY)
    assert moved.due == period_start("second", UnixMs(START)) + 1000


async def test_what_a_sender_says_of_a_message_is_in_its_event(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    about = About(subject="Your order", metadata={"order": 7}, send_at=START + 5)
    mail = msgspec.structs.replace(submission(new_id()), about=encode_about(about))
    await spool.accept_on_terms([mail], Terms())
    (position,) = spool.events.read(0, 10)
    assert decode_about(position.event.about) == about


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms(once=once(key="")), "1 to 256 characters"),
        (Terms(once=once(key="k" * 257)), "1 to 256 characters"),
        (Terms(once=once(answer=bytes(600_000))), "524288 octets"),
        (Terms(quotas=(Quota(period="day", limit=1),) * 2), "one quota for each period"),
    ],
)
async def test_terms_that_cannot_be_are_refused(
    spool: Any, new_id: MessageIdGenerator, terms: Terms, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        await send(spool, new_id, terms)
    assert count(spool) == 0


async def test_keys_and_counts_outlive_the_process(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    terms = Terms(once=once(), tenant="shop", quotas=(Quota(period="day", limit=2),))
    spool = open_lmdb(tmp_path, clock)
    await send(spool, new_id, terms)
    spool.close()
    spool = open_lmdb(tmp_path, clock)
    try:
        assert await send(spool, new_id, terms) == Repeated(answer=b"first")
        without = msgspec.structs.replace(terms, once=None)
        assert await send(spool, new_id, without) == Stored()
        assert isinstance(await send(spool, new_id, without), OverQuota)
    finally:
        spool.close()
    assert CONFIG.idempotency_keys == 1_000_000


async def test_who_goes_away_leaves_a_message_with_its_key_or_nothing(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator
) -> None:
    """With a key it stays, since the second try is answered from it; without one it is withdrawn."""
    with_key, without = submission(new_id(), tenant="shop"), submission(new_id(), tenant="shop")
    for batch, terms in (([with_key], Terms(once=once())), ([without], Terms(tenant="shop"))):
        lmdb_spool.accept_on_terms(batch, terms).cancel()
    assert await send(lmdb_spool, new_id, Terms(once=once())) == Repeated(answer=b"first")
    await lmdb_spool.accept([submission(new_id())])  # behind what was withdrawn meanwhile
    assert lmdb_spool.content(with_key.message_id) is not None
    assert lmdb_spool.content(without.message_id) is None


async def test_old_counts_of_periods_go_with_the_next_period(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, clock: FakeClock
) -> None:
    terms = Terms(
        tenant="shop",
        quotas=(Quota(period="second", limit=9), Quota(period="hour", limit=99)),
    )
    for _ in range(6):
        await send(lmdb_spool, new_id, terms)
        clock.now += 1000
    env = lmdb_spool._env
    with env.read() as txn:
        assert txn.stat(env.quota)["entries"] == 2
