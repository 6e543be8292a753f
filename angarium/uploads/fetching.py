"""Gets a file from a URL that a tenant named, and makes an upload of it: P1's guard says where requests may go.

Knows nothing of who asks, nor of when to try again.
"""

import asyncio
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from angarium.uploads.model import (
    FILENAME_CHARACTERS,
    NewUpload,
    Upload,
    UploadError,
    UploadLimits,
)
from angarium.uploads.store import UploadStore
from angarium.uploads.writing import Writing
from angarium.webhooks.caller import Answered, Takes

FIELD: Final = "csvFileUrl"
_SHOWN: Final = 200


class Fetches(Protocol):
    """``webhooks.caller.Caller``."""

    async def fetch(self, url: str, takes: Takes, within_s: float) -> Answered: ...


async def fetch_upload(
    fetches: Fetches,
    store: UploadStore,
    url: str,
    tenant: str,
    limits: UploadLimits,
    *,
    within_s: float,
    upload_id: str = "",
) -> Upload:
    """Return it once it is complete and on disk. Raises UploadError, field ``csvFileUrl``; then nothing is left.

    ``upload_id``: by which it is found again after a crash; "": a new one.
    """
    new = NewUpload(tenant=tenant, filename=_filename(url), size=1, id=upload_id)
    taking = _Taking(store, new, limits)
    try:
        answered = await fetches.fetch(url, taking, within_s)
        if answered.status != 200:
            said = answered.text[:_SHOWN] or "nothing more was said"
            what = f"is answered with {answered.status}: {said}" if answered.status else said
            raise UploadError(f"{FIELD}: {what}", field=FIELD)
        return await taking.finish()
    except UploadError as error:
        await taking.give_up()
        if error.field in (FIELD, ""):
            raise
        raise UploadError(f"{FIELD}: the file: {error.reason}", field=FIELD) from error
    except BaseException:
        await taking.give_up()
        raise


class _Taking:
    """Satisfies ``Takes``."""

    def __init__(self, store: UploadStore, new: NewUpload, limits: UploadLimits) -> None:
        self._store = store
        self._new = new
        self._limits = limits
        self._upload: Upload | None = None
        self._writing: Writing | None = None

    async def begin(self, length: int | None) -> None:
        # Of what does not say its length all that one file may have is reserved
        size = self._limits.file_octets if length is None else length
        new = msgspec.structs.replace(self._new, size=size)
        await asyncio.to_thread(self._open, new)

    async def take(self, octets: bytes) -> None:
        assert self._writing is not None
        await asyncio.to_thread(self._writing.write, octets)

    async def finish(self) -> Upload:
        return await asyncio.to_thread(self._finish)

    async def give_up(self) -> None:
        await asyncio.shield(asyncio.to_thread(self._remove))

    def _open(self, new: NewUpload) -> None:
        self._upload = self._store.create(new, self._limits)
        self._writing = self._store.open(new.tenant, self._upload.id)

    def _finish(self) -> Upload:
        upload, writing = self._upload, self._writing
        assert upload is not None
        assert writing is not None
        if not writing.offset:
            raise UploadError("it is empty", field="size")
        if writing.offset != writing.size:
            self._store.resize(upload, writing.offset)
            writing.size = writing.offset
        writing.finish()
        writing.close()
        found = self._store.find(upload.tenant, upload.id)
        assert found is not None
        return found

    def _remove(self) -> None:
        if self._writing is not None:
            self._writing.close()
        if self._upload is not None:
            self._store.remove(self._upload.tenant, self._upload.id)


def _filename(url: str) -> str:
    try:
        name = unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        name = ""
    name = "".join(each for each in name if each.isprintable())
    return name[:FILENAME_CHARACTERS] or "fetched.csv"
