"""The uploads of all tenants on disk. Any number of processes use it at once. Blocks on disk.

uploads/TENANT/lock       held while room is reckoned
uploads/TENANT/ID.json    what was announced (``_Announced``); on disk before anybody is told of the id
uploads/TENANT/ID.part    what has come of it; locked by who writes it. Its size is the offset
uploads/TENANT/ID.data    all of it, verified and on disk: ``.part`` under another name
uploads/TENANT/ID.gone    ``.json`` under another name: it was removed, and what is in the bucket is still to be
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from angarium.config.address import is_label
from angarium.queue.message_id import MessageIdGenerator, message_id_text
from angarium.queue.model import UnixMs
from angarium.uploads.model import (
    BucketObject,
    DiskRoomError,
    NewUpload,
    Upload,
    UploadBusyError,
    UploadError,
    UploadLimits,
    UploadMissingError,
    UploadRoomError,
    check_new,
)
from angarium.uploads.writing import Writing, sync_directory

_ID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
META: Final = ".json"
PART: Final = ".part"
DATA: Final = ".data"
GONE: Final = ".gone"
_NEW: Final = ".new"
_LOCK: Final = "lock"
# What a crash left of an upload that nobody was told of, or that was removed, goes after so long
_REST_MS: Final = 3_600_000


class _Announced(msgspec.Struct, frozen=True, kw_only=True):
    version: Literal[1] = 1
    filename: str
    size: int
    sha256: str
    content_type: str
    created_at: int
    object: BucketObject | None = None
    etag: str = ""
    refused: str = ""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that was removed, and may still be in the bucket."""

    tenant: str
    id: str
    object: BucketObject


