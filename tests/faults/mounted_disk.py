"""A small file system of the test's own, in a mount namespace that nobody else sees and that ends with its holder."""

import subprocess
from pathlib import Path

import pytest

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
