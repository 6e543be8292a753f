"""Makes one file of the many of an hour that has passed, and of those of a day: in order, and of each tenant that has
much its own. Blocks.

Invariant LCP1: what a reader sees of an hour or a day is the old files or the new ones, never both or neither: the
catalogue changes in one transaction, and the old files stay until whoever read it before has ended.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine, text
from angarium.lake.folder import Folder
from angarium.lake.model import DAY_HOURS, HOUR_MS, DayOfHours, LakeFile, NewFile
from angarium.lake.naming import FileName

# Ours: a tenant with so many rows an hour has a file of its own, which is read without a look at those of others
OWN_ROWS: Final = 5_000
# Ours: a day's last hour was compacted by then, and what comes late came
_DAY_AFTER_MS: Final = 2 * HOUR_MS
# Ours: what comes late to an hour or day waits for others of the kind, or a day
_LATE_PARTS: Final = 16
_LATE_MS: Final = 24 * HOUR_MS
# Readers of the catalogue as it was have ended by then: a question takes minutes at most
KEPT_MS: Final = 15 * 60_000


class Compaction:
    def __init__(self, folder: Folder, catalogue: Catalogue, engine: Engine) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._engine = engine

    def due(self, now_ms: int, after_ms: int) -> list[int]:
        """Return the hours that are to be compacted, the oldest first."""
        passed = (now_ms - after_ms) // HOUR_MS
        return [
            hour for hour in self._catalogue.hours_with_parts(passed) if self._is_due(hour, now_ms)
        ]

    def compact(self, hour: int, now_ms: int) -> int:
        """Return how many files became fewer. Raises LakeAwayError, OSError: nothing was changed."""
        done = 0
        with self._folder.rewriting():
            files = [each for each in self._catalogue.files(hour, hour + 1) if each.is_part]
            for era in sorted({each.era for each in files}):
                old = [each for each in files if each.era == era]
                done += self._merge(old, now_ms, hour, 1)
        return done

    def due_days(self, now_ms: int, after_ms: int) -> list[DayOfHours]:
        """Return the days whose files of hours are to become one, the oldest first."""
        passed = (now_ms - after_ms - _DAY_AFTER_MS) // HOUR_MS
        return [
            each
            for each in self._catalogue.days_with_hours(passed)
            if not each.is_late or each.files >= _LATE_PARTS or now_ms - each.newest_ms >= _LATE_MS
        ]

    def compact_day(self, day: DayOfHours, now_ms: int) -> int:
        """As ``compact``. The day's own file, if there is one, stays: what came later gets another one."""
        with self._folder.rewriting():
            old = [
                each
                for each in self._catalogue.files(day.hour, day.hour + DAY_HOURS)
                if each.era == day.era and each.hours == 1
            ]
            if not old or not all(each.is_local for each in old):
                return 0  # somebody was here before
            return self._merge(old, now_ms, day.hour, DAY_HOURS)

    def _is_due(self, hour: int, now_ms: int) -> bool:
        files = self._catalogue.files(hour, hour + 1)
        parts = [each for each in files if each.is_part]
        if len(parts) == len(files) or len(parts) >= _LATE_PARTS:
            return True
        return now_ms - self._catalogue.newest_part_ms(hour) >= _LATE_MS

    def _merge(self, old: Sequence[LakeFile], now_ms: int, hour: int, hours: int) -> int:
        name = FileName(
            hour=hour,
            hours=hours,
            era=old[0].era,
            first=min(each.first for each in old),
            last=max(each.last for each in old),
            revision=1 + max(each.revision for each in old),
        )
        paths = [self._folder.locate(each.path) for each in old]
        queue = self._queue(name.era)
        new = _Merging(self._folder, self._engine, queue, paths, name).run()
        if not self._catalogue.replace(old, new, now_ms, now_ms + KEPT_MS):  # LCP1
            for each in new:
                self._folder.remove(each.path)
            return 0
        return len(old)

    def _queue(self, era: int) -> bytes:
        return next(each.queue for each in self._catalogue.eras() if each.id == era)


class _Merging:
    """Of files of one hour or day and one era: what is made has its name, and does not count yet."""

    def __init__(
        self, folder: Folder, engine: Engine, queue: bytes, paths: Sequence[Path], name: FileName
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._queue = queue
        self._paths = paths
        self._name = name
        self._made: list[NewFile] = []

    def run(self) -> list[NewFile]:
        tenants = self._engine.tenants(self._paths)
        much = OWN_ROWS * self._name.hours
        own = [each for each in tenants if each[0] is not None and each[1] >= much]
        if len(tenants) == 1 and tenants[0][0] is not None:
            own = tenants
        rest = [each for each in tenants if each not in own]
        self._name = msgspec.structs.replace(self._name, pieces=len(own) + bool(rest))
        try:
            for tenant, rows, _, _ in own:
                self._make(f"tenant = {text(str(tenant))}", rows, tenant)
            if rest:
                named = ", ".join(text(str(each[0])) for each in own)
                others = f"tenant IS NULL OR tenant NOT IN ({named})" if own else "true"
                self._make(others, sum(each[1] for each in rest), None)
        except BaseException:
            for each in self._made:
                self._folder.remove(each.path)
            raise
        return self._made

    def _make(self, where: str, rows: int, tenant: str | None) -> None:
        name = msgspec.structs.replace(self._name, piece=len(self._made) + 1)
        unfinished = self._folder.unfinished()
        try:
            self._engine.write_rows(self._paths, where, unfinished, self._queue)
            octets = self._folder.finish(unfinished, name.path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        self._made.append(
            NewFile(
                path=name.path,
                hour=name.hour,
                hours=name.hours,
                era=name.era,
                first=name.first,
                last=name.last,
                rows=rows,
                octets=octets,
                tenant=tenant,
                revision=name.revision,
                is_part=False,
            )
        )
