"""The lake's folder: where it is, how a file gets its name there, and who may write others anew. Blocks.

Invariant LF1: a file has its name only once it is whole and on disk; what is unfinished is in ``tmp/``.
Invariant LF2: files are written anew by one at a time, under a lock, so nobody removes what another has just made.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.lake.catalogue import FILE_NAME
from angarium.lake.model import LakeAwayError
from angarium.lake.naming import read_name

_UNFINISHED: Final = "tmp"
_LOCK: Final = "rewriting.lock"
# Ours: nobody writes one file for so long
_WRITTEN_MS: Final = 6 * 3_600_000
# What a catalogue is called that cannot be read
DAMAGED: Final = f"{FILE_NAME}.damaged-"


def lake_folder(config: Config) -> Path:
    return Path(config.lake.dir or Path(config.server.data_dir) / "lake")


class Folder:
    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def make(self) -> None:
        """Raises LakeAwayError."""
        with translating(self.path):
            (self.path / _UNFINISHED).mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def has_catalogue(self) -> bool:
        return (self.path / FILE_NAME).exists()

    def unfinished(self) -> Path:
        """Return a name for a file that is to be written."""
        return self.path / _UNFINISHED / secrets.token_hex(16)

    def locate(self, path: str) -> Path:
        return self.path / path

    def finish(self, unfinished: Path, path: str) -> int:
        """Give a file its name; it is durable there on return (LF1). Returns its octets. Raises OSError."""
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
            octets = os.fstat(file.fileno()).st_size
        unfinished.chmod(0o600)
        target = self.locate(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.replace(target)
        # Folders that were made with it, too
        for above in (target.parent, *target.parent.parents[: len(Path(path).parents) - 1]):
            _sync(above)
        return octets

    def remove(self, path: str) -> None:
        """And folders that have nothing any more. Raises OSError."""
        target = self.locate(path)
        target.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it has something yet
            for above in target.parents[: len(Path(path).parents) - 1]:
                above.rmdir()

    def names(self) -> list[str]:
        """Return the paths of all files that are named as a lake's are."""
        of_hours, of_days = (self.path.glob(f"{each}/*.parquet") for each in ("*/*/*/*", "*/*/*"))
        found = [str(each.relative_to(self.path)) for each in (*of_hours, *of_days)]
        return sorted(each for each in found if read_name(each) is not None)

    def others(self) -> Iterator[str]:
        """Yield the paths of what is there and neither named as a lake's files are nor its own otherwise."""
        own = {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm", _LOCK}
        for each in sorted(self.path.rglob("*")):
            path = each.relative_to(self.path)
            if path.parts[0] == _UNFINISHED or str(path) in own or each.is_dir():
                continue
            if read_name(str(path)) is None and not path.name.startswith(DAMAGED):
                yield str(path)

    def set_catalogue_aside(self) -> Path:
        """Give one that cannot be read another name; returns which."""
        target = self.path / f"{DAMAGED}{secrets.token_hex(4)}"
        with translating(self.path):
            (self.path / FILE_NAME).replace(target)
            for more in ("-wal", "-shm"):
                # It would be taken for the new one's
                beside = self.path / f"{FILE_NAME}{more}"
                if beside.exists():
                    beside.replace(f"{target}{more}")
            _sync(self.path)
        return target

    def clear_left(self, now_ms: int) -> None:
        """Remove what a crash has left, that nobody writes any more. Raises OSError."""
        for each in (self.path / _UNFINISHED).iterdir():
            if not _is_left(each, now_ms - _WRITTEN_MS):
                continue
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)

    @contextlib.contextmanager
    def rewriting(self) -> Iterator[None]:
        """Wait until nobody else writes files anew (LF2). Raises LakeAwayError."""
        with translating(self.path):
            fd = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


@contextlib.contextmanager
def translating(path: Path) -> Iterator[None]:
    try:
        yield
    except LakeAwayError:
        raise
    except OSError as error:
        raise LakeAwayError(f"{path}: {error.strerror or error}") from error


def _is_left(path: Path, before_ms: int) -> bool:
    try:
        return path.stat().st_mtime * 1000 < before_ms
    except FileNotFoundError:  # whoever made it has ended
        return False


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
