"""Random histories against every implementation of Spool, Partition and the operator's acts, and a small model.

Nothing acknowledged vanishes; nothing is due early; a claim has one owner; a fenced commit raises; replay equals the
model; held, cancelled and retried mean what they say.
"""

import asyncio
import inspect
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from angarium.config.schema import Queue
from angarium.queue import (
    Commit,
    Deferred,
    DeliveryId,
    Done,
    EmptyFilterError,
    FencedError,
    Filter,
    HoldRule,
    LmdbSpool,
    Moved,
    NotClaimedError,
    PartitionNumber,
    QueueOperator,
    Released,
    UnixMs,
    UnknownHoldRuleError,
    delivery_id_text,
    message_id_ms,
    position,
)
from angarium.queue.memory.spool import MemorySpool
from tests.queue.samples import BY, FakeClock, attempt, make_ids, submission

PARTITIONS = 2
SENDERS = ("a@a.example", "b@b.example", "c@b.example")
CONFIG = Queue(partitions=PARTITIONS, map_octets=1 << 17, min_free_octets=0, sync=False)


class Known(msgspec.Struct):
    """What the model knows of a recipient that was acknowledged and has no outcome."""

    partition: int
    due: int
    state: str = "scheduled"
    attempts: int = 0
    in_doubt: int = 0
    sender: str = ""
    domain: str = ""
    via: str = ""
    source: str = ""  # of the attempt that left it in doubt, or that was greylisted
    claimed_by: str = ""
    rule: int = 0  # that holds it
    free_of: int = 0  # rules up to this one let its next attempt pass


