"""Mirrors angarium/lake/persons.py: one person is found everywhere, and is nowhere afterwards."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.lake.columns import COLUMNS
from angarium.lake.compacting import KEPT_MS
from angarium.lake.engine import read_files
from angarium.lake.model import DAY_HOURS, LakeAwayError
from angarium.lake.persons import Erased, erase, find
from angarium.lake.tending import Tending
from angarium.queue.about import About
from angarium.queue.model import UnixMs
from angarium.queue.person import Person
from angarium.simulator.s3 import S3Stub
from tests.e2e.stub_thread import running
from tests.history.samples import Log
from tests.lake.conftest import House, config_of, fill

BOB = Person("Bob@Example.net", bytes(32))

# What of a row may change
CLEARED = ("recipient", "addresses", "client", "url", "reply", "fields")


def tell_of_bob(log: Log) -> None:
    """Also of others, whose addresses have his in them."""
    fill(log, messages=10)
    first = log.accept(
        "Bob@Example.net",
        tenant="a",
        about=About(subject="Dear Bob", metadata={"for": "bob@example.net"}),
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
    # By their place in a message alone
    for index in (0, 1):
        log.happen("fetched", several, index, link_number=-1, sent_s=1, network="192.0.2.0/24")


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
    assert erase(told.config, BOB).rows == 6
    assert list(find(told.config, BOB)) == []
    assert {each.hours for each in told.files} == {DAY_HOURS}
    assert told.on_disk() == [each.path for each in told.files]
    assert told.verify().problems == ()


def everything(house: House) -> str:
    return str(house.ask("SELECT * FROM events ORDER BY sequence")).lower()


def test_all_that_is_about_a_person_is_found(told: House) -> None:
    found = list(find(told.config, BOB))
    assert [each["event"] for each in found] == [
        *("accepted", "bounced", "accepted", "clicked", "report_bounced", "fetched"),
    ]
    assert found[0]["recipient"] == "Bob@Example.net"
    assert found[2]["addresses"] == ["bob@example.net"]  # and not who else got it
    assert "notbob" not in str(found)
    assert set(found[4]) == {"sequence", "era", "ts", "event", "tenant", "reply"}
    assert (found[5]["recipient_index"], found[5]["client"]) == (1, "192.0.2.0/24")


def test_nothing_of_a_person_is_left_and_the_rows_still_count(told: House) -> None:
    before = told.ask(
        "SELECT event, count(*), sum(recipients) FROM events GROUP BY ALL ORDER BY ALL"
    )
    assert erase(told.config, BOB) == Erased(files=3, rows=6)
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
    rows = told.ask(
        "SELECT DISTINCT recipient, recipient_domain FROM events WHERE recipient LIKE 'erased%'"
    )
    assert rows == [[BOB.token, "example.net"]]
    assert told.verify().problems == ()
    # Also of what had been read by others until now
    for each in told.folder.path.rglob("*.parquet"):
        assert b"Dear Bob" not in each.read_bytes()
    assert len(told.on_disk()) == len(told.files)
    assert erase(told.config, BOB) == Erased(files=0, rows=0)


def test_of_one_tenant_only_its_rows_are_found_and_erased(told: House) -> None:
    others = "SELECT * FROM events WHERE tenant = 'b' ORDER BY sequence"
    before = told.ask(others)
    assert [each["event"] for each in find(told.config, BOB, tenant="b")] == ["report_bounced"]
    assert erase(told.config, BOB, tenant="a").rows == 5
    assert list(find(told.config, BOB, tenant="a")) == []
    assert [each["event"] for each in find(told.config, BOB)] == ["report_bounced"]
    assert told.ask(others) == before


def test_what_is_counted_of_a_person_is_counted_without_them_too(told: House) -> None:
    """All but what was said of them alone: the place of each row in each file, too."""
    columns = [each.name for each in COLUMNS if each.name not in CLEARED]
    counted = f"SELECT {', '.join(columns)} FROM events ORDER BY sequence"
    cleared = "SELECT sequence, url, reply, tags, fields ->> '$.size' FROM events ORDER BY sequence"
    before, said = told.ask(counted), str(told.ask(cleared))
    order = [parquet_sequences(told, each.path) for each in told.files]
    erase(told.config, BOB)
    assert told.ask(counted) == before
    found = str(told.ask(cleared))
    assert found == BOB.out_of_text(said)
    assert [parquet_sequences(told, each.path) for each in told.files] == order


def test_what_comes_of_an_erased_person_is_found_by_the_token(told: House, log: Log) -> None:
    erase(told.config, BOB)
    late = log.accept(BOB.token, tenant="a")
    log.happen("opened", late, client="198.51.100.0/24 Firefox")
    log.happen("fetched", late, link_number=-1, sent_s=1, network="198.51.100.0/24")
    told.catch_up()
    assert [each["event"] for each in find(told.config, BOB)] == ["opened", "fetched"]
    assert erase(told.config, BOB).rows == 2
    assert "198.51.100" not in everything(told)
    assert list(find(told.config, BOB)) == []


def test_an_address_is_known_in_all_its_forms(house: House, log: Log) -> None:
    person = Person("ann+news@bücher.example", bytes(32))
    message = log.accept("ann+news@xn--bcher-kva.example", "ann@bücher.example", tags=("x",))
    for domain in ("b%C3%BCcher.example", "xn--bcher-kva.example", "bücher.example"):
        link = f"https://x.example/?a=ann%2Bnews%40{domain}"
        log.happen("clicked", message, 1, link=link)  # another one's
    log.accept("c@example.com", tags=("for:ANN+news@bücher.example",), campaign="ann+news@other")
    house.catch_up()
    assert erase(house.config, person).rows == 5
    text = everything(house)
    assert "news%40" not in text
    assert "for:ann" not in text
    assert "ann@bücher.example" in text
    assert "ann+news@other" in text


def parquet_sequences(house: House, path: str) -> list[int]:
    sql = f"SELECT sequence FROM {read_files([house.folder.locate(path)])}"
    return [each for (each,) in house.engine.ask(sql)]


def test_what_was_compacted_is_erased_too(told: House) -> None:
    told.compact()
    assert erase(told.config, BOB).rows == 6
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
    assert erase(told.config, BOB).files == 2
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
    assert len(list(find(house.config, BOB))) == 6
    assert house.on_disk() == []
    assert erase(house.config, BOB).rows == 6
    assert set(bucket.objects) == {each.path for each in house.files}
    assert list(find(house.config, BOB)) == []
    bucket.faults.append("InternalError")
    with pytest.raises(LakeAwayError, match=r"lake\.bucket"):
        erase(house.config, Person("u1@b.example", bytes(32)))
    house.close()
