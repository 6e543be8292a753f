"""Mirrors angarium/queue/lmdb/setting_aside.py: what a disk damaged is named, set aside, and the rest goes on (L2)."""

import zlib
from collections.abc import Callable

import msgspec
import pytest

from angarium.queue import (
    Commit,
    Damaged,
    Deferred,
    Done,
    DueHead,
    Filter,
    HoldRule,
    LmdbSpool,
    MessageId,
    MessageIdGenerator,
    Moved,
    PartitionNumber,
    Position,
    QueueOperator,
    RouteHint,
    UnixMs,
    UnknownEvent,
)
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.partition import LmdbPartition
from angarium.queue.lmdb.records import decode_damaged, decode_message
from angarium.telemetry.timestamp import rfc3339
from tests.queue.samples import BY, START, FakeClock, attempt, submission

P0 = PartitionNumber(0)
ALL = Filter(older_than_ms=0)
TWO = ("bob@example.net", "carol@example.net")


class Rig:
    """A queue with two messages to two recipients each; the first one's are to be damaged."""

    def __init__(
        self, spool: LmdbSpool, clock: FakeClock, first: MessageId, second: MessageId
    ) -> None:
        self.spool = spool
        self.clock = clock
        self.env: QueueEnvironment = spool._env
        self.first = first
        self.second = second
        self.partition: LmdbPartition

    async def own(self) -> None:
        self.partition = await self.spool.own(P0, "here")
        await self.partition.replay()

    def write(self, name: str, key: bytes, change: Callable[[bytes], bytes | None]) -> None:
        db = self.env.databases[name]
        txn = self.env.begin_write()
        try:
            raw = change(txn.get(key, db=db) or b"")
            if raw is None:
                txn.delete(key, db=db)
            else:
                txn.put(key, raw, db=db)
            txn.commit()
        finally:
            self.env.end_write()

    def keys(self, name: str) -> list[bytes]:
        with self.env.read() as txn:
            return [key for key, _ in txn.cursor(self.env.databases[name]).iternext()]

    def value(self, name: str, key: bytes) -> bytes:
        with self.env.read() as txn:
            return txn.get(key, db=self.env.databases[name]) or b""

    def heads(self) -> tuple[DueHead, ...]:
        return self.partition.due(self.clock(), 100).heads

    def damaged(self) -> list[Damaged]:
        events = [each.event for each in self.spool.events.read(0, 1000)]
        return [each for each in events if isinstance(each, Damaged)]


@pytest.fixture
async def rig(lmdb_spool: LmdbSpool, clock: FakeClock, new_id: MessageIdGenerator) -> Rig:
    rig = Rig(lmdb_spool, clock, new_id(), new_id())
    await lmdb_spool.accept([submission(rig.first, TWO), submission(rig.second, TWO)])
    await rig.own()
    return rig


def flip(raw: bytes, at: int = -1) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


def cut(raw: bytes) -> bytes:
    return raw[:-3]


DAMAGES = [
    ("body", flip, "checksum differs"),
    ("body", cut, "content of 18 octets, not 21"),
    ("body", lambda _: None, "no record"),
    ("message", cut, "Input data was truncated"),
    ("message", lambda raw: b"\x09" + raw[1:], "record version 09"),
    ("message", lambda _: None, "no record"),
]


@pytest.mark.parametrize(("name", "change", "reason"), DAMAGES)
async def test_a_damaged_message_is_set_aside_and_the_others_go_l2(
    rig: Rig, name: str, change: Callable[[bytes], bytes | None], reason: str
) -> None:
    rig.write(name, rig.first, change)
    (message,) = await rig.partition.claim(rig.heads())
    assert message.message_id == rig.second
    events = rig.damaged()
    assert [(each.message_id, each.index) for each in events] == [(rig.first, 0), (rig.first, 1)]
    assert all(reason in each.reason for each in events)
    assert [each.recipient for each in events] == list(TWO)
    assert rig.heads() == ()
    assert rig.keys("damaged") == [rig.first + b"\0\0", rig.first + b"\0\1"]
    assert {key[2:18] for key in rig.keys("claim")} == {rig.second}
    await rig.partition.commit(
        Commit(
            settled=[
                Done(id=each.id, outcome="delivered", attempt=attempt())
                for each in message.recipients
            ]
        )
    )
    assert rig.spool.summary().recipients == 0


async def test_a_damaged_recipient_leaves_its_message_to_the_others_l2(rig: Rig) -> None:
    key = rig.first + b"\0\0"
    before = rig.value("delivery", key)
    rig.write("delivery", key, cut)
    first, second = await rig.partition.claim(rig.heads())
    assert [each.forward_path for each in first.recipients] == [TWO[1]]
    assert len(second.recipients) == 2
    (event,) = rig.damaged()
    assert (event.recipient, event.reverse_path) == ("", "alice@example.com")
    kept = decode_damaged(rig.value("damaged", key))
    assert (kept.record, kept.at) == (before[:-3], START)
    done = Done(id=first.recipients[0].id, outcome="delivered", attempt=attempt())
    await rig.partition.commit(Commit(settled=[done]))
    # Its content is still there for whoever mends it
    assert rig.value("body", rig.first)
    assert rig.value("message", rig.first)


