"""Makes one file of the many of an hour that has passed: in order, and of each tenant that has much its own. Blocks.

Invariant LCP1: what a reader sees of an hour is the old files or the new ones, never both or neither: the catalogue
changes in one transaction, and the old files stay until whoever read it before has ended.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine, text
from angarium.lake.folder import Folder
from angarium.lake.model import HOUR_MS, LakeFile, NewFile
from angarium.lake.naming import FileName

# Ours: a tenant with so many rows in an hour has a file of its own, which is read without a look at those of others
OWN_ROWS: Final = 5_000
# Ours: what comes late to an hour waits for others of the kind, or a day
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
                done += self._merge(old, now_ms)
        return done

    def _is_due(self, hour: int, now_ms: int) -> bool:
        files = self._catalogue.files(hour, hour + 1)
        parts = [each for each in files if each.is_part]
        if len(parts) == len(files) or len(parts) >= _LATE_PARTS:
            return True
        return now_ms - self._catalogue.newest_part_ms(hour) >= _LATE_MS

    def _merge(self, old: Sequence[LakeFile], now_ms: int) -> int:
        new = _Merging(self._folder, self._engine, self._queue(old[0].era), old).run()
        if not self._catalogue.replace(old, new, now_ms, now_ms + KEPT_MS):  # LCP1
            for each in new:
                self._folder.remove(each.path)
            return 0
        return len(old)

    def _queue(self, era: int) -> bytes:
        return next(each.queue for each in self._catalogue.eras() if each.id == era)


class _Merging:
    """Of files of one hour and era: what is made has its name, and does not count yet."""

    def __init__(
        self, folder: Folder, engine: Engine, queue: bytes, old: Sequence[LakeFile]
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._queue = queue
        self._paths = [folder.locate(each.path) for each in old]
        self._name = FileName(
            hour=old[0].hour,
            era=old[0].era,
            first=min(each.first for each in old),
            last=max(each.last for each in old),
            revision=1 + max(each.revision for each in old),
        )
        self._made: list[NewFile] = []

    def run(self) -> list[NewFile]:
        tenants = self._engine.tenants(self._paths)
        own = [each for each in tenants if each[0] is not None and each[1] >= OWN_ROWS]
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
