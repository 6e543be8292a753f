"""What outlives the process beside mail, in both stores."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from angarium.config.schema import Queue
from angarium.queue import LmdbSpool, MessageId, UnixMs, WarmupChanged
from angarium.queue.keepsakes import MAX_NAME_OCTETS, MAX_VALUE_OCTETS
from angarium.queue.memory.spool import MemorySpool
from tests.queue.samples import FakeClock

Reopen = Callable[[], LmdbSpool | MemorySpool]
CONFIG = Queue(partitions=2, map_octets=1 << 17, min_free_octets=0, sync=False)


@pytest.fixture(params=["lmdb", "memory"])
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reopen]:
    """Each call is a new process's look at one queue."""
    spools: list[LmdbSpool | MemorySpool] = []

    def opened() -> LmdbSpool | MemorySpool:
        last = spools[-1] if spools else None
        if isinstance(last, LmdbSpool):
            last.close()
        if isinstance(last, MemorySpool):
            spools.append(last.crash())
        elif request.param == "lmdb":
            spools.append(LmdbSpool.open(tmp_path, CONFIG, FakeClock()))
        else:
            spools.append(MemorySpool(FakeClock(), 2))
        return spools[-1]

    yield opened
    spools[-1].close()


async def test_what_was_written_is_there_for_the_next_process(reopen: Reopen) -> None:
    keepsakes = reopen().keepsakes
    assert keepsakes.read("") == {}
    await keepsakes.write({"warmup/ip2/gmail": b"1", "warmup/ip1/gmail": b"2", "rules/x": b""})
    keepsakes = reopen().keepsakes
    assert keepsakes.read("warmup/") == {"warmup/ip1/gmail": b"2", "warmup/ip2/gmail": b"1"}
    assert list(keepsakes.read("")) == ["rules/x", "warmup/ip1/gmail", "warmup/ip2/gmail"]


async def test_a_name_is_changed_and_removed(reopen: Reopen) -> None:
    keepsakes = reopen().keepsakes
    await keepsakes.write({"a": b"1", "b": b"1"})
    await keepsakes.write({"a": None, "b": b"2", "never": None})
    assert reopen().keepsakes.read("") == {"b": b"2"}


async def test_events_stand_or_fall_with_what_they_tell_of(reopen: Reopen) -> None:
    event = WarmupChanged(
        at=UnixMs(5),
        message_id=MessageId(b""),
        source="ip2",
        provider="gmail",
        act="hold",
        day=3,
        actor="root",
        reason="",
    )
    spool = reopen()
    with pytest.raises(ValueError, match="octets"):
        await spool.keepsakes.write({"": b"1"}, [event])
    await spool.keepsakes.write({"a": b"1"}, [event])
    positions = spool.events.read(0, 10)
    assert [each.event for each in positions] == [event]


@pytest.mark.parametrize(
    "changes",
    [{"": b"x"}, {"n" * (MAX_NAME_OCTETS + 1): b"x"}, {"n": b"x" * (MAX_VALUE_OCTETS + 1)}],
)
async def test_what_is_too_large_is_refused_with_all_beside_it(
    reopen: Reopen, changes: dict[str, bytes]
) -> None:
    keepsakes = reopen().keepsakes
    with pytest.raises(ValueError, match="octets"):
        await keepsakes.write({"good": b"1", **changes})
    assert keepsakes.read("") == {}
