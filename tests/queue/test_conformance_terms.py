"""Random histories of keys, quotas and starts, on both queues side by side: outcomes, due times and events are equal.

And against what may be said without either: a key stands for one message, no period has more than its quota, and
nothing is tried before its start.
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
    Commit,
    Deferred,
    Filter,
    LmdbSpool,
    MessageAccepted,
    MessageId,
    PartitionNumber,
    Released,
    UnixMs,
    message_id_text,
)
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import IfMissed, Submission
from angarium.queue.quota import period_start
from angarium.queue.terms import OnceKey, Quota, Stored, Terms
from tests.queue.samples import BY, START, FakeClock, attempt, make_ids, submission

CONFIG = Queue(
    partitions=1,
    map_octets=1 << 17,
    min_free_octets=0,
    sync=False,
    missed_after_s=2.0,
    idempotency_keys=3,
)
QUOTAS = (
    (),
    (Quota(period="second", limit=3),),
    (Quota(period="second", limit=2), Quota(period="hour", limit=9)),
)
ALWAYS = UnixMs(START + 10**12)
TENANTS = ("shop", "other")


class TermsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.new_id = make_ids(self.clock)
        self.path = Path(tempfile.mkdtemp(prefix="angarium-test-"))
        self.ids: list[MessageId] = []
        self.retried: set[MessageId] = set()

    def teardown(self) -> None:
        self.lmdb.close()
        self.loop.close()
        shutil.rmtree(self.path)

    @initialize(quotas=st.sampled_from(QUOTAS), waits=st.booleans())
    def start(self, quotas: tuple[Quota, ...], waits: bool) -> None:
        self.quotas = quotas
        self.over_quota: Any = "wait" if waits else "refuse"
        self.memory = MemorySpool(self.clock, 1)
        self.open()

    def open(self) -> None:
        self.memory.missed_after_ms, self.memory.once_limit = 2000, 3
        self.lmdb = LmdbSpool.open(self.path / "queue", CONFIG, self.clock, self.loop)
        self.partitions = [
            self.wait(each.own(PartitionNumber(0), "here")) for each in (self.memory, self.lmdb)
        ]
        assert self.both(*[each.replay() for each in self.partitions]) is not None

    def wait(self, found: Any) -> Any:
        return self.loop.run_until_complete(found) if inspect.isawaitable(found) else found

    def both(self, memory: Any, lmdb: Any) -> Any:
        """Return what both queues say."""
        of_memory, of_lmdb = self.wait(memory), self.wait(lmdb)
        assert of_memory == of_lmdb
        return of_lmdb

    @rule(
        recipients=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        key=st.sampled_from([None, "a", "b", "c", "d"]),
        asked=st.sampled_from([b"x", b"x", b"y"]),
        tenant=st.sampled_from(TENANTS),
        start=st.sampled_from([0, 0, 1500, 5000]),
        end=st.sampled_from([None, None, 4000]),
        if_missed=st.sampled_from(["send", "skip", "hold"]),
        lasts=st.sampled_from([1000, 10_000]),
    )
    def accept(
        self,
        recipients: list[int],
        key: str | None,
        asked: bytes,
        tenant: str,
        start: int,
        end: int | None,
        if_missed: IfMissed,
        lasts: int,
    ) -> None:
        batch = [self.mail(count, tenant, start, end, if_missed) for count in recipients]
        once = None
        if key is not None:
            expires = UnixMs(self.clock.now + lasts)
            answer = batch[0].message_id
            once = OnceKey(tenant=tenant, key=key, digest=asked, answer=answer, expires=expires)
        terms = Terms(once=once, tenant=tenant, quotas=self.quotas, over_quota=self.over_quota)
        outcome = self.both(
            self.memory.accept_on_terms(batch, terms), self.lmdb.accept_on_terms(batch, terms)
        )
        if isinstance(outcome, Stored):
            self.ids += [each.message_id for each in batch]

    def mail(
        self, count: int, tenant: str, start: int, end: int | None, if_missed: IfMissed
    ) -> Submission:
        now = self.clock.now
        mail = submission(
            self.new_id(),
            [f"r{each}@example.net" for each in range(count)],
            tenant=tenant,
            accepted=now,
            not_before=now + start if start else 0,
        )
        mail = msgspec.structs.replace(mail, if_missed=if_missed, expires=UnixMs(now + 60_000))
        if end is None:
            return mail
        return msgspec.structs.replace(mail, expires=UnixMs(now + end), expires_is_given=True)

    @rule(ms=st.sampled_from([1, 400, 1000, 3000]))
    def pass_time(self, ms: int) -> None:
        self.clock.now += ms

    @rule(limit=st.integers(1, 4), what=st.sampled_from(["deferred", "released"]))
    def try_them(self, limit: int, what: str) -> None:
        due = UnixMs(self.clock.now + 500)
        for partition in self.partitions:
            heads = partition.due(self.clock(), limit).heads
            for message in self.wait(partition.claim(heads)):
                early = message.not_before > self.clock.now  # only if an operator said so
                assert not early or message.message_id in self.retried
                settled: list[Any] = [
                    Deferred(id=each.id, due=due, attempt=attempt(451))
                    if what == "deferred"
                    else Released(id=each.id, due=due)
                    for each in message.recipients
                ]
                self.wait(partition.commit(Commit(settled=settled)))

    @rule(data=st.data(), ahead=st.sampled_from([0, 700, 50_000]), tenant=st.sampled_from(TENANTS))
    def reschedule(self, data: st.DataObject, ahead: int, tenant: str) -> None:
        if self.ids:
            message_id = data.draw(st.sampled_from(self.ids))
            due = UnixMs(self.clock.now + ahead)
            self.both(
                self.memory.administration.reschedule(message_id, due, BY, tenant),
                self.lmdb.administration.reschedule(message_id, due, BY, tenant),
            )

    @rule(data=st.data(), act=st.sampled_from(["hold", "release", "cancel", "retry"]))
    def operate(self, data: st.DataObject, act: Any) -> None:
        if self.ids:
            message_id = data.draw(st.sampled_from(self.ids))
            if act == "retry":
                self.retried.add(message_id)
            name = message_id_text(message_id)
            wanted = Filter(ids=(data.draw(st.sampled_from([name, f"{name}.0"])),))
            self.both(
                self.memory.administration.act(act, wanted, BY),
                self.lmdb.administration.act(act, wanted, BY),
            )

    @rule()
    def forget_keys(self) -> None:
        self.both(self.memory.forget_keys(), self.lmdb.forget_keys())

    @rule()
    def pull_in(self) -> None:
        self.both(*[each.pull_in(lambda *_: ALWAYS) for each in self.partitions])

    @rule()
    def crash(self) -> None:
        self.lmdb.close()
        self.memory = self.memory.crash()
        self.open()

    @invariant()
    def both_have_the_same(self) -> None:
        if not hasattr(self, "lmdb"):
            return
        memory, lmdb = [each.due(ALWAYS, 10_000).heads for each in self.partitions]
        assert memory == lmdb
        self.both(
            self.memory.administration.page(Filter(), None, 10_000),
            self.lmdb.administration.page(Filter(), None, 10_000),
        )
        assert self.memory.events.read(0, 10_000) == self.lmdb.events.read(0, 10_000)
        for tenant in TENANTS:
            assert self.memory.quota_use(tenant) == self.lmdb.quota_use(tenant)

    @invariant()
    def no_period_has_more_than_its_quota(self) -> None:
        if not hasattr(self, "lmdb"):
            return
        counted: Counter[tuple[str, str, int]] = Counter()
        for each in self.lmdb.events.read(0, 10_000):
            event = each.event
            if isinstance(event, MessageAccepted):
                for quota in self.quotas:
                    # What waits by its own start counts when it is accepted: only then it is the later one
                    message = self.memory.state.messages.get(event.message_id)
                    at = event.at if message is None else max(event.at, message.quota_opens)
                    if self.over_quota == "wait" and message is None:
                        continue
                    place = (event.tenant, quota.period, period_start(quota.period, UnixMs(at)))
                    counted[place] += len(event.recipients)
        limits = {each.period: each.limit for each in self.quotas}
        assert all(count <= limits[period] for (_, period, _), count in counted.items())  # type: ignore[index]


TestTerms = TermsMachine.TestCase
TestTerms.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
