"""Makes files of events: rows wait in memory until they are many or old enough, and then go to disk together. Blocks.

Invariant LW1: files get their names before the catalogue counts them, and the catalogue is durable before anything is
acknowledged to the queue: so whatever is killed, each event counts once.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder
from angarium.lake.model import HOUR_MS, Era, NewFile
from angarium.lake.naming import FileName
from angarium.lake.rows import UNKNOWN, Labels, row_of
from angarium.queue.event_log import Position
from angarium.queue.model import MessageId

_encoder: Final = msgspec.json.Encoder()


class _Part:
    """Rows of one hour that wait."""

    __slots__ = ("first", "last", "lines", "rows", "tenants")

    def __init__(self, first: int) -> None:
        self.first = first
        self.last = first
        self.rows = 0
        self.lines = bytearray()
        self.tenants: set[str | None] = set()


class LakeWriter:
    def __init__(self, folder: Folder, catalogue: Catalogue, engine: Engine) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._engine = engine
        self._era: Era | None = None
        self._parts: dict[int, _Part] = {}
        self.waiting = 0  # rows
        self.octets = 0  # that they take
        self._ahead = 0  # position with them
        self._skipped = 0
        self._start: int | None = None

    @property
    def position(self) -> int:
        """All up to here is in files."""
        return 0 if self._era is None else self._era.position

    def begin(self, queue: bytes, newest: int) -> int:
        """Go on with the queue of this identity, whose last event is ``newest``; return the position.

        Another queue, or one that is older than what is in files already, begins an era: its numbers are used again.
        What was written of the one before did happen, and stays. Raises LakeAwayError.
        """
        eras = self._catalogue.eras()
        era = eras[-1] if eras else None
        if era is None or era.queue != queue:
            era = self._catalogue.begin_era(queue, 0)
        elif era.position > newest:
            era = self._catalogue.begin_era(queue, newest)
        self._take(era)
        return era.position

    def add(self, batch: Sequence[Position], labels: Mapping[MessageId, Labels]) -> None:
        """Have rows wait. Those that wait already, or are in files, are passed over."""
        assert self._era is not None
        for each in batch:
            if each.sequence <= self._ahead:  # LW1
                continue
            if self._start is None:
                self._start = each.sequence - 1
            else:
                self._skipped += each.sequence - self._ahead - 1
            self._ahead = each.sequence
            self._append(each, labels.get(each.event.message_id, UNKNOWN))

    def flush(self, now_ms: int) -> int:
        """Write what waits; returns how many rows. Raises LakeAwayError, OSError: they wait on."""
        era = self._era
        assert era is not None
        if self._ahead == era.position:
            return 0
        files = [self._write(hour, part, era) for hour, part in self._parts.items()]
        reached = msgspec.structs.replace(
            era, start=self._start, position=self._ahead, skipped=self._skipped
        )
        self._catalogue.append(reached, files, now_ms)  # LW1
        written = self.waiting
        self._take(reached)
        return written

    def give_up(self) -> int:
        """Forget what waits, and return up to where: what comes next says that it was skipped."""
        ahead = self._ahead
        self._take(msgspec.structs.replace(self._known(), position=self._known().position))
        return ahead

    def _known(self) -> Era:
        assert self._era is not None
        return self._era

    def _take(self, era: Era) -> None:
        self._era = era
        self._parts = {}
        self.waiting = self.octets = 0
        self._ahead = era.position
        self._skipped = era.skipped
        self._start = era.start

    def _append(self, position: Position, labels: Labels) -> None:
        row = row_of(position, self._known().id, labels)
        hour = row.ts // HOUR_MS
        part = self._parts.get(hour)
        if part is None:
            part = self._parts[hour] = _Part(position.sequence)
        before = len(part.lines)
        _encoder.encode_into(row, part.lines, before)
        part.lines += b"\n"
        part.last = position.sequence
        part.rows += 1
        part.tenants.add(row.tenant)
        self.waiting += 1
        self.octets += len(part.lines) - before

    def _write(self, hour: int, part: _Part, era: Era) -> NewFile:
        name = FileName(hour=hour, first=part.first, last=part.last, era=era.id)
        unfinished = self._folder.unfinished()
        try:
            self._engine.write_lines(part.lines, unfinished, era.queue)
            octets = self._folder.finish(unfinished, name.path)  # LW1
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        return NewFile(
            path=name.path,
            hour=hour,
            hours=1,
            era=era.id,
            first=part.first,
            last=part.last,
            rows=part.rows,
            octets=octets,
            tenant=next(iter(part.tenants)) if len(part.tenants) == 1 else None,
            revision=0,
            is_part=True,
        )
