"""Has a file of a bucket on our disk: verified, and continued where it broke off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from angarium.uploads.bucket.answers import Stored
from angarium.uploads.bucket.client import Bucket, BucketAwayError
from angarium.uploads.model import (
    Upload,
    UploadMissingError,
    WrongContentError,
)
from angarium.uploads.store import UploadStore
from angarium.uploads.writing import Writing

# In a row, without anything that came
TRIES: Final = 4
PAUSE_S: Final = 0.5

Sleep = Callable[[float], Awaitable[None]]


async def look(bucket: Bucket, upload: Upload) -> Stored:
    """Return what is in the bucket, if it may be what was announced.

    Raises NotArrivedError, WrongContentError, BucketError.
    """
    assert upload.object is not None
    found = await bucket.look(upload.object)
    if found.size != upload.size:
        text = (
            f"size: {found.size} octets are in the bucket at {upload.object.key}, and {upload.size}"
            " were announced: put it again"
        )
        raise WrongContentError(text, field="size")
    if upload.refused and found.etag == upload.etag:
        raise WrongContentError(upload.refused, field="sha256")
    return found


async def bring(
    bucket: Bucket, store: UploadStore, upload: Upload, sleep: Sleep = asyncio.sleep
) -> Upload:
    """Return it once it is complete and on disk. What came stays, whatever happens.

    Raises what ``look`` does; UploadBusyError: another process brings it; UploadMissingError, DiskRoomError.
    """
    found = await look(bucket, upload)
    writing = await asyncio.to_thread(store.open, upload.tenant, upload.id)
    bringing = _Bringing(bucket, store, upload, found, writing)
    try:
        await bringing.run(sleep)
    finally:
        # Also when it is cancelled: what came is to stay, and the lock to go
        await asyncio.shield(asyncio.to_thread(writing.close))
    complete = await asyncio.to_thread(store.find, upload.tenant, upload.id)
    if complete is None:
        raise UploadMissingError("the upload was removed")
    return complete


class _Bringing:
    """Of one file, whose lock we have."""

    def __init__(
        self, bucket: Bucket, store: UploadStore, upload: Upload, found: Stored, writing: Writing
    ) -> None:
        self._bucket = bucket
        self._store = store
        self._upload = upload
        self._found = found
        self._writing = writing

    async def run(self, sleep: Sleep) -> None:
        await asyncio.to_thread(self._begin)
        tries = 0
        while (offset := self._writing.offset) < self._writing.size:
            try:
                await self._read(offset)
                # A whole answer that was not all of it
                problem: BucketAwayError | None = BucketAwayError("an answer ended early")
            except BucketAwayError as error:
                problem = error
            tries = 0 if self._writing.offset > offset else tries + 1
            if problem is not None and tries >= TRIES:
                raise problem
            if self._writing.offset < self._writing.size:
                await sleep(PAUSE_S * 2**tries)
        await asyncio.to_thread(self._finish)

    async def _read(self, offset: int) -> None:
        assert self._upload.object is not None
        await self._bucket.read(self._upload.object, self._found.etag, offset, self._take)

    async def _take(self, octets: bytes) -> None:
        await asyncio.to_thread(self._writing.write, octets)

    def _begin(self) -> None:
        """What is there of another object is no beginning of this one."""
        now = self._store.find(self._upload.tenant, self._upload.id)
        if now is None:
            raise UploadMissingError("the upload was removed")
        if now.etag != self._found.etag:
            self._writing.restart()
            # Before the new name is: after a loss of power nothing of the old one may stand under it
            self._writing.sync()
            self._store.note_object(self._upload, self._found.etag)

    def _finish(self) -> None:
        try:
            self._writing.finish()
        except WrongContentError as error:
            text = f"sha256: {error.reason}"
            # So that it is not fetched again each time that somebody asks
            self._store.note_object(self._upload, self._found.etag, text)
            raise WrongContentError(text, field="sha256") from None
