"""A small file system of the test's own, in a mount namespace that nobody else sees and that ends with its holder."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

MIB = 1 << 20
_HOLD = "mount --make-rprivate / && {mount} && echo mounted && exec sleep 100000"


class MountedDisk:
    """Commands run inside by ``wrap``; from outside its files are below ``seen``."""

    def __init__(self, mount: str, point: Path) -> None:
        """``mount``: the shell command that mounts something on ``point``. Skips the test where it may not."""
        try:
            self._holder = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", _HOLD.format(mount=mount)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            pytest.skip("unshare is not installed")
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"mounted\n":
            _, error = self._holder.communicate()
            pytest.skip(f"no file system can be mounted here: {error.decode().strip()}")
        pid = self._holder.pid
        self.wrap = ("nsenter", "-m", "-t", str(pid), "--")
        self.root = Path(f"/proc/{pid}/root")
        self.seen = Path(f"/proc/{pid}/root{point}")

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


class Ballast:
    """A file that takes the room on the disk."""

    def __init__(self, disk: MountedDisk) -> None:
        self._file = disk.seen / "ballast"
        self._disk = disk

    def free_octets(self) -> int:
        found = os.statvfs(self._disk.seen)
        return found.f_bavail * found.f_frsize

    def leave(self, octets: int) -> None:
        """Take all room but ``octets``."""
        with self._file.open("ab") as out, contextlib.suppress(OSError):
            while (rest := self.free_octets() - octets) > 0:
                out.write(bytes(min(rest, MIB)))
                out.flush()

    def remove(self) -> None:
        self._file.unlink()
