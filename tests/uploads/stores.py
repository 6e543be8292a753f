"""A store with a clock that is set, and uploads to put into it."""

import os
from pathlib import Path

from angarium.queue.model import UnixMs
from angarium.uploads import NewUpload, Upload, UploadLimits, UploadStore

LIMITS = UploadLimits(file_octets=1000, tenant_octets=2500, tenant_files=4, min_free_octets=0)


class Clock:
    def __init__(self) -> None:
        self.now = UnixMs(1_800_000_000_000)

    def __call__(self) -> UnixMs:
        return self.now


def store_in(path: Path, clock: Clock | None = None) -> UploadStore:
    return UploadStore(path / "uploads", clock or Clock())


def announce(store: UploadStore, size: int = 10, sha256: str = "", tenant: str = "shop") -> Upload:
    new = NewUpload(tenant=tenant, filename="a.csv", size=size, sha256=sha256)
    return store.create(new, LIMITS)


def set_changed(store: UploadStore, upload: Upload, ms: int) -> None:
    """As if what there is of it had been written then."""
    for path in store.directory.glob(f"*/{upload.id}.*"):
        os.utime(path, (ms / 1000, ms / 1000))
