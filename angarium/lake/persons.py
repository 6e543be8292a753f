"""One person's address in the lake: what there is about it, and having it out of all files, here and in the bucket.

For who exports or erases a person's data. Blocks, for as long as reading all files takes: in a thread.
"""

import asyncio
import contextlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from angarium.config.schema import Config
from angarium.lake.bucket_copy import BucketCopy
from angarium.lake.catalogue import Catalogue
from angarium.lake.columns import COLUMNS
from angarium.lake.engine import Engine, read_files, text
from angarium.lake.folder import Folder, lake_folder, translating
from angarium.lake.model import LakeAwayError, LakeFile, NewFile
from angarium.lake.naming import read_name

ERASED: Final = "erased:"
_TEXTS: Final = tuple(each.name for each in COLUMNS if each.personal == "text")
# Of a row that is another one's and only has the address in a text
_COMMON: Final = ("sequence", "era", "ts", "event", "tenant")
# What an address ends before and begins behind: "notbob@example.com" and "bob@example.com.au" are others'
_BEFORE: Final = "(^|[^a-z0-9._+-])"
_BEHIND: Final = "($|[^a-z0-9.-]|[.]($|[^a-z0-9-]))"


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    files: int  # that were written anew
    rows: int  # that had the address


def find(config: Config, address: str, tenant: str | None = None) -> Iterator[Mapping[str, object]]:
    """Yield the rows about an address, or that have it in a text, oldest file first; keys are the columns' names.

    Without regard to case. Of a row that is about somebody else there is only what has the address. Yields nothing
    where there is no lake. ``tenant``: only of its rows; None: of all. Raises LakeAwayError (an OSError).
    """
    wanted = _Wanted(address, tenant)
    with _opened(config) as lake:
        if lake is None:
            return
        for file in lake.catalogue.files():
            with lake.here(file) as path:
                sql = f"SELECT * FROM {read_files([path])} WHERE {wanted.condition}"  # noqa: S608
                for row in lake.engine.stream(sql):
                    yield wanted.own(row)


def erase(
    config: Config, address: str, tenant: str | None = None, token: str | None = None
) -> Erased:
    """Write the files that have it anew, without it.

    Rows stay, so that they are counted: the address becomes ``token`` (None: a number that says nothing, another one in
    each file), its domain stays, texts that have it become null. ``tenant``: only in its rows; None: in all.
    On disk on return, and out of the bucket; after a crash it can be done again. Files are exchanged one by one, and a
    reader sees each before or after.

    What of the event log is not in the lake yet (``lake.flush_s`` at most) comes later: erase it there first.
    Raises LakeAwayError (an OSError): some files may be done.
    """
    wanted = _Wanted(address, tenant, token)
    files = rows = 0
    with _opened(config) as lake:
        if lake is None:
            return Erased(files=0, rows=0)
        done: set[int] = set()
        # Again for what came meanwhile: what is written, and what others have compacted
        while left := [each for each in lake.catalogue.files() if each.id not in done]:
            for known in left:
                done.add(known.id)
                with lake.folder.rewriting():
                    file = lake.catalogue.find(known.id)
                    found = 0 if file is None else _rewrite(lake, file, wanted)
                files += bool(found)
                rows += found
        lake.remove_gone()
    return Erased(files=files, rows=rows)


class _Wanted:
    """Which rows an address is in, in SQL; and what they are without it."""

    def __init__(self, address: str, tenant: str | None, token: str | None = None) -> None:
        self._token = token
        self._address = address.lower()
        if not self._address:
            raise LakeAwayError("no address was given")
        self._is_theirs = "true" if tenant is None else f"coalesce(tenant = {text(tenant)}, false)"
        same = f"coalesce(lower(recipient) = {text(self._address)}, false)"
        self._is_recipient = f"({self._is_theirs} AND {same})"
        listed = (
            f"list_contains(list_transform(addresses, lambda x: lower(x)), {text(self._address)})"
        )
        self._is_listed = f"coalesce({listed}, false)"
        mentions = [f"coalesce({self._mentions(each)}, false)" for each in _TEXTS]
        anywhere = " OR ".join((self._is_recipient, self._is_listed, *mentions))
        self.condition: Final = f"{self._is_theirs} AND ({anywhere})"
        spellings = [re.escape(each) for each in self._spellings()]
        self._pattern = re.compile(f"{_BEFORE}({'|'.join(spellings)}){_BEHIND}")

    def without(self) -> str:
        """Return what is selected in its place."""
        put = text(self._token or f"{ERASED}{secrets.token_hex(8)}")
        listed = f"CASE WHEN {self._is_theirs} AND lower(x) = {text(self._address)} THEN {put} ELSE x END"
        parts = [
            f"CASE WHEN {self._is_recipient} THEN {put} ELSE recipient END AS recipient",
            f"list_transform(addresses, lambda x: {listed}) AS addresses",
            *(
                f"CASE WHEN {self._is_recipient}"
                f" OR ({self._is_theirs} AND coalesce({self._mentions(each)}, false))"
                f" THEN NULL ELSE {each} END AS {each}"
                for each in _TEXTS
            ),
        ]
        return f"* REPLACE ({', '.join(parts)})"

    def own(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """Return of a row what is about the address, and about nobody else."""
        if str(row["recipient"] or "").lower() == self._address:
            return row
        listed = [each for each in _strings(row["addresses"]) if each.lower() == self._address]
        if listed:
            return {**row, "addresses": listed}
        mentioned = {name: row[name] for name in _TEXTS if self._is_in(row[name])}
        return {name: row[name] for name in _COMMON} | mentioned

    def _is_in(self, value: object) -> bool:
        return isinstance(value, str) and self._pattern.search(value.lower()) is not None

    def _spellings(self) -> list[str]:
        """As it stands in a text, in JSON, and in a URL."""
        in_json = json.dumps(self._address, ensure_ascii=False)[1:-1]
        found = (
            self._address,
            in_json,
            quote(self._address).lower(),
            quote(self._address, safe="").lower(),
        )
        return list(dict.fromkeys(found))

    def _mentions(self, column: str) -> str:
        """First by what costs little."""
        tried = []
        for each in self._spellings():
            pattern = f"{_BEFORE}{re.escape(each)}{_BEHIND}"
            tried.append(
                f"contains(lower({column}), {text(each)})"
                f" AND regexp_matches(lower({column}), {text(pattern)})"
            )
        return "(" + " OR ".join(f"({each})" for each in tried) + ")"


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


def _rewrite(lake: _Lake, file: LakeFile, wanted: _Wanted) -> int:
    """Return how many of a file's rows had the address; 0: it is as it was."""
    with lake.here(file) as path:
        sql = f"SELECT count(*) FROM {read_files([path])} WHERE {wanted.condition}"  # noqa: S608
        found = int(lake.engine.ask(sql)[0][0])
        if not found:
            return 0
        name = read_name(file.path)
        assert name is not None
        name = msgspec.structs.replace(name, revision=file.revision + 1)
        queue = next(each.queue for each in lake.catalogue.eras() if each.id == file.era)
        unfinished = lake.folder.unfinished()
        try:
            select = f"SELECT {wanted.without()} FROM {read_files([path])}"  # noqa: S608
            lake.engine.write_select(select, unfinished, queue)
            with translating(lake.folder.path):
                octets = lake.folder.finish(unfinished, name.path)
        finally:
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
    lake.catalogue.replace([file], [new], time.time_ns() // 1_000_000, 0)
    return found


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
