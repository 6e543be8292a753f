"""Mirrors angarium/queue/lmdb/: file_check and pages: files that were cut short, emptied, overwritten (L2)."""

import hashlib
import os
import random
from pathlib import Path

import lmdb
import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    DamagedQueueError,
    Filter,
    LmdbSpool,
    QueueOperator,
    SchemaError,
    compact,
)
from angarium.queue.act import Actor
from angarium.queue.lmdb.file.check import check_file, check_pages
from angarium.queue.lmdb.file.environment import QueueEnvironment
from tests.queue.samples import FakeClock, make_ids, submission

CONFIG = Queue(partitions=2, map_octets=1 << 24, min_free_octets=0)
PAGE = 4096
THREE = ("a@example.net", "b@example.net", "c@example.net")
BY = Actor(who="test", reason="")
ALL = Filter(older_than_ms=0)


async def filled(path: Path, messages: int = 60) -> Path:
    """A queue with pages of all kinds: branches, leaves, large values."""
    clock = FakeClock()
    spool = LmdbSpool.open(path, CONFIG, clock)
    ids = make_ids(clock)
    for number in range(messages):
        content = bytes(20_000) if number % 3 else b"A: b\r\n\r\n"
        await spool.accept([submission(ids(), THREE, content=content)])
    spool.close()
    return path


def state(path: Path) -> list[tuple[str, str]]:
    """What of a queue must not be changed."""
    return [
        (each.name, hashlib.sha256(each.read_bytes()).hexdigest())
        for each in sorted(path.iterdir())
        if each.name != "use.lock"
    ]


def refused(path: Path) -> str:
    """Each way in refuses it with the same words, and changes nothing."""
    before = state(path)
    clock = FakeClock()
    with pytest.raises(DamagedQueueError) as serving:
        LmdbSpool.open(path, CONFIG, clock)
    with pytest.raises(DamagedQueueError) as reading:
        QueueOperator.open(path, CONFIG, clock)
    if (path / "data.mdb").exists():
        with pytest.raises(DamagedQueueError):
            compact(path)
    assert str(serving.value) == str(reading.value)
    assert "queue new" in str(serving.value)
    assert state(path) == before
    return str(serving.value)


