"""Mirrors angarium/queue/lmdb/file/schema_1.py: a queue that the last program with schema 1 made, as it was read there.

``schema_1/data.mdb.gz`` has recipients scheduled, held, deferred, in doubt and in flight, and an event of every kind.
"""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.config.schema import Queue
from angarium.queue import (
    Attempt,
    Commit,
    Done,
    Filter,
    LmdbSpool,
    Origin,
    PartitionNumber,
    UnixMs,
    delivery_id_text,
    message_id_text,
    parse_message_id,
)
from angarium.queue.events.catalogue import CATALOGUE
from angarium.queue.lmdb.file import migration, schema_1
from angarium.queue.lmdb.file.environment import QueueEnvironment
from tests.queue.samples import START, FakeClock, attempt

HERE = Path(__file__).parent / "schema_1"
CONFIG = Queue(partitions=4, map_octets=1 << 20, min_free_octets=0)
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text())


def unpack(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "data.mdb").write_bytes(gzip.decompress((HERE / "data.mdb.gz").read_bytes()))
    return path


@pytest.fixture
async def upgraded(tmp_path: Path, clock: FakeClock) -> AsyncIterator[LmdbSpool]:
    clock.now = EXPECTED["now"]
    spool = LmdbSpool.open(unpack(tmp_path / "queue"), CONFIG, clock)
    yield spool
    spool.close()


def plain(value: Any) -> Any:
    """What was a map in schema 1 is an array on disk now: name its fields again."""
    if isinstance(value, Attempt):
        found = {name: getattr(value, name) for name in value.__struct_fields__}
        since = found.keys() - EXPECTED["entries"][0]["last"].keys()
        assert not any(found.pop(name) for name in since)  # appended: they have their defaults
        return found
    if isinstance(value, Origin):
        found = {"listener": value.text, "client": value.client, "user": value.user}
        return {name: text for name, text in found.items() if text or name == "listener"}
    return list(value) if isinstance(value, tuple) else msgspec.to_builtins(value)


async def entries(spool: LmdbSpool) -> list[dict[str, Any]]:
    page = await spool.administration.page(Filter(), None, 100)
    return [
        {
            name: plain(getattr(each, name))
            for name in each.__struct_fields__
            if name not in ("rule", "via", "campaign", "not_before", "if_missed")
        }
        | {"id": delivery_id_text(each.id)}
        for each in page.entries
    ]


def events(spool: LmdbSpool) -> list[dict[str, Any]]:
    found = []
    for each in spool.events.read(0, 100):
        event = each.event
        fields = {name: plain(getattr(event, name)) for name in event.__struct_fields__}
        fields["message"] = message_id_text(fields.pop("message_id") and event.message_id)
        found.append(fields | {"type": event.name, "sequence": each.sequence})
    return found


async def is_all_there(spool: LmdbSpool) -> bool:
    for entry, before in zip(await entries(spool), EXPECTED["entries"], strict=True):
        assert {name: entry[name] for name in before} == before
    for found, before in zip(events(spool), EXPECTED["events"], strict=True):
        origin = before.get("origin")
        if origin is not None:
            before = before | {"origin": {k: v for k, v in origin.items() if v}}
        assert {name: found[name] for name in before} == before
    for message, content in EXPECTED["contents"].items():
        octets = spool.content(parse_message_id(message))
        assert (None if octets is None else octets.decode()) == content
    return True


async def test_every_recipient_content_due_time_state_and_event_is_there(
    upgraded: LmdbSpool,
) -> None:
    assert await is_all_there(upgraded)
    told = {each["type"] for each in EXPECTED["events"]}
    assert told == {each.name for each in CATALOGUE if each.number <= 11}  # the file has them all
    states = [each["state"] for each in EXPECTED["entries"]]
    assert sorted(set(states)) == ["held", "in_flight", "scheduled"]


async def test_due_hints_have_their_stream_and_delivery_works(
    upgraded: LmdbSpool, clock: FakeClock
) -> None:
    clock.now = START + 10**7
    delivered = 0
    due: dict[str, Any] = {}
    for number in upgraded.partitions():
        partition = await upgraded.own(PartitionNumber(number), "new")
        was_flying = await partition.replay()
        assert was_flying == (number == 3)
        heads = partition.due(clock(), 100).heads
        due |= {delivery_id_text(h.id): [h.due, h.tenant, h.domain, h.octets] for h in heads}
        assert {h.stream for h in heads} <= {"news", "default"}
        messages = await partition.claim(heads)
        claimed = [each for message in messages for each in message.recipients]
        done = [Done(id=each.id, outcome="delivered", attempt=attempt()) for each in claimed]
        await partition.commit(Commit(settled=done))
        delivered += len(done)
    flying = next(each["id"] for each in EXPECTED["entries"] if each["state"] == "in_flight")
    assert {each: due[each] for each in EXPECTED["due"]} == EXPECTED["due"]
    assert set(due) - set(EXPECTED["due"]) == {flying}
    assert delivered == 6
    assert upgraded.administration.summary().recipients == 1  # held


async def test_both_consumers_go_on_where_the_mail_log_was(upgraded: LmdbSpool) -> None:
    assert upgraded.events.consumers() == {"mail_log": 5, "metrics": 5}


@pytest.mark.parametrize("survived", range(10))
async def test_an_upgrade_that_is_killed_at_any_part_goes_on_and_loses_nothing(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    monkeypatch.setattr(schema_1, "PART_RECORDS", 3)
    path = unpack(tmp_path / "queue")
    parts = 0

    def killed(*args: Any) -> bytes | None:
        nonlocal parts
        place = schema_1.step(*args)
        if parts == survived:
            raise ZeroDivisionError
        parts += 1
        return place

    with pytest.raises(ZeroDivisionError):
        QueueEnvironment.open(path, CONFIG, steps={1: killed})
    clock.now = EXPECTED["now"]
    spool = LmdbSpool.open(path, CONFIG, clock)
    try:
        assert await is_all_there(spool)
    finally:
        spool.close()


def test_the_schema_of_the_file_is_what_this_is_about(tmp_path: Path) -> None:
    env = QueueEnvironment.open(unpack(tmp_path / "queue"), CONFIG, current=1)
    with env.read() as txn:
        assert migration.schema_version(txn, env.databases) == 1  # type: ignore[arg-type]
    env.close()
    assert UnixMs(EXPECTED["now"]) > START
