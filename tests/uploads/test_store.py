"""Mirrors angarium/uploads/store.py and writing.py, on files."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from angarium.uploads import (
    NewUpload,
    UploadBusyError,
    UploadError,
    UploadMissingError,
    UploadStore,
    WrongContentError,
)
from tests.uploads.stores import LIMITS, Clock, announce, set_changed, store_in

TEN = b"0123456789"
OF_TEN = hashlib.sha256(TEN).hexdigest()


def test_what_was_announced_and_sent_is_complete_up1(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store, sha256=OF_TEN.upper())
    assert (upload.offset, upload.is_complete, upload.sha256) == (0, False, OF_TEN)
    with store.open("shop", upload.id) as writing:
        writing.write(TEN[:4])
        writing.write(TEN[4:])
        with pytest.raises(WrongContentError):
            writing.write(b"x")
        writing.finish()
    found = store.find("shop", upload.id)
    assert found is not None
    assert (found.offset, found.is_complete) == (10, True)
    assert store.data_path(found).read_bytes() == TEN
    assert store.data_path(found).stat().st_mode & 0o777 == 0o600
    with pytest.raises(UploadError, match="is complete"):
        store.open("shop", upload.id)


def test_one_goes_on_where_it_ended_also_in_another_process_s_store(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store)
    with store.open("shop", upload.id) as writing:
        writing.write(TEN[:4])
        with pytest.raises(UploadError, match="4 of 10 octets"):
            writing.finish()
    other = store_in(tmp_path)
    assert [each.offset for each in other.all_of("shop")] == [4]
    with other.open("shop", upload.id) as writing:
        assert writing.offset == 4
        writing.write(TEN[4:])
        writing.finish()
    found = store.find("shop", upload.id)
    assert found is not None
    assert store.data_path(found).read_bytes() == TEN


def test_one_that_was_killed_before_it_was_completed_is_completed_by_the_next_up1(
    tmp_path: Path,
) -> None:
    store = store_in(tmp_path)
    upload = announce(store, sha256=OF_TEN)
    with store.open("shop", upload.id) as writing:
        writing.write(TEN)
    found = store.find("shop", upload.id)
    assert found is not None
    assert (found.offset, found.is_complete) == (10, False)
    with store.open("shop", upload.id) as writing:
        writing.finish()
        assert writing.is_complete


def test_content_of_another_hash_is_refused_and_nothing_of_it_is_left_up1(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store, sha256=OF_TEN)
    with store.open("shop", upload.id) as writing:
        writing.write(b"x" * 10)
        with pytest.raises(WrongContentError) as refused:
            writing.finish()
    assert refused.value.field == "sha256"
    found = store.find("shop", upload.id)
    assert found is not None
    assert (found.offset, found.is_complete) == (0, False)


def test_one_writes_and_another_is_refused_until_it_ends_up2(tmp_path: Path) -> None:
    store, other = store_in(tmp_path), store_in(tmp_path)
    upload = announce(store)
    with store.open("shop", upload.id) as writing:
        writing.write(TEN[:3])
        with pytest.raises(UploadBusyError) as refused:
            other.open("shop", upload.id)
        assert refused.value.offset == 3
    other.open("shop", upload.id).close()


def test_one_that_was_removed_meanwhile_is_not_completed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store)
    with store.open("shop", upload.id) as writing:
        writing.write(TEN)
        assert store.remove("shop", upload.id)
        with pytest.raises(UploadMissingError):
            writing.finish()
    assert not store.remove("shop", upload.id)
    assert store.find("shop", upload.id) is None
    with pytest.raises(UploadMissingError):
        store.open("shop", upload.id)
    assert [each.name for each in (tmp_path / "uploads" / "shop").iterdir()] == ["lock"]


def test_who_had_to_wait_for_the_end_of_another_writes_into_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store)
    claim = store._claim

    def late(fd: int, part: Path, found: object) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "_claim", claim)
            with store.open("shop", upload.id) as first:
                first.write(TEN)
                first.finish()
        claim(fd, part, upload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_claim", late)
        with pytest.raises(UploadBusyError, match="has changed meanwhile"):
            store.open("shop", upload.id)
    found = store.find("shop", upload.id)
    assert found is not None
    assert found.is_complete


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"filename": "x" * 256}, "filename"),
        ({"content_type": "text/csv\r\nX: y"}, "contentType"),
        ({"sha256": "00"}, "sha256"),
        ({"size": 0}, "size"),
        ({"size": 1001}, "size"),
        ({"tenant": "../etc"}, "tenant"),
    ],
)
def test_what_cannot_be_announced_names_its_field(
    tmp_path: Path, changes: dict[str, object], field: str
) -> None:
    new = NewUpload(tenant="shop", filename="a.csv", size=10)
    with pytest.raises(UploadError) as refused:
        store_in(tmp_path).create(msgspec.structs.replace(new, **changes), LIMITS)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "upload_id", ["", "..", "../x", "0" * 36, "lock", "x" * 4000, "a\0b", "01900000-0000-7000-8000"]
)
def test_no_path_is_made_of_what_is_no_id(tmp_path: Path, upload_id: str) -> None:
    store = store_in(tmp_path)
    announce(store)
    assert store.find("shop", upload_id) is None
    assert not store.remove("shop", upload_id)
    assert store.find("..", upload_id) is None
    assert store.all_of("../uploads/shop") == []


def test_a_tenant_has_so_much_room_and_others_have_theirs_up3(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first = announce(store, 1000)
    announce(store, 1000)
    with pytest.raises(UploadError, match="3000 octets"):
        announce(store, 1000)
    announce(store, 400)
    announce(store, 1)
    with pytest.raises(UploadError, match="has 4 uploads"):
        announce(store, 1)
    announce(store, 1000, tenant="other")
    store.remove("shop", first.id)
    announce(store, 1000)


def test_however_many_ask_at_once_the_room_is_not_exceeded_up3(tmp_path: Path) -> None:
    refused: list[UploadError] = []
    begin = threading.Barrier(8)

    def ask() -> None:
        store = store_in(tmp_path)
        begin.wait()
        try:
            announce(store, 900)
        except UploadError as error:
            refused.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(store_in(tmp_path).all_of("shop")), len(refused)) == (2, 6)


def test_what_others_have_announced_needs_room_on_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    monkeypatch.setattr(UploadStore, "free_octets", lambda _: 1500)
    announce(store, 1000)
    with pytest.raises(UploadError, match="the disk has no room"):
        announce(store, 1000)
    announce(store, 500)


def test_what_was_not_touched_is_swept_and_what_is_written_is_not(tmp_path: Path) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    left, written, young, done = (announce(store, 10) for _ in range(4))
    with store.open("shop", done.id) as writing:
        writing.write(TEN)
        writing.finish()
    for each in (left, done):
        set_changed(store, each, clock.now)
    with store.open("shop", written.id):
        set_changed(store, written, clock.now)
        clock.now += 60_000
        with store.open("shop", young.id) as writing:
            writing.write(b"x")
        set_changed(store, young, clock.now)
        assert store.sweep(incomplete_ms=60_000, complete_ms=120_000) == 1
    assert {each.id for each in store.all_of("shop")} == {written.id, young.id, done.id}
    clock.now += 60_000
    assert store.sweep(incomplete_ms=60_000, complete_ms=120_000) == 3


def test_what_a_crash_left_without_an_announcement_is_swept(tmp_path: Path) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    upload = announce(store)
    with store.open("shop", upload.id) as writing:
        writing.write(b"x")
    (tmp_path / "uploads" / "shop" / f"{upload.id}.json").unlink()
    rest = tmp_path / "uploads" / "shop" / f"{upload.id}.part"
    set_changed(store, upload, clock.now)
    store.sweep(incomplete_ms=1, complete_ms=1)
    assert rest.exists()
    clock.now += 3_600_000
    store.sweep(incomplete_ms=1, complete_ms=1)
    assert not rest.exists()


def test_a_link_keeps_the_file_when_the_upload_goes(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    upload = announce(store)
    with pytest.raises(UploadBusyError, match="0 of 10 octets"):
        store.link("shop", upload.id, tmp_path / "kept")
    with store.open("shop", upload.id) as writing:
        writing.write(TEN)
        writing.finish()
    store.link("shop", upload.id, tmp_path / "kept")
    store.link("shop", upload.id, tmp_path / "kept")
    store.remove("shop", upload.id)
    assert (tmp_path / "kept").read_bytes() == TEN
    with pytest.raises(UploadMissingError):
        store.link("shop", upload.id, tmp_path / "again")


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from angarium.uploads import UploadBusyError, UploadError, UploadStore
    store = UploadStore(Path(sys.argv[1]), lambda: 1)
    content = bytes(range(256)) * 256
    print("ready", flush=True)
    with store.open("shop", sys.argv[2]) as writing:
        while writing.offset < writing.size:
            writing.write(content[writing.offset : writing.offset + 997])
        writing.finish()
    """
)


