"""Mirrors angarium/lake/persons.py: one person is found everywhere, and is nowhere afterwards."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.lake.compacting import KEPT_MS
from angarium.lake.model import DAY_HOURS, LakeAwayError
from angarium.lake.persons import Erased, erase, find
from angarium.lake.tending import Tending
from angarium.queue.about import About
from angarium.queue.model import UnixMs
from angarium.simulator.s3 import S3Stub
from tests.e2e.stub_thread import running
from tests.history.samples import Log
from tests.lake.conftest import House, config_of, fill

BOB = "Bob@Example.net"


def tell_of_bob(log: Log) -> None:
    """Also of others, whose addresses have his in them."""
    fill(log, messages=10)
    first = log.accept(
        BOB, tenant="a", about=About(subject="Dear Bob", metadata={"for": BOB.lower()})
    )
    log.happen("bounced", first)
    log.clock.now += 3_600_000
    several = log.accept("ann@example.net", "bob@example.net", tenant="a")
    log.happen(
        "clicked", several, 1, link="https://x.example/?to=bob%40example.net", verdict="human"
    )
    other = log.accept("notbob@example.net", "bob@example.net.au", tenant="b")
    log.happen(
        "report_bounced", other, 0, reply="550 bob@example.net, whom this is for, is unknown."
    )
    log.happen("delivered", other, 1)


@pytest.fixture
def told(house: House, log: Log) -> House:
    tell_of_bob(log)
    house.catch_up(flush=9)
    return house


@pytest.fixture
def told_of_days(told: House) -> House:
    told.compact()
    told.compact_days()
    assert {each.hours for each in told.files} == {DAY_HOURS}
    return told


def test_nothing_of_a_person_is_left_in_files_of_days(told_of_days: House) -> None:
    told = told_of_days
    assert erase(told.config, BOB).rows == 5
    assert list(find(told.config, BOB)) == []
    assert {each.hours for each in told.files} == {DAY_HOURS}
    assert told.on_disk() == [each.path for each in told.files]
    assert told.verify().problems == ()


def everything(house: House) -> str:
    return str(house.ask("SELECT * FROM events ORDER BY sequence")).lower()


def test_all_that_is_about_a_person_is_found(told: House) -> None:
    found = list(find(told.config, "bob@EXAMPLE.net"))
    assert [each["event"] for each in found] == [
        *("accepted", "bounced", "accepted", "clicked", "report_bounced"),
    ]
    assert found[0]["recipient"] == BOB
    assert found[2]["addresses"] == ["bob@example.net"]  # and not who else got it
    assert "notbob" not in str(found)
    assert set(found[4]) == {"sequence", "era", "ts", "event", "tenant", "reply"}


def test_nothing_of_a_person_is_left_and_the_rows_still_count(told: House) -> None:
    before = told.ask(
        "SELECT event, count(*), sum(recipients) FROM events GROUP BY ALL ORDER BY ALL"
    )
    assert erase(told.config, BOB) == Erased(files=2, rows=5)
    assert list(find(told.config, BOB)) == []
    text = everything(told)
    assert "bob@example.net" not in text.replace("notbob@example.net", "").replace(
        "bob@example.net.au", ""
    )
    assert "dear bob" not in text
    assert "bob%40" not in text
    assert "notbob@example.net" in text
    assert "bob@example.net.au" in text
    assert (
        told.ask("SELECT event, count(*), sum(recipients) FROM events GROUP BY ALL ORDER BY ALL")
        == before
    )
    rows = told.ask("SELECT DISTINCT recipient_domain FROM events WHERE recipient LIKE 'erased:%'")
    assert rows == [["example.net"]]
    assert told.verify().problems == ()
    # Also of what had been read by others until now
    for each in told.folder.path.rglob("*.parquet"):
        assert b"Dear Bob" not in each.read_bytes()
    assert len(told.on_disk()) == len(told.files)
    assert erase(told.config, BOB) == Erased(files=0, rows=0)


def test_of_one_tenant_only_its_rows_are_found_and_erased(told: House) -> None:
    assert [each["event"] for each in find(told.config, BOB, tenant="b")] == ["report_bounced"]
    assert erase(told.config, BOB, tenant="a", token="erased-1@example.net").rows == 4
    [[recipients]] = told.ask(
        "SELECT list(DISTINCT recipient) FROM events WHERE recipient LIKE 'erased%'"
    )
    assert recipients == ["erased-1@example.net"]
    assert [each["event"] for each in find(told.config, BOB)] == ["report_bounced"]


def test_what_was_compacted_is_erased_too(told: House) -> None:
    told.compact()
    assert erase(told.config, BOB).rows == 5
    assert list(find(told.config, BOB)) == []
    told.compact()
    assert told.verify().problems == ()


def test_a_crash_amid_it_loses_nothing_and_it_can_be_done_again(
    told: House, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    from angarium.lake.catalogue import Catalogue

    done = [True, False]
    replace = Catalogue.replace

    def killed(self: Catalogue, *given: object) -> bool:
        if not done.pop(0):
            raise KeyboardInterrupt
        return replace(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as once:
        once.setattr(Catalogue, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(told.config, BOB)
    assert told.verify().problems == ()
    again = House(told.data_dir, log)
    assert again.verify().problems == ()
    again.close()
    assert erase(told.config, BOB).files == 1
    assert list(find(told.config, BOB)) == []
    assert told.sequences() == list(range(1, log.last + 1))


def test_erasing_waits_for_who_writes_files_anew(told: House) -> None:
    """LF2"""
    ended = threading.Event()

    def erasing() -> None:
        erase(told.config, BOB)
        ended.set()

    with told.folder.rewriting():
        thread = threading.Thread(target=erasing)
        thread.start()
        assert not ended.wait(0.3)
    assert ended.wait(30)
    thread.join()


def test_where_there_is_no_lake_there_is_nobody(tmp_path: Path) -> None:
    assert list(find(config_of(tmp_path), BOB)) == []
    assert erase(config_of(tmp_path), BOB) == Erased(files=0, rows=0)


def test_nobody_is_no_person(told: House) -> None:
    with pytest.raises(LakeAwayError, match="no address"):
        erase(told.config, "")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Stub]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with running(S3Stub()) as found:
        yield found.stub


def test_a_person_is_out_of_the_bucket_too(tmp_path: Path, log: Log, bucket: S3Stub) -> None:
    tell_of_bob(log)
    house = House(
        tmp_path,
        log,
        bucket=bucket.bucket,
        region=bucket.region,
        endpoint_url=bucket.url,
        cache_octets=1,
    )
    house.catch_up(flush=9)
    house.compact()
    now = log.clock.now + 10 * 86_400_000

    async def tend(at: int) -> None:
        tending = Tending(
            house.config.lake, house.folder, house.catalogue, house.engine, lambda: UnixMs(at)
        )
        await tending.round()
        tending.close()

    asyncio.run(tend(now))
    asyncio.run(tend(now + KEPT_MS + 1))
    assert not any(each.is_local for each in house.files)
    assert len(list(find(house.config, BOB))) == 5
    assert house.on_disk() == []
    assert erase(house.config, BOB).rows == 5
    assert set(bucket.objects) == {each.path for each in house.files}
    assert list(find(house.config, BOB)) == []
    bucket.faults.append("InternalError")
    with pytest.raises(LakeAwayError, match=r"lake\.bucket"):
        erase(house.config, "u1@b.example")
    house.close()
