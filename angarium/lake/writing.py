"""Makes files of events: rows wait in memory until they are many or old enough, and then go to disk together. Blocks.

Invariant LW1: files get their names before the catalogue counts them, and the catalogue is durable before anything is
acknowledged to the queue: so whatever is killed, each event counts once.
Invariant LW2: of what is up to the position already, an event is written where it is in a hole of the catalogue, and
only there; what is in a hole and does not come, as the log has it no more, counts as skipped.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder
from angarium.lake.holes import Holes
from angarium.lake.model import HOUR_MS, Era, NewFile
from angarium.lake.naming import FileName, newest_revision
from angarium.lake.rows import UNKNOWN, Labels, row_of
from angarium.queue.event_log import Position
from angarium.queue.model import MessageId

_encoder: Final = msgspec.json.Encoder()


class _Part:
    """Rows of one hour that wait."""

    __slots__ = ("fills", "first", "last", "lines", "rows", "tenants")

    def __init__(self, first: int) -> None:
        self.fills = False  # something that others were to have
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
        self._holes = Holes(())

    @property
    def position(self) -> int:
        """All up to here is in files."""
        return 0 if self._era is None else self._era.position

    def begin(self, queue: bytes, newest: int) -> int:
        """Go on with the queue of this identity, whose last event is ``newest``; return behind which event.

        That is the position, or before the first hole (LW2).

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
        self._holes = Holes([(each.first, each.last) for each in self._catalogue.holes(era.id)])
        first = self._holes.first
        return era.position if first is None else min(first - 1, era.position)

    def add(self, batch: Sequence[Position], labels: Mapping[MessageId, Labels]) -> None:
        """Have rows wait. Those that wait already, or are in files, are passed over."""
        assert self._era is not None
        for each in batch:
            is_in_hole = self._holes.reach(each.sequence)  # LW2
            if is_in_hole:
                self._append(each, labels.get(each.event.message_id, UNKNOWN), fills=True)
                continue
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
        if self._ahead == era.position and not self._holes.is_ahead:
            return 0
        files = [self._write(hour, part, era) for hour, part in self._parts.items()]
        reached = msgspec.structs.replace(
            era,
            start=self._start,
            position=self._ahead,
            skipped=self._skipped + self._holes.missed,
        )
        filled = self._holes.reached if self._holes.is_ahead else None
        self._catalogue.append(reached, files, now_ms, filled)  # LW1
        written = self.waiting
        self._holes.keep()
        self._take(reached)
        return written

    def give_up(self) -> int:
        """Forget what waits, and return up to where: what comes next says that it was skipped."""
        ahead = max(self._ahead, self._holes.reached)
        self._holes.undo()
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

    def _append(self, position: Position, labels: Labels, *, fills: bool = False) -> None:
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
        part.fills |= fills
        part.tenants.add(row.tenant)
        self.waiting += 1
        self.octets += len(part.lines) - before

    def _write(self, hour: int, part: _Part, era: Era) -> NewFile:
        name = FileName(
            hour=hour,
            first=part.first,
            last=part.last,
            era=era.id,
            revision=self._revision(hour, era) if part.fills else 0,
        )
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
            revision=name.revision,
            is_part=True,
        )

    def _revision(self, hour: int, era: Era) -> int:
        """Return one that is newer than what there is of the hour, which is not what these rows were made of (LN1)."""
        there = [each.path for each in self._catalogue.files(hour, hour + 1)]
        there += [each.path for each in self._catalogue.untouched()]
        there += [each.path for each in self._catalogue.gone()]
        return 1 + newest_revision(there, hour, era.id)
