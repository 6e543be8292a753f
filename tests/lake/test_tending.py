"""Mirrors angarium/lake/tending.py, bucket_copy.py and fetching.py, with a bucket of the simulator's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer, Problem
from angarium.lake.compacting import KEPT_MS
from angarium.lake.model import DAY_HOURS, HOUR_MS
from angarium.lake.tending import Tending
from angarium.queue.model import UnixMs
from angarium.simulator.s3 import S3Stub
from tests.history.samples import Log
from tests.lake.conftest import DAY_MS, House, fill


class Tended:
    def __init__(self, house: House) -> None:
        self.house = house
        self.now = house.log.clock.now
        self.tending = Tending(
            house.config.lake, house.folder, house.catalogue, house.engine, lambda: UnixMs(self.now)
        )

    async def round(self, later_ms: int = 0) -> None:
        self.now += later_ms
        await self.tending.round()

    def close(self) -> None:
        self.tending.close()


@pytest_asyncio.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Stub]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    found = S3Stub()
    await found.start()
    yield found
    await found.close()


def bucket_settings(bucket: S3Stub, **more: Any) -> dict[str, Any]:
    return {
        "bucket": bucket.bucket,
        "region": bucket.region,
        "endpoint_url": bucket.url,
        "prefix": "lake/",
        **more,
    }


async def filled(tmp_path: Path, log: Log, flush: int = 9, **settings: Any) -> House:
    fill(log)
    house = House(tmp_path, log, **settings)
    for start in range(0, log.last, flush):
        batch = log.positions[start : start + flush]
        house.writer.add(batch, await house.labels.find(batch))
        house.writer.flush(log.clock.now)
    return house


def keys(house: House) -> set[str]:
    return {f"lake/{each.path}" for each in house.files}


async def count(house: House, **asked: Any) -> int:
    sql = "SELECT count(DISTINCT sequence) FROM events"
    said = await Asker(house.config).ask(Asked(sql=sql, **asked))
    assert isinstance(said, Answer), said
    return int(msgspec.json.decode(said.rows)[0][0])


async def test_what_is_old_goes_and_is_known_to_have_gone(tmp_path: Path, log: Log) -> None:
    """LC1"""
    house = await filled(tmp_path, log, keep_days=3)
    tended = Tended(house)
    await tended.round(DAY_MS)
    [day] = house.files
    ends = (day.hour + DAY_HOURS) * HOUR_MS + 3 * DAY_MS
    await tended.round(ends - 1 - tended.now)
    assert house.files == [day]
    await tended.round(1)
    assert house.files == []
    assert house.catalogue.eras()[0].forgotten == log.last
    assert house.verify().problems == ()
    await tended.round(KEPT_MS + 1)
    assert house.on_disk() == []
    assert [each.name for each in house.folder.path.glob("20*")] == []
    tended.close()


async def test_files_are_brought_to_the_bucket_and_what_they_become_in_their_place(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    house = await filled(tmp_path, log, **bucket_settings(bucket))
    tended = Tended(house)
    await tended.round()
    assert set(bucket.objects) == keys(house)
    assert all(each.is_remote and each.is_local for each in house.files)
    before = keys(house)
    await tended.round(DAY_MS)
    assert set(bucket.objects) == keys(house) | before
    await tended.round(KEPT_MS + 1)
    assert set(bucket.objects) == keys(house)
    assert {f"lake/{each}" for each in house.on_disk()} == keys(house)
    tended.close()


async def test_what_is_there_is_let_go_here_and_fetched_when_it_is_asked_for(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    """LB1"""
    house = await filled(tmp_path, log, **bucket_settings(bucket, cache_octets=1))
    tended = Tended(house)
    await tended.round(DAY_MS)
    await tended.round(KEPT_MS + 1)
    assert house.on_disk() == []
    assert not any(each.is_local for each in house.files)
    said = await Asker(house.config).ask(Asked(sql="SELECT 1"))
    assert isinstance(said, Problem)
    assert "lake.cache_octets" in said.text
    house.config = msgspec.structs.replace(
        house.config, lake=msgspec.structs.replace(house.config.lake, cache_octets=10**9)
    )
    [day] = house.files
    assert day.hours == DAY_HOURS
    hour = log.positions[-1].event.at // HOUR_MS
    assert 0 < await count(house, first_hour=hour, end_hour=hour + 1) < day.rows
    assert house.on_disk() == [day.path]
    assert await count(house) == log.last
    tended.close()


async def test_files_of_hours_stay_here_until_their_day_is_one(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    house = await filled(tmp_path, log, **bucket_settings(bucket, cache_octets=0))
    tended = Tended(house)
    await tended.round(2 * HOUR_MS)
    await tended.round(KEPT_MS + 1)
    assert {each.hours for each in house.files} == {1}
    assert all(each.is_local and each.is_remote for each in house.files)
    await tended.round(DAY_MS)
    assert {each.hours for each in house.files} == {DAY_HOURS}
    tended.close()


async def test_files_of_hours_that_are_in_the_bucket_only_stay_as_they_are(
    tmp_path: Path, log: Log, bucket: S3Stub
) -> None:
    house = await filled(tmp_path, log, **bucket_settings(bucket))
    tended = Tended(house)
    await tended.round(2 * HOUR_MS)
    before = [each.path for each in house.files]
    for each in house.files:
        house.catalogue.set_local(each.id, is_local=False)
        house.folder.remove(each.path)
    await tended.round(DAY_MS)
    assert [each.path for each in house.files] == before
    assert await count(house) == log.last
    tended.close()


async def test_a_bucket_that_is_away_is_said_once_and_catches_up(
    tmp_path: Path, log: Log, bucket: S3Stub, caplog: pytest.LogCaptureFixture
) -> None:
    house = await filled(tmp_path, log, **bucket_settings(bucket))
    tended = Tended(house)
    for _ in range(2):
        bucket.faults.append("InternalError")
        await tended.round()
    [said] = [vars(each) for each in caplog.records if "lake" in getattr(each, "event", "")]
    assert said["event"] == "lake_bucket_failed"
    assert "lake.bucket: PUT of lake/" in str(said)
    assert await count(house) == log.last
    await tended.round()
    assert set(bucket.objects) == keys(house)
    tended.close()


async def test_a_file_that_is_written_anew_while_it_is_sent_is_removed_there(
    tmp_path: Path, log: Log, bucket: S3Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LB1"""
    house = await filled(tmp_path, log, **bucket_settings(bucket))
    tended = Tended(house)
    monkeypatch.setattr(house.catalogue, "set_remote", lambda _: False)
    with monkeypatch.context() as once:
        waiting = house.files[:1]
        once.setattr(
            house.catalogue,
            "unsent",
            lambda _: [waiting.pop()] if waiting else [],
        )
        await tended.tending.tend_bucket()
    assert len(bucket.objects) == 1
    await tended.tending.remove_gone()
    assert bucket.objects == {}
    tended.close()
