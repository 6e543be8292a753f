"""Mirrors angarium/service/platform/alarms/keeper.py: written with its events, also when there was no room at first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from angarium.alarms.board import Board
from angarium.alarms.catalogue import alarms_of
from angarium.alarms.grouping import Pace, Target
from angarium.alarms.keepsakes import PREFIX, read_kept
from angarium.alarms.reading import Measured, plain
from angarium.alarms.subject import Subject
from angarium.config.schema import Queue
from angarium.queue import AlarmEnded, AlarmRaised, LmdbSpool, QueueFullError, UnixMs
from angarium.service.platform.alarms.keeper import BoardKeeper
from tests.queue.samples import FakeClock

PAUSED = Subject(kind="campaign", name="acme/spring")


class Full:
    """Keepsakes of a disk that has no room for a while."""

    def __init__(self, keepsakes: Any) -> None:
        self.keepsakes = keepsakes
        self.is_full = True

    def read(self, prefix: str) -> dict[str, bytes]:
        found: dict[str, bytes] = self.keepsakes.read(prefix)
        return found

    async def write(self, changes: Mapping[str, bytes | None], events: Sequence[Any] = ()) -> None:
        if self.is_full:
            raise QueueFullError("no room")
        await self.keepsakes.write(changes, events)


async def test_what_is_raised_and_over_is_on_disk_with_its_events_once_there_is_room(
    tmp_path: Path,
) -> None:
    """ABK1."""
    spool = LmdbSpool.open(tmp_path, Queue(partitions=1, min_free_octets=0), FakeClock())
    try:
        board = Board(
            alarms_of(()), [Target(name="ops")], Pace(group_ms=0, remind_ms=0), read_kept({})
        )
        disk = Full(spool.keepsakes)
        keeper = BoardKeeper(board, disk)
        for now, readings in ((1_000_000, [plain(1.0, PAUSED, detail="why")]), (1_015_000, [])):
            measured = {"sender_paused": Measured(readings=readings)}
            change = board.look(measured, UnixMs(now), 10)
            disk.is_full = now == 1_000_000
            await keeper.write(change.keepsakes, change.transitions)
            assert change.notices  # a full disk keeps none back
        raised, ended = [each.event for each in spool.events.read(0, 10)]
        assert isinstance(raised, AlarmRaised)
        assert isinstance(ended, AlarmEnded)
        assert raised.alarm_id == ended.alarm_id
        assert (raised.kind, raised.subject, raised.tenant) == ("campaign", "acme/spring", "acme")
        assert raised.reason == "pauses in force: 1 (why)"
        kept = read_kept(spool.keepsakes.read(PREFIX))
        assert [each.id for each in kept.over] == [raised.alarm_id]
        assert len(kept.pending) == 1
        await keeper.write({})
    finally:
        spool.close()