async def test_a_due_hint_is_written_anew_l2(rig: Rig) -> None:
    keys = [key for key in rig.keys("due") if rig.first in key]
    for key in keys:
        rig.write("due", key, cut)
    assert {head.id.message_id for head in rig.heads()} == {rig.second}
    rig.clock.now += 5
    await rig.spool.accept([])  # what was submitted before is on disk
    heads = rig.heads()
    assert sorted(head.id.message_id for head in heads) == [rig.first] * 2 + [rig.second] * 2
    assert len(await rig.partition.claim(heads)) == 2
    assert rig.damaged() == []


async def test_a_due_key_without_records_is_set_aside_l2(rig: Rig) -> None:
    (key, _) = [key for key in rig.keys("due") if rig.first in key]
    rig.write("due", key, cut)
    rig.write("delivery", rig.first + b"\0\0", lambda _: None)
    assert len(rig.heads()) == 3
    await rig.spool.accept([])
    assert len(rig.heads()) == len(rig.keys("due")) == 3
    assert [each.index for each in rig.damaged()] == [0]


async def test_what_was_damaged_in_flight_is_set_aside_by_the_replay_l2(rig: Rig) -> None:
    await rig.partition.claim(rig.heads())
    rig.write("delivery", rig.first + b"\0\0", cut)
    await rig.own()
    assert len(rig.heads()) == 3
    assert len(rig.damaged()) == 1


async def test_what_is_moved_and_damaged_is_set_aside_l2(rig: Rig) -> None:
    (head, *_) = rig.heads()
    rig.write("delivery", rig.first + b"\0\0", cut)
    moved = Moved(partition=P0, due=head.due, id=head.id, to=PartitionNumber(1))
    await rig.partition.commit(Commit(moved=[moved]))
    assert len(rig.heads()) == 3
    assert len(rig.damaged()) == 1


async def test_listing_names_what_is_damaged_and_goes_on_l2(rig: Rig) -> None:
    rig.write("delivery", rig.first + b"\0\0", cut)
    administration = rig.spool.administration
    page = await administration.page(Filter(), None, 100)
    assert len(page.entries) == 3
    assert [(each.message_id, each.index) for each in page.damaged] == [(rig.first, 0)]
    shown = await administration.show(rig.first)
    assert shown is not None
    assert len(shown.entries) == 1
    assert (await administration.act("hold", ALL, BY)).count == 3


async def test_a_message_from_before_checksums_is_taken_as_it_is(rig: Rig) -> None:
    def older(raw: bytes) -> bytes:
        fields = msgspec.msgpack.decode(raw[1:])
        assert fields[-8] == zlib.crc32(submission(rig.first).content)
        return raw[:1] + msgspec.msgpack.encode(fields[:-8])

    rig.write("message", rig.first, older)
    assert decode_message(rig.value("message", rig.first)).checksum is None
    assert len(await rig.partition.claim(rig.heads())) == 2


async def test_a_damaged_rule_binds_nothing_and_a_damaged_route_is_unknown_l2(rig: Rig) -> None:
    administration = rig.spool.administration
    rule = HoldRule(domain="example.net", who="", why="", since=UnixMs(0))
    added = await administration.add_hold_rule(rule, BY)
    rig.write("hold_rule", added.id.to_bytes(8, "big"), cut)
    hint = RouteHint(domain="example.net", partition=P0, provider="oak", site="s")
    rig.spool.remember_routes([hint])
    await rig.spool.accept([])
    await rig.spool.administration.act("release", ALL, BY)
    rig.write("route", b"example.net", cut)
    assert rig.spool.find_route("example.net") is None
    assert administration.hold_rules() == ()
    assert len(await rig.partition.claim(rig.heads())) == 2


async def test_a_damaged_event_is_passed_over_l2(rig: Rig) -> None:
    rig.write("event", (1).to_bytes(8, "big"), lambda _: b"\x01\0\x01rubbish")
    unknown = UnknownEvent(at=UnixMs(0), message_id=MessageId(b""), number=0, version=0)
    read = rig.spool.events.read(0, 10)
    assert read[0] == Position(1, unknown)
    assert len(read) == 2
    assert await rig.spool.administration.show(rig.second) is not None


async def test_no_octet_of_any_record_can_stop_the_queue_l2(rig: Rig, clock: FakeClock) -> None:
    """Each is changed in turn: everything is listed, tried and settled but what is damaged."""
    (head, *_) = rig.heads()
    await rig.partition.claim([head])
    deferred = Deferred(id=head.id, due=UnixMs(START + 1), attempt=attempt(451))
    await rig.partition.commit(Commit(settled=[deferred]))
    clock.now += 10
    operator = QueueOperator(rig.env, clock)
    due_key = next(key for key in rig.keys("due") if rig.first + b"\0\0" in key)
    key = rig.first + b"\0\0"
    for name, of in (
        ("delivery", key),
        ("message", rig.first),
        ("due", due_key),
        ("body", rig.first),
    ):
        whole = rig.value(name, of)
        for at in range(len(whole)):
            for bit in (1, 0x80):
                broken = bytearray(whole)
                broken[at] ^= bit
                rig.write(name, of, lambda _, broken=broken: bytes(broken))
                for entry in operator.page(Filter(), None, 100).entries:
                    shown = [entry.due, entry.accepted, entry.expires]
                    shown += [] if entry.last is None else [entry.last.at]
                    assert all(rfc3339(time) for time in shown)
                operator.show(rig.first)
                operator.act("hold", ALL, BY, dry_run=True)
                for each in rig.heads():
                    assert each.id.message_id
                rig.write(name, of, lambda _, whole=whole: whole)
                await rig.spool.accept([])