class QueueMachine(RuleBasedStateMachine):
    spool: Any
    administrations: list[Any]  # in the server, or beside it: they do the same

    def open(self) -> None:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.new_id = make_ids(self.clock)
        self.known: dict[DeliveryId, Known] = {}
        self.starts: dict[bytes, int] = {}  # of messages
        self.rules: dict[int, HoldRule] = {}
        self.last_rule = 0
        self.events = 0
        self.stale: list[Any] = []  # partitions that have a later owner

    def teardown(self) -> None:
        self.spool.close()
        self.loop.close()

    def wait(self, found: Any) -> Any:
        """Of what is awaitable, its result."""
        return self.loop.run_until_complete(found) if inspect.isawaitable(found) else found

    def own(self) -> None:
        self.partitions = [
            self.wait(self.spool.own(PartitionNumber(each), "here")) for each in range(PARTITIONS)
        ]

    def in_state(self, state: str) -> list[DeliveryId]:
        return sorted(each for each, known in self.known.items() if known.state == state)

    @initialize()
    def start(self) -> None:
        self.open()
        self.own()

    @rule(
        recipients=st.lists(st.integers(0, PARTITIONS - 1), min_size=1, max_size=4),
        copies=st.integers(1, 3),
        delay=st.sampled_from([0, 0, 1, 500]),
        octets=st.sampled_from([1, 300, 5000, 60_000]),
        sender=st.sampled_from(SENDERS),
    )
    def accept(
        self, recipients: list[int], copies: int, delay: int, octets: int, sender: str
    ) -> None:
        not_before = self.clock.now + delay if delay else 0
        batch = [
            submission(
                self.new_id(),
                [f"r{index}@d{partition}.example" for index, partition in enumerate(recipients)],
                partitions=recipients,
                not_before=not_before,
                accepted=self.clock.now,
                content=bytes(octets),
                sender=sender,
            )
            for _ in range(copies)
        ]
        self.wait(self.spool.accept(batch))
        self.events += copies
        for each in batch:
            self.starts[each.message_id] = not_before
            for index, partition in enumerate(recipients):
                due = max(self.clock.now, not_before)
                self.known[DeliveryId(each.message_id, index)] = Known(
                    partition, due, sender=sender, domain=f"d{partition}.example"
                )

    @rule(ms=st.sampled_from([1, 10, 1000]))
    def pass_time(self, ms: int) -> None:
        self.clock.now += ms

    @rule(
        number=st.integers(0, PARTITIONS - 1),
        limit=st.integers(1, 5),
        source=st.sampled_from(["", "ip1", "ip2"]),
    )
    def claim(self, number: int, limit: int, source: str) -> None:
        partition = self.partitions[number]
        page = partition.due(self.clock(), limit)
        for head in page.heads:
            known = self.known[head.id]
            assert head.domain == (known.via or known.domain)
            assert (head.in_doubt, head.source) == (known.in_doubt > 0, known.source)
        messages = self.wait(partition.claim(page.heads, source))
        claimed = {each.id: each for message in messages for each in message.recipients}
        bound = {head.id: self.binding(self.known[head.id]) for head in page.heads}
        for delivery, by in bound.items():
            if by:  # no attempt begins
                self.known[delivery].state, self.known[delivery].rule = "held", by
                self.events += 1
        # nobody else owns the partition
        assert set(claimed) == {delivery for delivery, by in bound.items() if not by}
        for delivery, each in claimed.items():
            known = self.known[delivery]
            assert (known.state, known.partition) == ("scheduled", number)
            assert known.due <= self.clock.now  # never early
            assert (each.attempts, each.in_doubt) == (known.attempts, known.in_doubt)
            known.state, known.claimed_by = "in_flight", source

    @precondition(lambda self: self.in_state("in_flight"))
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        number = self.known[data.draw(st.sampled_from(self.in_state("in_flight")))].partition
        own = [each for each in self.in_state("in_flight") if self.known[each].partition == number]
        chosen = data.draw(st.lists(st.sampled_from(own), min_size=1, unique=True))
        settled: list[Any] = []
        for each in chosen:
            known = self.known[each]
            again = ["deferred", "greylisted", "lost", "put off", "released"]
            kind = data.draw(st.sampled_from(["delivered", "bounced", *again]))
            due = UnixMs(self.clock.now + data.draw(st.sampled_from([-5, 0, 1, 100])))
            if kind in again:
                known.state, known.due = "scheduled", max(due, self.clock.now)
            if kind in ("deferred", "greylisted", "lost"):
                known.free_of = 0
                source = data.draw(st.sampled_from(["ip1", "ip2"]))
                made = msgspec.structs.replace(attempt(451), source=source)
                is_lost, is_grey = kind == "lost", kind == "greylisted"
                settled.append(
                    Deferred(id=each, due=due, attempt=made, in_doubt=is_lost, greylisted=is_grey)
                )
                known.in_doubt += is_lost
                if is_lost or is_grey:
                    known.source = source
                elif not known.in_doubt:
                    known.source = ""
                known.attempts += 1
                self.events += 1
            elif kind == "put off":  # nothing was attempted: no event, no count
                why = attempt(451)
                settled.append(Deferred(id=each, due=due, attempt=why, attempted=False))
            elif kind == "released":
                settled.append(Released(id=each, due=due))
            else:
                settled.append(Done(id=each, outcome=kind, attempt=attempt()))
                self.events += 1
                del self.known[each]
        self.wait(self.partitions[number].commit(Commit(settled=settled)))

    @precondition(lambda self: self.in_state("scheduled"))
    @rule(data=st.data())
    def settle_what_is_not_claimed(self, data: st.DataObject) -> None:
        each = data.draw(st.sampled_from(self.in_state("scheduled")))
        done = Done(id=each, outcome="delivered", attempt=attempt())
        with pytest.raises(NotClaimedError):
            self.wait(self.partitions[self.known[each].partition].commit(Commit(settled=[done])))

    @precondition(lambda self: self.in_state("scheduled"))
    @rule(data=st.data(), to=st.integers(0, PARTITIONS - 1))
    def move(self, data: st.DataObject, to: int) -> None:
        each = data.draw(st.sampled_from(self.in_state("scheduled")))
        known = self.known[each]
        number = PartitionNumber(known.partition)
        moved = Moved(partition=number, due=UnixMs(known.due), id=each, to=PartitionNumber(to))
        self.wait(self.partitions[number].commit(Commit(moved=[moved])))
        known.partition, known.due = to, max(known.due, self.clock.now)

    @precondition(lambda self: self.in_state("scheduled"))
    @rule(data=st.data(), to=st.integers(0, PARTITIONS - 1))
    def send_by_a_smart_host(self, data: st.DataObject, to: int) -> None:
        """MV1: never what is in doubt."""
        each = data.draw(st.sampled_from(self.in_state("scheduled")))
        known, via = self.known[each], "smtp://10.0.0.5:25"
        number, there = PartitionNumber(known.partition), PartitionNumber(to)
        moved = Moved(
            partition=number, due=UnixMs(known.due), id=each, to=there, via=via, reason="full"
        )
        self.wait(self.partitions[number].commit(Commit(moved=[moved])))
        known.due = max(known.due + 1, self.clock.now)
        if not known.in_doubt:
            known.partition, known.via = to, via
            self.events += 1

    @rule(
        act=st.sampled_from(["hold", "release", "retry", "cancel"]),
        dry_run=st.booleans(),
        data=st.data(),
    )
    @precondition(lambda self: self.known)
    def operate(self, act: str, dry_run: bool, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.known)), min_size=1, unique=True))
        wanted = Filter(ids=[delivery_id_text(each) for each in chosen])
        operator = data.draw(st.sampled_from(self.administrations))
        result = self.wait(operator.act(act, wanted, BY, dry_run=dry_run))
        from_states = {"release": ["held"], "cancel": ["scheduled", "held"]}
        for each in sorted(chosen):
            known = self.known[each]
            if known.state not in from_states.get(act, ["scheduled"]):
                assert each not in result.ids
                continue
            assert each in result.ids
            if not dry_run:
                self.events += 1
                self.effect(act, each, known)
        assert result.count == len(result.ids)
        assert result.count + result.in_flight + result.unchanged == len(chosen)

    def effect(self, act: str, each: DeliveryId, known: Known) -> None:
        if act == "cancel":
            del self.known[each]
        elif act == "hold":
            known.state = "held"
        elif act == "retry":
            known.due = self.clock.now
        else:
            if known.rule:
                known.free_of, known.rule = self.last_rule, 0
            self.released(known)

    def released(self, known: Known) -> None:
        known.state, known.due, known.rule = "scheduled", max(known.due, self.clock.now), 0

    def binding(self, known: Known) -> int:
        """Return the rule that binds it now, 0: none; those of its domain are asked first."""
        rules = sorted(self.rules.values(), key=lambda each: (each.domain is None, each.id))
        for each in rules:
            if (
                (each.until is None or self.clock.now < each.until)
                and each.domain in (None, known.domain)
                and (each.sender is None or known.sender.endswith(each.sender))
                and each.id > known.free_of
            ):
                return each.id
        return 0

    @rule(
        domain=st.sampled_from([None, "d0.example", "d1.example"]),
        sender=st.sampled_from([None, *SENDERS, "@b.example"]),
        lasts=st.sampled_from([None, 5, 1000]),
        data=st.data(),
    )
    def add_rule(
        self, domain: str | None, sender: str | None, lasts: int | None, data: st.DataObject
    ) -> None:
        operator = data.draw(st.sampled_from(self.administrations))
        until = None if lasts is None else UnixMs(self.clock.now + lasts)
        given = HoldRule(domain=domain, sender=sender, until=until)
        if domain is None and sender is None:
            with pytest.raises(EmptyFilterError):
                self.wait(operator.add_hold_rule(given, BY))
            return
        self.last_rule += 1
        added = self.wait(operator.add_hold_rule(given, BY))
        assert (added.id, added.who, added.why) == (self.last_rule, BY.who, BY.reason)
        self.rules[added.id] = added
        self.events += 1
        for known in self.known.values():
            matches = domain in (None, known.domain) and known.sender.endswith(sender or "")
            if matches and known.state == "scheduled":
                known.state, known.rule = "held", added.id
                self.events += 1

    @precondition(lambda self: self.rules)
    @rule(data=st.data(), release=st.booleans())
    def remove_rule(self, data: st.DataObject, release: bool) -> None:
        operator = data.draw(st.sampled_from(self.administrations))
        rule_id = data.draw(st.sampled_from(sorted(self.rules)))
        held = [each for each, known in sorted(self.known.items()) if known.rule == rule_id]
        result = self.wait(operator.remove_hold_rule(rule_id, BY, release=release))
        assert list(result.ids) == (held if release else [])
        self.ended(rule_id, release=release)
        with pytest.raises(UnknownHoldRuleError):
            self.wait(operator.remove_hold_rule(rule_id, BY, release=release))

    @rule(data=st.data())
    def expire_rules(self, data: st.DataObject) -> None:
        operator = data.draw(st.sampled_from(self.administrations))
        over = [
            each.id for each in self.rules.values() if each.until and each.until <= self.clock.now
        ]
        assert self.wait(operator.expire_hold_rules()) == len(over)
        for rule_id in over:
            self.ended(rule_id, release=True)

    def ended(self, rule_id: int, *, release: bool) -> None:
        del self.rules[rule_id]
        self.events += 1
        for known in self.known.values():
            if known.rule == rule_id:
                known.rule = 0
                if release:
                    self.released(known)
                    self.events += 1

    @rule()
    def crash_and_replay(self) -> None:
        self.crash()
        self.stale = []
        self.own()
        self.replay()

    @rule()
    def another_process_takes_over(self) -> None:
        self.stale = self.partitions
        self.own()
        for old in self.stale:
            number = old.number
            settled = [
                Done(id=each, outcome="delivered", attempt=attempt())
                for each in self.in_state("in_flight")
                if self.known[each].partition == number
            ]
            with pytest.raises(FencedError):
                self.wait(old.commit(Commit(settled=settled)))
        self.replay()

    def replay(self) -> None:
        for partition in self.partitions:
            lost = [
                self.known[each]
                for each in self.in_state("in_flight")
                if self.known[each].partition == partition.number
            ]
            assert self.wait(partition.replay()) == len(lost)
            for known in lost:
                known.state, known.due = "scheduled", self.clock.now
                known.attempts += 1
                known.in_doubt += 1
                known.source = known.claimed_by or known.source
                known.free_of = 0
                self.events += 1

    def crash(self) -> None:
        raise NotImplementedError

    @invariant()
    def what_is_due_is_what_the_model_says(self) -> None:
        for partition in getattr(self, "partitions", []):
            expected = sorted(
                position(known.due, each.message_id, each.index)
                for each, known in self.known.items()
                if known.partition == partition.number
                and known.state == "scheduled"
                and known.due <= self.clock.now
            )
            found, cursor = [], None
            while True:
                page = partition.due(self.clock(), 3, cursor)
                found += [position(h.due, h.id.message_id, h.id.index) for h in page.heads]
                cursor = page.cursor
                if cursor is None:
                    break
            assert found == expected

    @invariant()
    def nothing_acknowledged_vanishes(self) -> None:
        if not hasattr(self, "spool"):
            return
        page = self.wait(self.administrations[-1].page(Filter(), None, 10_000))
        assert {each.id: (each.state, each.rule) for each in page.entries} == {
            each: (known.state, known.rule) for each, known in self.known.items()
        }
        assert self.administrations[-1].hold_rules() == tuple(
            rule for _, rule in sorted(self.rules.items())
        )
        for message_id in {each.message_id for each in self.known}:
            assert self.spool.content(message_id) is not None
        assert self.spool.events.last() == self.events


