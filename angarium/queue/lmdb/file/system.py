"""What the queue must know of the file system under it: room, kind, and how to make a directory entry durable."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

# statvfs at most so often: a disk does not fill faster than its mark is wide
CHECK_EVERY_S: Final = 1.0

# Ours: with less there is no room at all, whatever the mark. What fits into free pages of the file is still taken.
FULL_OCTETS: Final = 1024 * 1024

# LMDB maps the file and locks it between processes; these kinds do not keep what that needs (lmdb.h, caveats).
_REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs"}
)


class DiskSpace:
    """Whether the disk under the queue is below its free-space mark, or full."""

    def __init__(
        self, path: Path, min_free_octets: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._min_free_octets = min_free_octets
        self._monotonic = monotonic
        self._checked = float("-inf")
        self._free = 0

    def free_octets(self) -> int:
        found = os.statvfs(self._path)
        return found.f_bavail * found.f_frsize

    def is_low(self) -> bool:
        """Below the mark: new mail is refused without a try."""
        return self._look() < self._min_free_octets

    def has_room(self) -> bool:
        """Neither below the mark nor full: new mail is taken."""
        return self._look() >= max(self._min_free_octets, FULL_OCTETS)

    def _look(self) -> int:
        now = self._monotonic()
        if now - self._checked >= CHECK_EVERY_S:
            self._checked = now
            self._free = self.free_octets()
        return self._free


def fsync_directory(path: Path) -> None:
    """Make the directory's entries durable: neither LMDB nor rename does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_remote_kind(path: Path, mounts: str | None = None) -> str | None:
    """Return the kind of a remote file system that ``path`` is on, None for a local or unknown one."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(errors="replace")
        except OSError:
            return None
    best, kind = "", ""
    real = str(path.resolve())
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # a later mount on the same point covers the earlier
            best, kind = point, fields[2]
    return kind if kind in _REMOTE else None
