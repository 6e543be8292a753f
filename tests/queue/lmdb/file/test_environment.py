"""Mirrors angarium/queue/lmdb/: environment, migration, compaction, file_system: the real LMDB in tmp_path."""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import lmdb
import msgspec
import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    LmdbSpool,
    MessageIdGenerator,
    PartitionNumber,
    QueueBusyError,
    QueueError,
    QueueFailedError,
    QueueFullError,
    QueueOperator,
    SchemaError,
    compact,
)
from angarium.queue.lmdb.file import compaction, environment, migration
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Databases, RawTransaction
from angarium.queue.lmdb.file.system import DiskSpace, find_remote_kind
from angarium.queue.lmdb.file.use_lock import UseLock
from angarium.queue.lmdb.summary import read_summary
from angarium.queue.lmdb.transaction import Transactor
from tests.queue.samples import FakeClock, submission
from tests.service.running_server import wait_until

SMALL = Queue(partitions=4, map_octets=1 << 17, min_free_octets=0)
ROOMY = Queue(partitions=4, map_octets=1 << 23, min_free_octets=0)
ROOT = Path(__file__).parents[4]


@pytest.fixture
def env(tmp_path: Path) -> Iterator[QueueEnvironment]:
    made = QueueEnvironment.open(tmp_path / "queue", SMALL)
    yield made
    made.close()