class MemoryMachine(QueueMachine):
    def open(self) -> None:
        self.spool = MemorySpool(self.clock, PARTITIONS)
        self.administrations = [self.spool.administration]

    def crash(self) -> None:
        self.spool = self.spool.crash()
        self.administrations = [self.spool.administration]


class LmdbMachine(QueueMachine):
    """The real thing: its map of 128 KiB is outgrown again and again, and each crash opens the files anew."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp(prefix="angarium-test-"))

    def open(self) -> None:
        self.spool = LmdbSpool.open(self.path / "queue", CONFIG, self.clock, self.loop)
        beside = QueueOperator(self.spool._env, self.clock)
        self.administrations = [self.spool.administration, beside]

    def crash(self) -> None:
        self.spool.close()
        self.open()

    @invariant()
    def the_counters_are_right(self) -> None:
        if hasattr(self, "spool"):
            summary = self.spool.summary()
            counts = {"scheduled": summary.scheduled, "held": summary.held}
            counts["in_flight"] = summary.in_flight
            for state, count in counts.items():
                assert count == len(self.in_state(state))
            messages = {each.message_id for each in self.known}
            assert summary.messages == len(messages)
            starts = (max(message_id_ms(each), self.starts[each]) for each in messages)
            assert summary.oldest_at == min(starts, default=None)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.path)


_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestMemory = MemoryMachine.TestCase
TestMemory.settings = _SETTINGS
TestLmdb = LmdbMachine.TestCase
TestLmdb.settings = _SETTINGS
