"""One person in the lake: what there is about them, and having them out of all files, here and in the bucket.

For who exports or erases a person's data. Blocks, for as long as reading all files takes: in a thread.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from angarium.config.schema import Config
from angarium.lake.bucket_copy import BucketCopy
from angarium.lake.catalogue import Catalogue
from angarium.lake.columns import COLUMNS
from angarium.lake.engine import Engine, read_files, text
from angarium.lake.folder import Folder, lake_folder, translating
from angarium.lake.model import LakeAwayError, LakeFile, NewFile
from angarium.lake.naming import read_name
from angarium.lake.person_rows import IS_READER, PERSONAL, own, without
from angarium.queue.person import Person
from angarium.queue.wall_clock import wall_clock

# Of a file with the number of each row, so that rows are found again by it
_NUMBER: Final = "file_row_number"
_NAMES: Final = ", ".join(each.name for each in COLUMNS)
_CHANGED: Final = ", ".join(
    ["number: 'BIGINT'", *(f"{each.name}: '{each.type}'" for each in PERSONAL)]
)
_REPLACED: Final = ", ".join(
    f"CASE WHEN new.number IS NULL THEN old.{each.name} ELSE new.{each.name} END AS {each.name}"
    for each in PERSONAL
)
_COLUMNS: Final = ", ".join(["event", *(each.name for each in PERSONAL)])
# Places that are noted at once
_LOT: Final = 1000
_encode: Final = msgspec.json.Encoder().encode


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    files: int  # that were written anew
    rows: int  # that had the address


def find(config: Config, person: Person, tenant: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows about a person, or that have their address in a text, oldest file first, by the columns' names.

    Of a row that is about somebody else there is only what has the address. Yields nothing where there is no lake.
    ``tenant``: only of its rows; None: of all. Raises LakeAwayError (an OSError).
    """
    with _opened(config) as lake:
        if lake is None:
            return
        search = _Search(lake.engine, person, tenant)
        for file in lake.catalogue.files():
            with lake.here(file) as path:
                for row, _ in search.changes(path, _NAMES):
                    yield own(row, person)


def erase(config: Config, person: Person, tenant: str | None = None) -> Erased:
    """Write the files that have the person anew, without them.

    Rows stay, so that they are counted; ``person_rows`` says what becomes of each. ``tenant``: only in its rows; None:
    in all. On disk on return, and out of the bucket; after a crash it can be done again. Files are exchanged one by
    one, and a reader sees each before or after.

    What of the event log is not in the lake yet (``lake.flush_s`` at most) comes later: erase it there first.
    Raises LakeAwayError (an OSError): some files may be done.
    """
    files = rows = 0
    with _opened(config) as lake:
        if lake is None:
            return Erased(files=0, rows=0)
        search = _Search(lake.engine, person, tenant)
        done: set[int] = set()
        # Again for what came meanwhile: what is written, and what others have compacted
        while left := [each for each in lake.catalogue.files() if each.id not in done]:
            for known in left:
                done.add(known.id)
                with lake.folder.rewriting():
                    file = lake.catalogue.find(known.id)
                    found = 0 if file is None else _rewrite(lake, file, search)
                files += bool(found)
                rows += found
        lake.remove_gone()
        with translating(lake.folder.path):
            lake.folder.clear_left(wall_clock())
    return Erased(files=files, rows=rows)