def put(env: QueueEnvironment, key: bytes, value: bytes) -> None:
    txn = env.begin_write()
    try:
        txn.put(key, value, db=env.body)
        txn.commit()
    finally:
        env.end_write()


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_queue_is_readable_by_its_owner_only_p8(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir(mode=0o755)
    env = QueueEnvironment.open(tmp_path / "queue", SMALL)
    env.close()
    assert stat.S_IMODE((tmp_path / "queue").stat().st_mode) == 0o700
    for file in (tmp_path / "queue").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_the_map_grows_by_itself(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    spool = LmdbSpool.open(tmp_path / "queue", SMALL, clock)
    try:
        ids = [new_id() for _ in range(20)]
        await asyncio.gather(
            *(spool.accept([submission(each, content=bytes(100_000))]) for each in ids)
        )
        assert all(spool.content(each) == bytes(100_000) for each in ids)
        assert spool.summary().messages == 20
    finally:
        spool.close()


def test_a_map_that_another_process_has_grown_is_adopted_by_readers_and_writers(
    env: QueueEnvironment,
) -> None:
    code = """
import sys
from pathlib import Path
from angarium.queue.lmdb.file.environment import QueueEnvironment
from tests.queue.lmdb.file.test_environment import SMALL, put
env = QueueEnvironment.open(Path(sys.argv[1]), SMALL)
txn = env.begin_write(); txn.abort(); env.grow(); env.grow(); env.grow(); env.end_write()
put(env, sys.argv[2].encode(), bytes(600_000))
"""
    done = run_python(code, str(env.path), "first")
    assert done.returncode == 0, done.stderr
    with env.read() as txn:
        assert len(txn.get(b"first", db=env.body) or b"") == 600_000
    for _ in range(3):
        done = run_python(code, str(env.path), "again")
        assert done.returncode == 0, done.stderr
    put(env, b"ours", b"x")
    assert env.map_octets() > SMALL.map_octets


async def test_a_reader_adopts_a_grown_map_while_the_committer_waits_for_it_to_park(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    spool = LmdbSpool.open(tmp_path / "queue", SMALL, clock)
    try:
        pending = asyncio.ensure_future(spool.accept([submission(new_id())]))
        await asyncio.sleep(0)  # submitted: the committer is about to ask this thread to park
        spool._env._adopt_mapsize()  # EN2: it waits for the committer's transaction to end
        await asyncio.wait_for(pending, 5)
    finally:
        spool.close()


def test_use_after_a_fork_is_refused(env: QueueEnvironment) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"used"
        try:
            with env.read():
                pass
        except QueueError:
            answer = b"refused to read, "
        try:
            env.begin_write()
        except QueueError:
            answer += b"refused to write"
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"refused to read, refused to write"  # EN4
    put(env, b"parent", b"goes on")


def test_a_second_environment_in_one_process_is_refused(env: QueueEnvironment) -> None:
    with pytest.raises(QueueError, match="already open"):
        QueueEnvironment.open(env.path, SMALL)


def test_a_read_inside_a_read_is_a_defect_not_a_deadlock(env: QueueEnvironment) -> None:
    with env.read(), pytest.raises(RuntimeError, match="inside another"), env.read():  # EN1
        pass


def test_slots_of_killed_readers_are_freed_at_the_next_start(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from angarium.queue.lmdb.file.environment import QueueEnvironment
from tests.queue.lmdb.file.test_environment import SMALL
env = QueueEnvironment.open(Path(sys.argv[1]), SMALL)
with env.read():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    keeper = QueueEnvironment.open(tmp_path / "queue", SMALL)  # keeps the reader table alive
    try:
        assert run_python(code, str(tmp_path / "queue")).returncode == -9
        assert keeper.reader_check() == 1
        assert keeper.reader_check() == 0
    finally:
        keeper.close()


def test_a_lock_is_free_again_after_its_writer_was_killed(env: QueueEnvironment) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from angarium.queue.lmdb.file.environment import QueueEnvironment
from tests.queue.lmdb.file.test_environment import SMALL
env = QueueEnvironment.open(Path(sys.argv[1]), SMALL)
txn = env.begin_write()
txn.put(b"half", b"done", db=env.body)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, str(env.path)).returncode == -9
    put(env, b"whole", b"done")
    with env.read() as txn:
        assert txn.get(b"half", db=env.body) is None


# -- schema --------------------------------------------------------------------------------


def test_a_queue_of_a_newer_version_is_refused_with_the_name_of_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    env = QueueEnvironment.open(path, SMALL)
    txn = env.begin_write()
    txn.put(migration.SCHEMA_KEY, (99).to_bytes(4, "big"), db=env.meta)
    txn.put(migration.WRITER_KEY, b"Angarium 42.0", db=env.meta)
    txn.commit()
    env.end_write()
    env.close()
    with pytest.raises(SchemaError, match=r"schema 99, written by Angarium 42\.0"):
        QueueEnvironment.open(path, SMALL)


def make_schema_0(path: Path, clock: FakeClock, new_id: MessageIdGenerator, count: int) -> None:
    """Make a queue of an artificial schema 0, whose due keys lack the hint for the scheduler."""
    spool_loop = asyncio.new_event_loop()
    spool = LmdbSpool.open(path, ROOMY, clock, spool_loop)
    spool_loop.run_until_complete(
        spool.accept([submission(new_id(), tenant="acme") for _ in range(count)])
    )
    spool.close()
    spool_loop.close()
    env = QueueEnvironment.open(path, ROOMY)
    txn = env.begin_write()
    keys = [key for key, _ in txn.cursor(env.due).iternext()]
    for key in keys:
        txn.put(key, b"", db=env.due)
    txn.put(migration.SCHEMA_KEY, (0).to_bytes(4, "big"), db=env.meta)
    txn.commit()
    env.end_write()
    env.close()


def add_hints(txn: RawTransaction, databases: Databases, _place: bytes) -> None:
    """The step from that schema 0 to 1."""
    from angarium.queue.lmdb.records import decode_delivery, decode_message, routing_hint

    for key, _ in list(txn.cursor(databases["due"]).iternext()):
        message = decode_message(txn.get(key[10:26], db=databases["message"]) or b"")
        record = decode_delivery(txn.get(key[10:], db=databases["delivery"]) or b"")
        hint = routing_hint(message, record.domain)
        txn.put(key, hint, db=databases["due"])


def nothing(_txn: RawTransaction, _databases: Databases, _place: bytes) -> None:
    """The step from that schema 1 to 2."""


async def test_an_older_queue_is_migrated_and_delivers(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    path = tmp_path / "queue"
    await asyncio.to_thread(make_schema_0, path, clock, new_id, 700)
    with pytest.raises(SchemaError, match="cannot migrate"):
        QueueEnvironment.open(path, SMALL)
    QueueEnvironment.open(path, SMALL, steps={0: add_hints, 1: nothing}).close()
    spool = LmdbSpool.open(path, SMALL, clock)
    try:
        partition = await spool.own(PartitionNumber(0), "here")
        heads = partition.due(clock(), 1000).heads
        assert len(heads) == 700
        assert {(head.tenant, head.domain, head.octets) for head in heads} == {
            ("acme", "example.net", 21)
        }
        assert len(await partition.claim(heads[:3])) == 3
    finally:
        spool.close()


def test_a_migration_that_breaks_has_not_begun(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    path = tmp_path / "queue"
    make_schema_0(path, clock, new_id, 10)

    def break_half_way(txn: RawTransaction, databases: Databases, place: bytes) -> None:
        add_hints(txn, databases, place)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        QueueEnvironment.open(path, SMALL, steps={0: break_half_way})
    env = QueueEnvironment.open(path, SMALL, current=0)
    with env.read() as txn:
        assert {value for _, value in txn.cursor(env.due).iternext()} == {b""}
    env.close()


def test_several_steps_are_taken_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    QueueEnvironment.open(path, SMALL).close()
    taken: list[int] = []
    steps = {
        version: lambda *_, version=version: taken.append(version)
        for version in (migration.SCHEMA_VERSION, migration.SCHEMA_VERSION + 1)
    }
    current = migration.SCHEMA_VERSION + 2
    env = QueueEnvironment.open(path, SMALL, steps=steps, current=current)
    with env.read() as txn:
        assert migration.schema_version(txn, env.databases) == current  # type: ignore[arg-type]
    env.close()
    assert taken == [current - 2, current - 1]


def test_a_step_that_is_cut_goes_on_where_it_was_and_nobody_works_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    QueueEnvironment.open(path, SMALL).close()
    current = migration.SCHEMA_VERSION + 1
    places: list[bytes] = []

    def three_parts(_txn: RawTransaction, _databases: Databases, place: bytes) -> bytes | None:
        places.append(place)
        if places == [b"", b"1"]:
            raise ZeroDivisionError  # killed here, say
        return {b"": b"1", b"1": b"2", b"2": None}[place]

    steps = {migration.SCHEMA_VERSION: three_parts}
    with pytest.raises(ZeroDivisionError):
        QueueEnvironment.open(path, SMALL, steps=steps, current=current)
    with pytest.raises(SchemaError, match=f"schema {current}"):  # the program of before
        QueueEnvironment.open(path, SMALL)
    QueueEnvironment.open(path, SMALL, steps=steps, current=current).close()
    QueueEnvironment.open(path, SMALL, steps=steps, current=current).close()
    assert places == [b"", b"1", b"1", b"2"]


def test_the_number_of_partitions_is_fixed_when_the_queue_is_made(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    QueueEnvironment.open(path, SMALL).close()
    env = QueueEnvironment.open(path, msgspec.structs.replace(SMALL, partitions=9))
    assert env.partitions == 4
    env.close()


# -- failing disks -------------------------------------------------------------------------


class FailingCommit:
    """A write transaction whose commit fails as LMDB's does."""

    def __init__(self, txn: RawTransaction, error: lmdb.Error) -> None:
        self._txn = txn
        self._error = error

    def __getattr__(self, name: str) -> object:
        return getattr(self._txn, name)

    def commit(self) -> None:
        self._txn.abort()
        raise self._error


def fail_commits(env: QueueEnvironment, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    error = lmdb.Error("mdb_txn_commit: injected")
    error.code = code
    begin = env.begin_write
    monkeypatch.setattr(env, "begin_write", lambda: FailingCommit(begin(), error))


async def test_a_full_disk_loses_nothing_and_passes(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_commits(lmdb_spool._env, patch, 28)  # ENOSPC
        with pytest.raises(QueueFullError):
            await lmdb_spool.accept([submission(new_id())])
    await lmdb_spool.accept([submission(new_id())])
    assert lmdb_spool.summary().messages == 1


async def test_a_write_cut_short_by_a_full_disk_is_not_a_failed_disk(
    lmdb_spool: LmdbSpool, new_id: MessageIdGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_commits(lmdb_spool._env, monkeypatch, 5)  # EIO, which LMDB says of a short write
    monkeypatch.setattr(lmdb_spool._env.space, "free_octets", lambda: 0)
    with pytest.raises(QueueFullError):
        await lmdb_spool.accept([submission(new_id())])


async def test_after_a_failed_fsync_the_store_refuses_everything(
    lmdb_spool: LmdbSpool,
    clock: FakeClock,
    new_id: MessageIdGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    partition = await lmdb_spool.own(PartitionNumber(0), "here")
    with monkeypatch.context() as patch:
        fail_commits(lmdb_spool._env, patch, 5)
        with pytest.raises(QueueFailedError):
            await lmdb_spool.accept([submission(new_id())])
    for _ in range(2):  # EN3
        with pytest.raises(QueueFailedError):
            await lmdb_spool.accept([submission(new_id())])
    with pytest.raises(QueueFailedError):
        await partition.replay()
    with pytest.raises(QueueFailedError):
        partition.due(clock(), 10)


async def test_below_the_free_space_mark_new_mail_is_refused_while_outcomes_pass(
    tmp_path: Path, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    from angarium.queue import Commit, Done
    from tests.queue.samples import attempt

    spool = LmdbSpool.open(tmp_path / "queue", SMALL, clock)
    try:
        await spool.accept([submission(new_id())])
        partition = await spool.own(PartitionNumber(0), "here")
        spool._env.space = DiskSpace(tmp_path, 1 << 62)
        assert not spool.has_room()
        with pytest.raises(QueueFullError, match="min_free_octets"):
            await spool.accept([submission(new_id())])
        (message,) = await partition.claim(partition.due(clock(), 1).heads)
        done = Done(id=message.recipients[0].id, outcome="delivered", attempt=attempt())
        dsn = submission(new_id(), sender="")
        await partition.commit(Commit(settled=[done], submissions=[dsn]))
        assert spool.summary().messages == 1
    finally:
        spool.close()


def test_the_disk_is_asked_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [0.0], []
    space = DiskSpace(tmp_path, 1000, lambda: now[0])
    monkeypatch.setattr(space, "free_octets", lambda: asked.append(1) or 999)
    assert [space.is_low(), space.is_low()] == [True, True]
    assert len(asked) == 1
    now[0] = 1.0
    assert space.is_low()
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("mark", "free", "low", "room"),
    [
        *((0, 0, False, False), (0, 4096, False, False), (0, 1 << 21, False, True)),
        *((1 << 22, 1 << 21, True, False), (1 << 22, 1 << 23, False, True)),
    ],
)
def test_a_full_disk_has_no_room_whatever_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: int, free: int, low: bool, room: bool
) -> None:
    space = DiskSpace(tmp_path, mark)
    monkeypatch.setattr(space, "free_octets", lambda: free)
    assert (space.is_low(), space.has_room()) == (low, room)


def test_a_queue_on_a_full_disk_says_so_without_a_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DiskSpace, "free_octets", lambda _: 0)
    env = QueueEnvironment.open(tmp_path / "queue", SMALL)
    try:
        assert read_summary(env).low_disk
    finally:
        env.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/mail/q", "nfs4"), ("/srv", None), ("/srv/mailbox", None), ("/a b/q", "cifs")],
)
def test_remote_file_systems_are_known_by_their_mount(path: str, kind: str | None) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nfiler:/mail /srv/mail nfs4 rw 0 0\n//nas/x /a\\040b cifs rw 0 0\n"
    )
    assert find_remote_kind(Path(path), mounts) == kind


def test_a_remote_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "angarium.queue.lmdb.file.environment.find_remote_kind", lambda _path: "nfs"
    )
    with pytest.raises(QueueError, match="remote file system"):
        QueueEnvironment.open(tmp_path / "queue", SMALL)


def test_rubbish_instead_of_a_queue_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"not LMDB" * 1000)
    with pytest.raises(QueueError, match="is damaged: page 0 is no meta page"):
        QueueEnvironment.open(tmp_path, SMALL)


# -- compaction ----------------------------------------------------------------------------


def fill_and_empty(path: Path, octets: int) -> None:
    env = QueueEnvironment.open(path, SMALL)
    txn = env.begin_write()
    txn.abort()
    while env.map_octets() < 2 * octets:
        env.grow()
    env.end_write()
    put(env, b"big", bytes(octets))
    put(env, b"kept", b"kept")
    txn = env.begin_write()
    txn.delete(b"big", db=env.body)
    txn.commit()
    env.end_write()
    env.close()


def test_compaction_gives_the_free_pages_back_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    fill_and_empty(path, 3_000_000)
    seen: list[tuple[int, int]] = []
    result = compact(path, lambda done, total: seen.append((done, total)))
    assert result.before_octets > 3_000_000
    assert result.after_octets < 300_000
    assert (path / "data.mdb").stat().st_size == result.after_octets
    assert stat.S_IMODE((path / "data.mdb").stat().st_mode) == 0o600
    assert seen[-1][0] == seen[-1][1]
    env = QueueEnvironment.open(path, SMALL)
    with env.read() as txn:
        assert txn.get(b"kept", db=env.body) == b"kept"
    put(env, b"more", b"goes in")
    env.close()


def test_compaction_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "PROGRESS_S", 0.001)
    seen: list[int] = []

    class Slow:
        def copy(self, folder: str, *, compact: bool) -> None:
            with (Path(folder) / "data.mdb").open("wb", buffering=0) as file:
                for octets in (10, 20, 30):
                    file.write(b"x" * 10)
                    wait_until(lambda: seen[-1] == min(octets, 25))  # noqa: B023

    compaction._copy(cast(Any, Slow()), tmp_path, 25, lambda done, total: seen.append(done))
    assert sorted(set(seen)) == [0, 10, 20, 25]


def test_compaction_is_refused_while_somebody_has_the_queue_open(env: QueueEnvironment) -> None:
    with pytest.raises(QueueBusyError):
        compact(env.path)


def test_an_open_waits_for_a_compaction_to_end(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    QueueEnvironment.open(path, SMALL).close()
    lock = UseLock(path)
    assert lock.try_exclusive()
    timer = threading.Timer(0.1, lock.close)
    timer.start()
    QueueEnvironment.open(path, SMALL).close()
    timer.join()
    second = UseLock(path)
    assert second.try_exclusive()
    third = UseLock(path)
    with pytest.raises(QueueBusyError):
        third.shared(wait_s=0)
    third.close()
    second.close()


def test_what_a_killed_compaction_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    fill_and_empty(path, 100_000)
    (path / compaction.COPY_DIRECTORY).mkdir()
    (path / compaction.COPY_DIRECTORY / "data.mdb").write_bytes(b"half")
    QueueEnvironment.open(path, SMALL, may_compact=True).close()
    assert not (path / compaction.COPY_DIRECTORY).exists()


def test_a_start_compacts_only_what_is_mostly_free_and_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue"
    fill_and_empty(path, 3_000_000)
    before = (path / "data.mdb").stat().st_size
    QueueEnvironment.open(path, SMALL, may_compact=True).close()
    assert (path / "data.mdb").stat().st_size == before  # not worth it
    monkeypatch.setattr(compaction, "START_FILE_OCTETS", 1_000_000)
    QueueEnvironment.open(path, SMALL).close()  # an operator's open never does
    assert (path / "data.mdb").stat().st_size == before
    QueueEnvironment.open(path, SMALL, may_compact=True).close()
    assert (path / "data.mdb").stat().st_size < 300_000


def test_an_operator_does_not_make_a_queue(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(FileNotFoundError):
        QueueOperator.open(tmp_path / "absent", SMALL, clock)
    assert not (tmp_path / "absent").exists()


def test_a_transaction_that_breaks_one_operation_keeps_the_others(
    env: QueueEnvironment, clock: FakeClock
) -> None:
    class Put:
        octets = 10

        def __init__(self, key: bytes, broken: bool = False) -> None:
            self.key = key
            self.broken = broken

        def apply(self, tx: object) -> bytes:
            tx.put(env.body, self.key, b"x")  # type: ignore[attr-defined]
            if self.broken:
                raise ZeroDivisionError
            return self.key

    batch = Transactor(env, clock).run([Put(b"one"), Put(b"two", broken=True), Put(b"three")])
    assert batch.outcomes[0] == b"one"
    assert isinstance(batch.outcomes[1].error, ZeroDivisionError)  # WX1
    assert batch.outcomes[2] == b"three"
    with env.read() as txn:
        assert [key for key, _ in txn.cursor(env.body).iternext()] == [b"one", b"three"]


def test_an_environment_opens_while_another_process_grows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QueueEnvironment.open(tmp_path / "queue", SMALL).close()
    open_lmdb, times = environment._open_lmdb, []

    def grown_meanwhile(path: Path, config: Queue, *, read_only: bool) -> lmdb.Environment:
        times.append(path)
        if len(times) < 3:
            raise lmdb.MapResizedError("mdb_txn_begin")
        return open_lmdb(path, config, read_only=read_only)

    monkeypatch.setattr(environment, "_open_lmdb", grown_meanwhile)
    env = QueueEnvironment.open(tmp_path / "queue", SMALL)
    put(env, b"key", b"goes in")
    env.close()
    assert len(times) == 3
