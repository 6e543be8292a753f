"""Mirrors angarium/queue/lmdb/: verifying and renewing: the whole queue read, and begun anew (L2)."""

import asyncio
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    DamagedQueueError,
    Filter,
    LmdbSpool,
    PartitionNumber,
    QueueBusyError,
    SoundQueueError,
    Verified,
    begin_anew,
    verify,
)
from angarium.queue.message_id import message_id_text
from tests.queue.samples import BY, FakeClock, make_ids, submission

CONFIG = Queue(partitions=2, map_octets=1 << 24, min_free_octets=0)
PAGE = 4096
TWO = ("bob@example.net", "carol@example.net")
P0 = PartitionNumber(0)


def nothing(_done: int, _all: int) -> None: ...


async def filled(path: Path) -> list[bytes]:
    """Three messages: in flight, held, scheduled; and a rule, a route."""
    clock = FakeClock()
    spool = LmdbSpool.open(path, CONFIG, clock)
    next_id = make_ids(clock)
    ids = [next_id() for _ in range(3)]
    for each in ids:
        await spool.accept([submission(each, TWO, content=each * 1000)])
    partition = await spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 2).heads)
    await spool.administration.act("hold", Filter(ids=(message_id_text(ids[1]),)), BY)
    spool.close()
    return ids


def read(path: Path) -> Verified:
    before = (path / "data.mdb").read_bytes()
    found = verify(path, CONFIG, nothing)
    assert (path / "data.mdb").read_bytes() == before
    return found


async def test_a_sound_queue_has_no_faults(tmp_path: Path) -> None:
    await filled(tmp_path / "queue")
    found = read(tmp_path / "queue")
    assert (found.faults, found.findings, found.is_whole) == (0, [], True)
    assert (found.messages, found.recipients, found.octets) == (3, 6, 48_000)
    assert found.events == 5
    assert found.pages > 10


async def test_a_server_may_use_it_meanwhile(tmp_path: Path) -> None:
    await filled(tmp_path / "queue")
    code = (
        "import sys; from pathlib import Path; from angarium.config.schema import Queue;"
        "from angarium.queue import verify;"
        "print(verify(Path(sys.argv[1]), Queue(), lambda *_: None).faults)"
    )
    clock = FakeClock()
    spool = LmdbSpool.open(tmp_path / "queue", CONFIG, clock)
    next_id = make_ids(clock, 2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(tmp_path / "queue")),
        cwd=Path(__file__).parents[4],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        reading = asyncio.create_task(process.communicate())
        while not reading.done():
            await spool.accept([submission(next_id(), TWO, content=bytes(5000))])
        out, _ = await reading
    finally:
        spool.close()
    assert out == b"0\n"


Change = Callable[[bytes], bytes | None]


def damage(path: Path, name: str, number: int, change: Change) -> None:
    """Of the n-th record of a table."""
    with lmdb.open(str(path), max_dbs=16) as env:
        db = env.open_db(name.encode(), create=False)
        with env.begin(write=True, db=db) as txn:
            key, raw = list(txn.cursor())[number]
            changed = change(raw)
            if changed is None:
                txn.delete(key)
            else:
                txn.put(key, changed)


def cut(raw: bytes) -> bytes:
    return raw[:-2]


