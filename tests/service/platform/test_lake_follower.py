"""Mirrors service/platform/lake_follower.py."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Queue
from angarium.lake.catalogue import Catalogue
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.model import LakeAwayError, RebuildNeededError
from angarium.lake.naming import FileName
from angarium.lake.verifying import verify
from angarium.lake.writing import LakeWriter
from angarium.queue import MessageAccepted, MessageId
from angarium.service.platform.event_follower import KeptBack
from angarium.service.platform.lake_follower import LAKE, LakeFollower
from angarium.simulator.s3 import S3Stub
from angarium.telemetry.metrics import Metrics
from tests.history.samples import Log
from tests.lake.conftest import config_of, fill
from tests.lake.test_tending import bucket, bucket_settings
from tests.service.fake_events import FakeEvents, follow

assert bucket  # the fixture
SEED = b"one queue's identity"


async def nobody(_: MessageId) -> MessageAccepted | None:
    return None


@pytest.fixture
def log() -> Log:
    found = Log()
    fill(found, messages=20)
    return found


def follower_of(
    folder: Path, events: FakeEvents, log: Log, limit: int = 1000, **lake: Any
) -> LakeFollower:
    config = msgspec.structs.replace(config_of(folder, **lake), queue=Queue(event_limit=limit))
    return LakeFollower(
        config,
        events,
        None,
        nobody,
        log.clock,
        lambda octets: SEED[:octets],
        Metrics(CollectorRegistry()),
    )


def events_of(log: Log) -> FakeEvents:
    return FakeEvents([each.event for each in log.positions])


def sequences(folder: Path, log: Log) -> list[int]:
    lake = Folder(lake_folder(config_of(folder)))
    catalogue = Catalogue(lake.path)
    from angarium.lake.engine import Engine, read_files

    engine = Engine(lake.unfinished())
    try:
        assert verify(lake, catalogue, engine).problems == ()
        files = [lake.locate(each.path) for each in catalogue.files()]
        rows = engine.ask(f"SELECT sequence FROM {read_files(files)} ORDER BY ALL")
        return [each for (each,) in rows]
    finally:
        engine.close()
        catalogue.close()


async def test_events_wait_until_they_are_many_and_are_not_acknowledged_before(
    tmp_path: Path, log: Log
) -> None:
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, flush_rows=30, flush_s=60.0)
    cursor = await events.register(LAKE)
    await follower.begin(cursor)
    assert await follower.handle(log.positions[:20]) is KeptBack.YES
    assert await follower.handle([]) is KeptBack.YES
    assert await follower.handle(log.positions[20:35]) is None
    assert await follower.handle(log.positions[35:]) is KeptBack.YES
    assert sequences(tmp_path, log) == list(range(1, 36))
    await follower.close()
    assert sequences(tmp_path, log) == list(range(1, log.last + 1))


async def test_events_wait_no_longer_than_they_are_to(tmp_path: Path, log: Log) -> None:
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, flush_s=60.0)
    await follower.begin(await events.register(LAKE))
    assert await follower.handle(log.positions) is KeptBack.YES
    log.clock.now += 59_000
    assert await follower.handle([]) is KeptBack.YES
    log.clock.now += 1_000
    assert await follower.handle([]) is None
    assert sequences(tmp_path, log) == list(range(1, log.last + 1))
    await follower.close()


async def test_a_lost_acknowledgement_repeats_nothing(tmp_path: Path, log: Log) -> None:
    """LW1"""
    events = events_of(log)
    events.state = SEED[:16]
    events.loses_acks = True
    for _ in range(2):
        follower = follower_of(tmp_path, events, log, flush_rows=1)
        await follow(events, follower)
        await follower.close()
    assert events.position == 0
    assert sequences(tmp_path, log) == list(range(1, log.last + 1))


async def test_the_queues_identity_is_with_the_queue_before_it_is_in_the_catalogue(
    tmp_path: Path, log: Log
) -> None:
    events = events_of(log)
    follower = follower_of(tmp_path, events, log)
    await follower.begin(await events.register(LAKE))
    assert (events.state, events.acks) == (SEED[:16], 1)
    await follower.close()


async def test_a_bucket_that_has_files_is_not_begun_anew(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, **bucket_settings(bucket))
    name = FileName(hour=1, first=1, last=9, era=1)
    bucket.objects |= {"lake/something": b"", f"lake/{name.path}": b"another life's"}
    with pytest.raises(RebuildNeededError, match="the bucket has some"):
        await follower.begin(await events.register(LAKE))
    assert not (tmp_path / "lake" / "catalogue.db").exists()
    del bucket.objects[f"lake/{name.path}"]
    await follower.begin(await events.register(LAKE))
    await follower.handle(log.positions)
    await follower.close()
    assert sequences(tmp_path, log) == list(range(1, log.last + 1))
    # It has a catalogue now, and what is there is its own
    bucket.objects[f"lake/{name.path}"] = b"its own"
    follower = follower_of(tmp_path, events, log, **bucket_settings(bucket))
    await follower.begin(await events.register(LAKE))
    await follower.close()


async def test_where_files_are_broken_they_are_looked_at_once_and_nothing_is_begun(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOP1"""
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, flush_rows=9)
    await follow(events, follower)
    await follower.close()
    [broken, *_] = (tmp_path / "lake").rglob("*.parquet")
    broken.write_bytes(broken.read_bytes()[:-9])
    (tmp_path / "lake/catalogue.db").unlink()
    follower = follower_of(tmp_path, events, log)
    for _ in range(2):
        with pytest.raises(RebuildNeededError, match="postmaster lake rebuild"):
            await follower.begin(await events.register(LAKE))
        monkeypatch.setattr(Folder, "names", None)
    await follower.close()


async def test_a_full_disk_is_an_error_and_what_waits_is_written_later(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, flush_rows=1)
    await follower.begin(await events.register(LAKE))

    def full(*_: object) -> int:
        raise LakeAwayError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Folder, "finish", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                await follower.handle(log.positions[:10])
    assert await follower.handle(log.positions[:10]) is None
    assert await follower.handle(log.positions[10:]) is None
    assert sequences(tmp_path, log) == list(range(1, log.last + 1))
    await follower.close()


async def test_what_is_more_than_the_log_is_to_keep_is_given_up_and_said(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """LK1"""
    events = events_of(log)
    follower = follower_of(tmp_path, events, log, limit=25, flush_rows=1)
    await follower.begin(await events.register(LAKE))

    def full(*_: object) -> int:
        raise LakeAwayError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(LakeWriter, "_write", full)
        assert await follower.handle(log.positions[:10]) is None
        assert await follower.handle(log.positions[10:20]) is None
    said = [
        vars(each) for each in caplog.records if getattr(each, "event", "") == "lake_events_lost"
    ]
    assert len(said) == 2
    assert await follower.handle(log.positions[20:]) is None
    assert sequences(tmp_path, log) == list(range(21, log.last + 1))
    await follower.close()