def run_killed(arguments: list[str], after: Callable[[], None]) -> int:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after()
        child.send_signal(signal.SIGKILL)
        child.stdout.read()
        return child.wait()


def test_killed_at_any_moment_it_is_complete_and_right_or_goes_on_up1(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    content = bytes(range(256)) * 256
    limits = msgspec.structs.replace(LIMITS, file_octets=1 << 20, tenant_octets=1 << 30)
    order = random.Random(7)
    states: set[bool] = set()
    for _ in range(3):
        sha256 = hashlib.sha256(content).hexdigest()
        new = NewUpload(tenant="shop", filename="a.csv", size=len(content), sha256=sha256)
        upload = store.create(new, msgspec.structs.replace(limits, tenant_files=100))
        part = tmp_path / "uploads" / "shop" / f"{upload.id}.part"
        wanted = order.randrange(len(content))

        def has_come(part: Path = part, wanted: int = wanted) -> None:
            while not part.with_suffix(".data").exists():
                try:
                    if part.stat().st_size >= wanted:
                        return
                except FileNotFoundError:
                    os.sched_yield()

        run_killed([str(tmp_path / "uploads"), upload.id], has_come)
        found = store.find("shop", upload.id)
        assert found is not None
        states.add(found.is_complete)
        if not found.is_complete:
            with store.open("shop", upload.id) as writing:
                assert writing.offset == found.offset
                writing.write(content[writing.offset :])
                writing.finish()
        assert store.data_path(found).read_bytes() == content
    assert False in states
