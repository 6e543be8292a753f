"""The lake's files in the bucket: brought there, fetched from there, removed from there.

Invariant LB1: a file is let go here only once it is in the bucket, and removed there only once it does not count.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from angarium.config.lake import Lake
from angarium.lake.catalogue import Catalogue
from angarium.lake.folder import Folder
from angarium.lake.model import Gone, LakeAwayError, LakeFile
from angarium.lake.naming import read_name
from angarium.uploads.bucket.client import Bucket, open_bucket_of
from angarium.uploads.model import BucketError, BucketObject, UploadError

TABLE: Final = "lake"
# Ours, in a row: then it is tried later
_AT_ONCE: Final = 100


class BucketCopy:
    """All coroutines raise LakeAwayError: the bucket is away, or says no."""

    def __init__(self, settings: Lake, folder: Folder, catalogue: Catalogue) -> None:
        self._settings = settings
        self._folder = folder
        self._catalogue = catalogue

    async def send(self) -> int:
        """Bring some of what is not there; returns how many files."""
        waiting = await asyncio.to_thread(self._catalogue.unsent, _AT_ONCE)
        if not waiting:
            return 0
        try:
            async with open_bucket_of(TABLE, self._settings) as bucket:
                for each in waiting:
                    await self._send(bucket, each)
        except (BucketError, OSError) as error:
            raise away(error) from error
        return len(waiting)

    async def remove(self, gone: Iterable[Gone]) -> int:
        """Have what does not count any more out of it; the catalogue forgets those. Returns how many."""
        done = 0
        try:
            async with open_bucket_of(TABLE, self._settings) as bucket:
                for each in gone:
                    if each.is_remote:
                        await bucket.remove(self._object(bucket, each.path))
                    await asyncio.to_thread(self._catalogue.removed, each.path)
                    done += 1
        except (BucketError, OSError) as error:
            raise away(error) from error
        return done

    async def fetch(self, files: Iterable[LakeFile]) -> None:
        """Have files here that are only there."""
        try:
            async with open_bucket_of(TABLE, self._settings) as bucket:
                for each in files:
                    await self._fetch(bucket, each)
        except (BucketError, UploadError, OSError) as error:
            raise away(error) from error

    async def _send(self, bucket: Bucket, file: LakeFile) -> None:
        path = self._folder.locate(file.path)
        try:
            await bucket.put(self._object(bucket, file.path).key, path)
        except FileNotFoundError:
            return  # it was written anew meanwhile, and what it became is sent
        if not await asyncio.to_thread(self._catalogue.set_remote, file.id):
            await asyncio.to_thread(self._catalogue.leave_remote, file.path)  # LB1

    async def _fetch(self, bucket: Bucket, file: LakeFile) -> None:
        unfinished = self._folder.unfinished()
        try:
            with await asyncio.to_thread(unfinished.open, "xb") as target:

                async def take(piece: bytes) -> None:
                    await asyncio.to_thread(target.write, piece)

                await bucket.read(self._object(bucket, file.path), "", 0, take)
                size = target.tell()
            if size != file.octets:
                text = (
                    f"{file.path} has {size} octets in the bucket, and {file.octets} were put there"
                )
                raise LakeAwayError(text)
            await asyncio.to_thread(self._folder.finish, unfinished, file.path)
        finally:
            unfinished.unlink(missing_ok=True)
        await asyncio.to_thread(self._catalogue.set_local, file.id, is_local=True)

    def _object(self, bucket: Bucket, path: str) -> BucketObject:
        return BucketObject(bucket=bucket.place.bucket, key=f"{bucket.place.prefix}{path}")


async def has_lake_files(settings: Lake) -> bool:
    """Whether files of a lake are in the bucket, whoever brought them. Raises LakeAwayError."""
    try:
        async with open_bucket_of(TABLE, settings) as bucket:
            async for each in bucket.objects():
                if read_name(each.key.removeprefix(bucket.place.prefix)) is not None:
                    return True
    except (BucketError, OSError) as error:
        raise away(error) from error
    return False


def away(error: Exception) -> LakeAwayError:
    """Say that it is the lake's bucket."""
    if isinstance(error, LakeAwayError):
        return error
    reason = str(getattr(error, "reason", None) or error)
    return LakeAwayError(f"lake.bucket: {reason.removeprefix('uploads.bucket: ')}")
