"""Looks at all files of a lake, in its folder and in its bucket, for who makes a catalogue of them. Blocks between
requests to the bucket: nobody else is on its loop.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from angarium.config.lake import Lake
from angarium.lake.bucket_copy import TABLE, away
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, translating
from angarium.lake.glimpse import glimpse
from angarium.lake.naming import read_name
from angarium.lake.rebuilding import Rebuilding
from angarium.lake.rebuilt import There
from angarium.uploads.bucket.client import Bucket, open_bucket_of
from angarium.uploads.model import BucketError, BucketObject, UploadError

# Ours: names of what is nobody's of ours that are told; all are counted
NAMED: Final = 100


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """What is there and is not named as a lake's files are: it stays, and nobody looks into it."""

    count: int
    names: tuple[str, ...]  # the first of them


class Stocktaking:
    def __init__(self, folder: Folder, engine: Engine, rebuilding: Rebuilding) -> None:
        self._folder = folder
        self._engine = engine
        self._rebuilding = rebuilding
        self._others: list[str] = []
        self._count = 0

    def here(self) -> None:
        """Look at those in the folder. Raises LakeAwayError."""
        for path in self._folder.names():
            self._look_here(path, None)

    async def everywhere(self, settings: Lake, tell: Callable[[int, int], None]) -> Others:
        """Look at those in the folder, and in the bucket where there is one. ``tell``: how many, and of how many.

        Raises LakeAwayError: also where the bucket is away.
        """
        with translating(self._folder.path):
            here = self._folder.names()
            for each in self._folder.others():
                self._name(each)
        if settings.bucket is None:
            for done, path in enumerate(here, 1):
                self._look_here(path, None)
                tell(done, len(here))
        else:
            try:
                async with open_bucket_of(TABLE, settings) as bucket:
                    await self._both(bucket, here, tell)
            except (BucketError, UploadError) as error:
                raise away(error) from error
        return Others(count=self._count, names=tuple(self._others))

    async def _both(
        self, bucket: Bucket, here: list[str], tell: Callable[[int, int], None]
    ) -> None:
        there: dict[str, int] = {}
        async for each in bucket.objects():
            path = each.key.removeprefix(bucket.place.prefix)
            if read_name(path) is None:
                self._name(f"{bucket.place.bucket}: {each.key}")
            else:
                there[path] = each.size
        paths = sorted({*here, *there})
        local = set(here)
        for done, path in enumerate(paths, 1):
            size = there.get(path)
            is_known = path in local and self._look_here(path, size)
            if not is_known and size is not None:
                await self._look_there(bucket, path, size)
            tell(done, len(paths))

    def _look_here(self, path: str, size_there: int | None) -> bool:
        at = self._folder.locate(path)
        with translating(at):
            octets = at.stat().st_size
            # What has another size there is broken, or older: it is brought there again
            there = There(path=path, octets=octets, is_local=True, is_remote=size_there == octets)
            return self._rebuilding.examine(there, at)

    async def _look_there(self, bucket: Bucket, path: str, size: int) -> None:
        what = BucketObject(bucket=bucket.place.bucket, key=f"{bucket.place.prefix}{path}")
        there = There(path=path, octets=size, is_local=False, is_remote=True)
        with translating(self._folder.path):
            async with glimpse(bucket, what, size, self._folder, self._engine) as at:
                self._rebuilding.examine(there, at)

    def _name(self, name: str) -> None:
        self._count += 1
        if len(self._others) < NAMED:
            self._others.append(name)