class UploadStore:
    """Invariant UP1: what is called complete is on disk, has the size that was announced, and the hash if one was.

    Invariant UP2: at most one process writes a file.
    Invariant UP3: announced sizes of a tenant never exceed what it may have, however many ask at once.
    Invariant UP4: what comes by a bucket is forgotten only once somebody has said that it is not there any more.
    """

    def __init__(
        self,
        directory: Path,
        clock: Callable[[], UnixMs],
        random_octets: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.directory: Final = directory
        self._clock = clock
        self._new_id = MessageIdGenerator(clock, random_octets)

    def create(self, new: NewUpload, limits: UploadLimits) -> Upload:
        """Announce one: on disk when it returns. Raises UploadError."""
        new = check_new(new, limits)
        folder = self._make_folder(new.tenant)
        with _locked(folder / _LOCK):  # UP3
            self._check_room(new, limits)
            upload_id = new.id or message_id_text(self._new_id())
            announced = _Announced(
                filename=new.filename,
                size=new.size,
                sha256=new.sha256,
                content_type=new.content_type,
                created_at=self._clock(),
                object=_object_of(new, upload_id),
            )
            try:
                _exchange(folder / f"{upload_id}{META}", msgspec.json.encode(announced))
            except OSError as error:
                raise DiskRoomError(f"it cannot be kept: {error.strerror}") from error
        found = self.find(new.tenant, upload_id)
        assert found is not None
        return found

    def find(self, tenant: str, upload_id: str) -> Upload | None:
        meta = self._path(tenant, upload_id, META)
        if meta is None:
            return None
        try:
            announced = msgspec.json.decode(meta.read_bytes(), type=_Announced)
        except (FileNotFoundError, NotADirectoryError):
            return None
        # First what it becomes, then what it was: whoever completes it meanwhile is not missed
        for suffix in (PART, DATA, PART):
            with contextlib.suppress(FileNotFoundError):
                state = meta.with_suffix(suffix).stat()
                changed_at = UnixMs(state.st_mtime_ns // 1_000_000)
                break
        else:
            state, suffix, changed_at = None, PART, UnixMs(announced.created_at)
        return Upload(
            id=upload_id,
            tenant=tenant,
            filename=announced.filename,
            size=announced.size,
            sha256=announced.sha256,
            content_type=announced.content_type,
            created_at=UnixMs(announced.created_at),
            offset=0 if state is None else state.st_size,
            is_complete=suffix == DATA,
            changed_at=changed_at,
            object=announced.object,
            etag=announced.etag,
            refused=announced.refused,
        )

    def all_of(self, tenant: str) -> Sequence[Upload]:
        """Return all of a tenant's, the oldest first."""
        found = (self.find(tenant, upload_id) for upload_id in self._ids(tenant))
        return [each for each in found if each is not None]

    def data_path(self, upload: Upload) -> Path:
        """Return where the file is; only of one that is complete."""
        return self.directory / upload.tenant / f"{upload.id}{DATA}"

    def link(self, tenant: str, upload_id: str, target: Path) -> None:
        """Give a complete file a second name, which stays when the upload goes. On disk when it returns.

        One that is there already is left. Raises UploadError.
        """
        found = self.find(tenant, upload_id)
        if found is None:
            raise _missing(upload_id)
        if not found.is_complete:
            text = f"upload {upload_id} is not complete: {found.offset} of {found.size} octets"
            raise UploadBusyError(text, found.offset)
        try:
            with contextlib.suppress(FileExistsError):
                target.hardlink_to(self.data_path(found))
        except FileNotFoundError:
            raise _missing(upload_id) from None
        sync_directory(target.parent)

    def open(self, tenant: str, upload_id: str) -> Writing:
        """Begin to write, or to continue. Raises UploadMissingError, UploadBusyError; UploadError: it is complete."""
        found = self.find(tenant, upload_id)
        if found is None:
            raise _missing(upload_id)
        if found.is_complete:
            raise UploadError(f"upload {upload_id} is complete: announce another one")
        part = self.directory / tenant / f"{upload_id}{PART}"
        try:
            fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            raise _missing(upload_id) from None
        except OSError as error:
            raise DiskRoomError(f"it cannot be written: {error.strerror}") from error
        try:
            self._claim(fd, part, found)
        except BaseException:
            os.close(fd)
            raise
        return Writing(fd, part, part.with_suffix(DATA), found.size, found.sha256)

    def resize(self, upload: Upload, size: int) -> None:
        """Say that it has another size than was announced, of one that nobody writes. On disk when it returns."""
        self._change(upload, size=size)

    def note_object(self, upload: Upload, etag: str, refused: str = "") -> None:
        """Say which object is fetched, and why it is refused, if it is; of one that the caller alone writes.

        On disk when it returns. Raises UploadMissingError.
        """
        self._change(upload, etag=etag, refused=refused)

    def _change(self, upload: Upload, **values: int | str) -> None:
        meta = self.directory / upload.tenant / f"{upload.id}{META}"
        with _locked(meta.with_name(_LOCK)):  # UP4: who removes it meanwhile is not undone
            try:
                announced = msgspec.json.decode(meta.read_bytes(), type=_Announced)
            except FileNotFoundError:
                raise _missing(upload.id) from None
            changed = msgspec.structs.replace(announced, **values)
            _exchange(meta, msgspec.json.encode(changed))

    def remove(self, tenant: str, upload_id: str) -> bool:
        """Forget it; whether there was one. Who is writing it fails at the end. Gone from disk when it returns.

        What comes by a bucket is among ``gone`` then, until it is removed there, too.
        """
        meta = self._path(tenant, upload_id, META)
        found = self.find(tenant, upload_id)
        if meta is None or found is None:
            return False
        with _locked(meta.with_name(_LOCK)):
            try:
                if found.object is None:
                    meta.unlink()
                else:
                    meta.rename(meta.with_suffix(GONE))  # UP4
            except FileNotFoundError:
                return False
        for suffix in (PART, DATA):  # what is left by a crash has no name any more, and is swept
            meta.with_suffix(suffix).unlink(missing_ok=True)
        sync_directory(meta.parent)
        return True

    def gone(self, tenant: str = "") -> Sequence[Gone]:
        """Return what was removed and may still be in its bucket; of one tenant, or of all."""
        folders = self._folders() if not tenant else [self.directory / tenant]
        found: list[Gone] = []
        for folder in folders:
            for path in sorted(folder.glob(f"*{GONE}")):
                with contextlib.suppress(FileNotFoundError):
                    announced = msgspec.json.decode(path.read_bytes(), type=_Announced)
                    if announced.object is not None:
                        found.append(
                            Gone(tenant=folder.name, id=path.stem, object=announced.object)
                        )
        return found

    def forget(self, gone: Gone) -> None:
        """It is not in its bucket any more (UP4). On disk when it returns."""
        path = self._path(gone.tenant, gone.id, GONE)
        assert path is not None
        path.unlink(missing_ok=True)
        sync_directory(path.parent)

    def sweep(self, *, incomplete_ms: int, complete_ms: int) -> int:
        """Remove what was not touched for so long, and what crashes left; returns how many uploads."""
        now = self._clock()
        removed = 0
        for folder in self._folders():
            for upload in self.all_of(folder.name):
                ms = complete_ms if upload.is_complete else incomplete_ms
                if now - upload.changed_at >= ms and self._is_idle(upload):
                    removed += self.remove(folder.name, upload.id)
            _sweep_rests(folder, now)
        return removed

    def _claim(self, fd: int, part: Path, found: Upload) -> None:
        """Raises UploadBusyError, UploadMissingError."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # UP2
        except BlockingIOError:
            text = f"upload {found.id} is being written by another request: wait for it to end"
            raise UploadBusyError(text, os.fstat(fd).st_size) from None
        # Who had the lock before may have completed or removed it: then we have a file that is not it any more
        ours = os.fstat(fd)
        try:
            there = part.stat()
        except FileNotFoundError:
            there = None
        is_same = there is not None and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        if not is_same or not part.with_suffix(META).exists():
            if is_same:
                part.unlink(missing_ok=True)
            again = self.find(found.tenant, found.id)
            if again is None:
                raise _missing(found.id)
            raise UploadBusyError(f"upload {found.id} has changed meanwhile", again.offset)

    def _is_idle(self, upload: Upload) -> bool:
        if upload.is_complete:
            return True
        part = self.directory / upload.tenant / f"{upload.id}{PART}"
        try:
            with part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def _check_room(self, new: NewUpload, limits: UploadLimits) -> None:
        there = self.all_of(new.tenant)
        if len(there) >= limits.tenant_files:
            text = f"the tenant has {len(there)} uploads: remove some ([uploads] tenant_files)"
            raise UploadRoomError(text)
        octets = sum(each.size for each in there)
        if octets + new.size > limits.tenant_octets:
            text = (
                f"size: with it the tenant has {octets + new.size} octets, and may have"
                f" {limits.tenant_octets}: remove some ([uploads] tenant_octets)"
            )
            raise UploadRoomError(text, field="size")
        promised = sum(each.size - each.offset for each in there if not each.is_complete)
        if self.free_octets() - promised - new.size < limits.min_free_octets:
            raise DiskRoomError("the disk has no room for it: try a smaller one, or later")

    def free_octets(self) -> int:
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize

    def _make_folder(self, tenant: str) -> Path:
        if not is_label(tenant):
            raise UploadError(f"there is no tenant {tenant[:64]!a}", field="tenant")
        folder = self.directory / tenant
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_directory(self.directory.parent)
                sync_directory(self.directory)
        except OSError as error:
            raise DiskRoomError(f"it cannot be kept: {error.strerror}") from error
        return folder

    def _path(self, tenant: str, upload_id: str, suffix: str) -> Path | None:
        """None: it can be no name of anything (no path is made of what strangers write)."""
        if not is_label(tenant) or _ID.fullmatch(upload_id) is None:
            return None
        return self.directory / tenant / f"{upload_id}{suffix}"

    def _ids(self, tenant: str) -> list[str]:
        if not is_label(tenant):
            return []
        try:
            names = [each.name for each in (self.directory / tenant).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        ids = (each.removesuffix(META) for each in names if each.endswith(META))
        return sorted(each for each in ids if _ID.fullmatch(each))

    def _folders(self) -> list[Path]:
        try:
            return sorted(each for each in self.directory.iterdir() if each.is_dir())
        except FileNotFoundError:
            return []


def uploads_directory(data_dir: Path) -> Path:
    return data_dir / "uploads"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for the lock: it is held for a few reads of small files."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _exchange(path: Path, octets: bytes) -> None:
    """Write a small file whole, or not at all. On disk when it returns."""
    new = path.with_suffix(_NEW)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, octets)
        os.fsync(fd)
    finally:
        os.close(fd)
    new.rename(path)
    sync_directory(path.parent)


def _sweep_rests(folder: Path, now: UnixMs) -> None:
    for path in folder.iterdir():
        if path.suffix in (PART, DATA, _NEW) and not path.with_suffix(META).exists():
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime_ns // 1_000_000 >= _REST_MS:
                    path.unlink()


def _object_of(new: NewUpload, upload_id: str) -> BucketObject | None:
    if not new.bucket:
        return None
    return BucketObject(bucket=new.bucket, key=f"{new.prefix}{new.tenant}/{upload_id}")


def _missing(upload_id: str) -> UploadMissingError:
    return UploadMissingError(f"There is no upload {upload_id[:40]!a}")