@pytest.mark.parametrize("left", [0, 100, PAGE, PAGE + 100, 2 * PAGE, 0.25, 0.5, 0.9])
async def test_a_file_that_was_cut_short_is_refused_before_it_is_mapped_l2(
    tmp_path: Path, left: float
) -> None:
    path = await filled(tmp_path / "queue")
    data = path / "data.mdb"
    size = data.stat().st_size
    os.truncate(data, int(left) if left == int(left) else int(size * left) // PAGE * PAGE)
    words: dict[float, str] = {0: "it is empty", 100: "it ends within page 0"}
    words |= dict.fromkeys((PAGE, PAGE + 100), "it ends within page 1")
    assert words.get(left, f"octets are left of {size}") in refused(path)


async def test_the_last_page_alone_is_missed_l2(tmp_path: Path) -> None:
    path = await filled(tmp_path / "queue")
    size = (path / "data.mdb").stat().st_size
    os.truncate(path / "data.mdb", size - 1)
    assert "cut short" in refused(path)


async def test_free_pages_at_the_end_need_not_be_there_l2(tmp_path: Path) -> None:
    """LMDB never writes a page that a transaction took and gave back, and its file may end before it."""
    path = await filled(tmp_path / "queue", 300)
    operator = QueueOperator.open(path, CONFIG, FakeClock())
    operator.act("cancel", ALL, BY)
    left = operator.summary()
    operator.close()
    assert left.messages == 0
    with lmdb.open(str(path), readonly=True, max_dbs=16) as env:
        last = end = env.info()["last_pgno"] + 1
    data = path / "data.mdb"
    whole = data.read_bytes()
    while True:  # as far as it goes, page by page
        os.truncate(data, end * PAGE)
        try:
            check_file(path)
        except DamagedQueueError:
            break
        end -= 1
    assert end + 1 < last
    data.write_bytes(whole[: (end + 1) * PAGE])
    await filled(path, 20)  # what is missing is written before it is read
    assert check_pages(path).faults == ()


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize(("offset", "bit"), [(10, 8), (16, 1), (20, 1), (40, 1)])
async def test_a_damaged_meta_page_is_refused_l2(
    tmp_path: Path, page: int, offset: int, bit: int
) -> None:
    """Of its flags, magic, version, and size of a page."""
    path = await filled(tmp_path / "queue")
    flip(path / "data.mdb", page * PAGE + offset, bit)
    assert f"page {page} is no meta page" in refused(path)


async def test_a_file_that_is_gone_is_no_new_queue_l2(tmp_path: Path) -> None:
    path = await filled(tmp_path / "queue")
    (path / "data.mdb").unlink()
    assert "data.mdb is gone" in refused(path)


async def test_a_queue_is_made_whole_or_not_at_all_l2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue"

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        QueueEnvironment.open(path, CONFIG)
    assert not (path / "data.mdb").exists()
    monkeypatch.undo()
    QueueEnvironment.open(path, CONFIG).close()  # what was left is no hindrance
    assert {each.name for each in path.iterdir()} == {"data.mdb", "lock.mdb", "use.lock"}


async def test_reading_writes_nothing_l2(tmp_path: Path) -> None:
    """QO1."""
    path = await filled(tmp_path / "queue")
    before = (path / "data.mdb").read_bytes()
    operator = QueueOperator.open(path, CONFIG, FakeClock())
    page = operator.page(Filter(), None, 1000)
    assert len(page.entries) == operator.summary().recipients == 180
    assert operator.show(page.entries[0].id.message_id) is not None
    assert operator.act("hold", ALL, BY, dry_run=True).count == 180
    assert operator.hold_rules() == ()
    assert (path / "data.mdb").read_bytes() == before
    assert operator.act("hold", ALL, BY).count == 180  # and then it is opened to write
    operator.close()
    assert (path / "data.mdb").read_bytes() != before


async def test_reading_does_not_bring_an_older_queue_up_to_date_l2(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    QueueEnvironment.open(path, CONFIG, current=1).close()
    before = (path / "data.mdb").read_bytes()
    with pytest.raises(SchemaError, match="start the server"):
        QueueOperator.open(path, CONFIG, FakeClock())
    assert (path / "data.mdb").read_bytes() == before


def flip(file: Path, at: int, bit: int = 1) -> None:
    with file.open("r+b") as data:
        data.seek(at)
        octet = data.read(1)[0]
        data.seek(at)
        data.write(bytes([octet ^ bit]))


async def test_a_sound_file_has_no_faults(tmp_path: Path) -> None:
    path = await filled(tmp_path / "queue")
    found = check_pages(path)
    assert found.faults == ()
    assert found.read > 20


@pytest.mark.parametrize("seed", range(5))
async def test_no_damage_ends_the_walk_and_that_of_a_page_head_is_found_l2(
    tmp_path: Path, seed: int
) -> None:
    """PG1: pages that lead to each other are walked once."""
    path = await filled(tmp_path / "queue")
    data = path / "data.mdb"
    whole = data.read_bytes()
    chance = random.Random(seed)
    used = []
    for page in range(2, len(whole) // PAGE):
        flip(data, page * PAGE)  # of its number: whichever page is walked is missed
        if check_pages(path).faults:
            used.append(page)
        data.write_bytes(whole)
    assert len(used) == check_pages(path).read
    for _ in range(200):
        for _ in range(chance.randrange(1, 20)):
            page = chance.choice(used)
            flip(data, page * PAGE + chance.randrange(400), 1 << chance.randrange(8))
        check_pages(path)
        data.write_bytes(whole)