class _Search:
    """Goes through files, the oldest first, and remembers of which messages the person is which recipient: who fetched
    something is named by that alone.
    """

    def __init__(self, engine: Engine, person: Person, tenant: str | None) -> None:
        self._engine = engine
        self._person = person
        self._is_theirs = "true" if tenant is None else f"coalesce(tenant = {text(tenant)}, false)"
        engine.ask("CREATE TEMP TABLE place (message_id UUID, recipient_index INTEGER)")

    def changes(self, path: Path, columns: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield rows that have the person, and their personal columns without."""
        self._note_places(path)
        rows = read_files([path], has_row_numbers=True)
        # A superset, by what costs little
        sql = (
            f"SELECT {columns}, {_NUMBER}, {self._is_reader()} AS {IS_READER} FROM {rows} AS told"  # noqa: S608
            f" WHERE {self._is_theirs} AND ({IS_READER} OR {self._has_token()} OR {self._may_have()})"
        )
        for row in self._engine.stream(sql):
            after = without(row, self._person)
            if after is not None:
                number = row.pop(_NUMBER)
                yield row, {"number": number, **after}

    def _note_places(self, path: Path) -> None:
        sql = (
            "SELECT DISTINCT message_id, recipient_index, recipient, addresses"  # noqa: S608
            f" FROM {read_files([path])} WHERE {self._is_theirs} AND message_id IS NOT NULL"
            f" AND ({self._has_token()} OR {self._may_have('recipient', 'addresses')})"
        )
        places = [
            f"({text(row['message_id'])}, {at})"
            for row in self._engine.stream(sql)
            for at in self._indexes(row)
        ]
        for start in range(0, len(places), _LOT):
            lot = ", ".join(places[start : start + _LOT])
            self._engine.ask(f"INSERT INTO place VALUES {lot}")  # noqa: S608

    def _indexes(self, row: dict[str, Any]) -> Iterator[int]:
        known = self._person.is_known_as
        if row["recipient_index"] is not None and known(row["recipient"] or ""):
            yield row["recipient_index"]
        for at, each in enumerate(row["addresses"] or ()):
            if known(each):
                yield at

    def _is_reader(self) -> str:
        return (
            "event = 'fetched' AND client IS NOT NULL AND EXISTS (SELECT 1 FROM place WHERE"
            " place.message_id = told.message_id AND place.recipient_index = told.recipient_index)"
        )

    def _has_token(self) -> str:
        token = text(self._person.token)
        return f"coalesce(recipient = {token}, false) OR coalesce(list_contains(addresses, {token}), false)"

    def _may_have(self, *names: str) -> str:
        needle = self._person.needle
        if not needle:
            return "true"
        tried: list[str] = []
        for each in PERSONAL:
            if names and each.name not in names:
                continue
            is_list = each.type.endswith("[]")
            words = f"array_to_string({each.name}, ' ')" if is_list else each.name
            tried.append(f"coalesce(contains(lower({words}), {text(needle)}), false)")
        return " OR ".join(tried)


class _Lake:
    def __init__(
        self, config: Config, folder: Folder, catalogue: Catalogue, engine: Engine
    ) -> None:
        self._settings = config.lake
        self.folder = folder
        self.catalogue = catalogue
        self.engine = engine

    @contextlib.contextmanager
    def here(self, file: LakeFile) -> Iterator[Path]:
        """Have it here for as long, wherever it is."""
        path = self.folder.locate(file.path)
        fetched = not path.exists()
        if fetched:
            if not file.is_remote:
                raise LakeAwayError(f"{path} is not there: postmaster lake verify says more")
            self._run(lambda copy: copy.fetch([file]))
        try:
            yield path
        finally:
            if fetched and not file.is_local:
                self.catalogue.set_local(file.id, is_local=False)
                self.folder.remove(file.path)

    def remove_gone(self) -> None:
        """Files that do not count any more still have the address: they go at once, from readers too."""
        gone = self.catalogue.gone()
        with translating(self.folder.path):
            for each in gone:
                self.folder.remove(each.path)
        if self._settings.bucket is None:
            for each in gone:
                if not each.is_remote:  # else tending says where it was left
                    self.catalogue.removed(each.path)
            return
        self._run(_send_all)
        self._run(lambda copy: copy.remove(gone))

    def _run(self, work: Callable[[BucketCopy], Awaitable[object]]) -> None:
        copy = BucketCopy(self._settings, self.folder, self.catalogue)

        async def main() -> None:
            await work(copy)

        asyncio.run(main())


async def _send_all(copy: BucketCopy) -> None:
    more = 1
    while more:
        more = await copy.send()


@contextlib.contextmanager
def _opened(config: Config) -> Iterator[_Lake | None]:
    folder = Folder(lake_folder(config))
    if not folder.has_catalogue:
        yield None
        return
    folder.make()
    engine = Engine(folder.unfinished())
    try:
        catalogue = Catalogue(folder.path)
        try:
            yield _Lake(config, folder, catalogue, engine)
        finally:
            catalogue.close()
    finally:
        engine.close()


def _rewrite(lake: _Lake, file: LakeFile, search: _Search) -> int:
    """Return how many of a file's rows had the person; 0: it is as it was."""
    changes, unfinished = lake.folder.unfinished(), lake.folder.unfinished()
    name = read_name(file.path)
    assert name is not None
    name = msgspec.structs.replace(name, revision=file.revision + 1)
    queue = next(each.queue for each in lake.catalogue.eras() if each.id == file.era)
    try:
        with lake.here(file) as path, translating(lake.folder.path):
            found = 0
            with changes.open("xb") as lines:
                for _, after in search.changes(path, _COLUMNS):
                    lines.write(_encode(after) + b"\n")
                    found += 1
            if not found:
                return 0
            lake.engine.write_select(_with_changes(path, changes), unfinished, queue)
            octets = lake.folder.finish(unfinished, name.path)
    finally:
        changes.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
    new = NewFile(
        path=name.path,
        hour=file.hour,
        hours=file.hours,
        era=file.era,
        first=file.first,
        last=file.last,
        rows=file.rows,
        octets=octets,
        tenant=file.tenant,
        revision=name.revision,
        is_part=file.is_part,
    )
    lake.catalogue.replace([file], [new], wall_clock(), 0)
    return found


def _with_changes(path: Path, changes: Path) -> str:
    lines = f"read_json({text(changes)}, format = 'newline_delimited', columns = {{{_CHANGED}}})"
    rows = read_files([path], has_row_numbers=True)
    return (
        f"SELECT old.* EXCLUDE ({_NUMBER}) REPLACE ({_REPLACED}) FROM {rows} AS old"  # noqa: S608
        f" LEFT JOIN {lines} AS new ON new.number = old.{_NUMBER} ORDER BY old.{_NUMBER}"
    )
