"""Has uploads that come by a bucket on our disk when somebody asks for them, and what was removed out of it.

A small file is there within the answer; a large one is fetched on, and whoever asks again sees how far it is.
"""

import asyncio
from typing import Final

import msgspec

from angarium.api.native.premises import Premises
from angarium.api.native.upload_wire import State
from angarium.telemetry.log import log
from angarium.uploads import Upload, UploadBusyError, UploadError, UploadStore, WrongContentError
from angarium.uploads.bucket.bringing import bring
from angarium.uploads.bucket.clearing import clear
from angarium.uploads.bucket.client import open_bucket
from angarium.uploads.model import BucketError, NotArrivedError

# A request waits so long for its file
ANSWER_S: Final = 5.0
# Ours, of a process: others are told to ask again
AT_ONCE: Final = 8
CLEAR_S: Final = 5.0


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    upload: Upload
    state: State
    problem: str | None  # why what is in the bucket is not taken


class UploadBringing:
    """Belongs to one event loop."""

    def __init__(self, premises: Premises, store: UploadStore) -> None:
        self._premises = premises
        self._store = store
        self._under_way: dict[str, asyncio.Task[Upload]] = {}

    async def bring(self, upload: Upload) -> Brought:
        """Return how far it is, or that it is complete. Raises UploadError: it cannot be said, or not be kept."""
        if upload.is_complete or upload.object is None:
            state: State = "complete" if upload.is_complete else "uploading"
            return Brought(upload=upload, state=state, problem=None)
        task = self._under_way.get(upload.id)
        if task is None:
            if len(self._under_way) >= AT_ONCE:
                return Brought(upload=upload, state="fetching", problem=None)
            task = asyncio.create_task(self._bring(upload))
            self._under_way[upload.id] = task
            task.add_done_callback(lambda done: self._end(upload.id, done))
        await asyncio.wait([task], timeout=ANSWER_S)
        try:
            if task.done():
                return Brought(upload=task.result(), state="complete", problem=None)
        except NotArrivedError:
            return Brought(upload=upload, state="uploading", problem=None)
        except WrongContentError as error:
            return Brought(upload=upload, state="uploading", problem=error.reason)
        except UploadBusyError:
            pass
        now = await asyncio.to_thread(self._store.find, upload.tenant, upload.id)
        return Brought(upload=now or upload, state="fetching", problem=None)

    async def clear(self, tenant: str, upload_id: str) -> None:
        """Have what was removed out of the bucket, if that is done soon; else the sweep does it."""
        settings = self._premises.config().uploads
        gone = await asyncio.to_thread(self._store.gone, tenant)
        try:
            async with asyncio.timeout(CLEAR_S):
                await clear(self._store, settings, [each for each in gone if each.id == upload_id])
        except TimeoutError:
            pass
        except BucketError as error:
            log("bucket_failed", "warning", problem=error.reason)

    async def close(self) -> None:
        """What was fetched stays, and is continued when somebody asks for it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _bring(self, upload: Upload) -> Upload:
        settings = self._premises.config().uploads
        try:
            async with asyncio.timeout(settings.fetch_s), open_bucket(settings) as bucket:
                return await bring(bucket, self._store, upload)
        except TimeoutError:
            text = f"{upload.filename} was not fetched within {settings.fetch_s:g} s ([uploads] fetch_s)"
            raise BucketError(text) from None

    def _end(self, upload_id: str, task: asyncio.Task[Upload]) -> None:
        del self._under_way[upload_id]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, BucketError):
            log("bucket_failed", "warning", problem=error.reason)
        elif error is not None and not isinstance(error, UploadError):
            log("bucket_failed", "error", problem=f"{type(error).__name__}: {error}")