def flip(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize(
    ("name", "change", "finding"),
    [
        ("body", flip, "message {id}: its content is not what was accepted"),
        ("body", cut, "message {id}: content of 15998 octets, not 16000"),
        ("body", lambda _: None, "message {id}: its content is missing"),
        ("message", cut, "message {id}: Input data was truncated"),
        ("message", lambda _: None, "recipient {id}.0: its message is missing"),
        ("delivery", cut, "recipient {id}.0: Input data was truncated"),
        ("delivery", lambda _: None, "claim of {id}.0: there is no such recipient"),
        ("claim", lambda _: None, "recipient {id}.0: it is neither due, nor in flight, nor held"),
        ("due", cut, "due recipient {third}.0: Input data was truncated"),
        ("due", lambda _: None, "recipient {third}.0: it is neither due"),
        ("event", lambda raw: raw[:10], "event 1: not an event"),
    ],
)
async def test_each_damage_is_named_l2(
    tmp_path: Path, name: str, change: Change, finding: str
) -> None:
    ids = await filled(tmp_path / "queue")
    damage(tmp_path / "queue", name, 0, change)
    found = read(tmp_path / "queue")
    wanted = finding.format(id=message_id_text(ids[0]), third=message_id_text(ids[2]))
    assert found.findings[0].startswith(wanted), found.findings
    assert found.faults == len(found.findings)
    assert found.is_whole


async def test_damaged_pages_are_named_and_no_record_read_l2(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    await filled(path)
    data = bytearray((path / "data.mdb").read_bytes())
    whole = bytes(data)
    pages = 0
    for page in range(2, len(data) // PAGE):
        data[page * PAGE + 1] ^= 1  # its number
        (path / "data.mdb").write_bytes(data)
        found = read(path)
        if not found.is_whole:
            pages += 1
            assert found.findings[0] == f"page {page} has another's number"
            assert found.messages == 0
        data = bytearray(whole)
    (path / "data.mdb").write_bytes(whole)
    assert pages == read(path).pages


async def test_what_was_set_aside_is_named_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    ids = await filled(path)
    damage(path, "body", 2, flip)
    clock = FakeClock()
    spool = LmdbSpool.open(path, CONFIG, clock)
    partition = await spool.own(P0, "here")
    await partition.claim(partition.due(clock(), 10).heads)
    spool.close()
    found = read(path)
    assert (found.set_aside, found.recipients) == (2, 4)
    assert f"recipient {message_id_text(ids[2])}.1, set aside: " in found.findings[-1]
    # The content is still what it was not to be
    assert found.faults == 1


# --- anew -------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    os.truncate(path / "data.mdb", 5 * PAGE)


def empty(path: Path) -> None:
    os.truncate(path / "data.mdb", 0)


def lose(path: Path) -> None:
    (path / "data.mdb").unlink()


def break_a_page(path: Path) -> None:
    with (path / "data.mdb").open("r+b") as data:
        for page in range(2, 12):
            data.seek(page * PAGE)
            data.write(b"\xff")


@pytest.mark.parametrize("harm", [cut_short, empty, lose, break_a_page])
async def test_a_damaged_queue_is_kept_and_an_empty_one_made_l2(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "queue"
    await filled(path)
    harm(path)
    names = {each.name for each in path.iterdir()} - {"use.lock"}
    before = {name: hashlib.sha256((path / name).read_bytes()).digest() for name in names}
    would = begin_anew(path, CONFIG, "then", dry_run=True)
    assert not would.kept.exists()
    renewed = begin_anew(path, CONFIG, "then")
    assert renewed == would
    kept = {
        each.name: hashlib.sha256(each.read_bytes()).digest() for each in renewed.kept.iterdir()
    }
    assert kept == before
    assert renewed.kept.stat().st_mode & 0o777 == 0o700
    found = read(path)
    assert (found.faults, found.messages) == (0, 0)
    with pytest.raises(SoundQueueError):
        begin_anew(path, CONFIG, "later")


async def test_what_is_open_sound_or_absent_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    await filled(path)
    with pytest.raises(SoundQueueError):
        begin_anew(path, CONFIG, "then")
    spool = LmdbSpool.open(path, CONFIG, FakeClock())
    with pytest.raises(QueueBusyError):
        begin_anew(path, CONFIG, "then")
    spool.close()
    assert read(path).messages == 3
    (tmp_path / "absent").mkdir()
    with pytest.raises(FileNotFoundError):
        begin_anew(tmp_path / "absent", CONFIG, "then")


async def test_a_crash_half_way_leaves_a_queue_that_is_damaged_still_l2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue"
    await filled(path)
    empty(path)
    rename = Path.rename

    def die(self: Path, target: Path) -> Path:
        if self.name == "lock.mdb":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", die)
    with pytest.raises(KeyboardInterrupt):
        begin_anew(path, CONFIG, "then")
    monkeypatch.undo()
    with pytest.raises(DamagedQueueError):
        LmdbSpool.open(path, CONFIG, FakeClock())
    begin_anew(path, CONFIG, "later")
    assert read(path).messages == 0
