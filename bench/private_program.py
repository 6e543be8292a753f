"""A program out of unpacked packages, run as if it were installed, without touching the machine.

A mount namespace of its own shows it the packages laid over /usr, its configuration and users over /etc, and
folders of its own as /var/spool, /var/lib, /var/log and /run: so the paths that are compiled in hold. Its processes
end with the first one, whose pid namespace they live in.
"""

import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.errors import BenchError, PeerAbsent
from bench.ports import wait_for_listener
from bench.processes import tree

# $1: the folder with "usr" of the packages, $2: ours, beneath which "var" and "etc" are; then a command. The sources
# are relative to a working directory that was entered before, since a mount may hide the way to them.
_SCRIPT: Final = """\
set -e
packages=$1 own=$2
shift 2
cd "$own"
mount -t overlay -o "ro,lowerdir=$packages/usr:/usr" overlay /usr
mount -t overlay -o "ro,lowerdir=$own/etc:/etc" overlay /etc
for each in spool lib log; do mount --bind "var/$each" "/var/$each"; done
mount --bind run /run
exec "$@"
"""
_VAR: Final = ("var/spool", "var/lib", "var/log", "run")


class PrivateProgram:
    """The folder it runs in, ready to be filled, and its processes from ``start`` to ``stop``."""

    def __init__(self, folder: Path, packages: Path, users: Sequence[str]) -> None:
        self._folder = folder
        self._packages = packages
        self._ids = _free_ids(users)
        self._process: subprocess.Popen[bytes]
        for name in ("etc", *_VAR):
            (folder / name).mkdir(parents=True)
        lines = [f"{name}:x:{id_}:{id_}::/:/usr/sbin/nologin\n" for name, id_ in self._ids.items()]
        self.configure("passwd", Path("/etc/passwd").read_text() + "".join(lines))
        lines = [f"{name}:x:{id_}:\n" for name, id_ in self._ids.items()]
        self.configure("group", Path("/etc/group").read_text() + "".join(lines))

    def configure(self, name: str, text: str) -> None:
        """Write a file that the program sees in /etc."""
        path = self._folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def make_folder(self, name: str, *, owner: str | None = None, mode: int = 0o755) -> Path:
        """Make a folder that it sees below /: its spool, say, as "var/spool/NAME"."""
        path = self._folder / name
        path.mkdir(parents=True)
        path.chmod(mode)
        if owner is not None:
            os.chown(path, self._ids[owner], self._ids[owner])
        return path

    def start(self, command: Sequence[str], port: int) -> None:
        """Start it and wait until it listens. Raises BenchError, with what it said."""
        with (self._folder / "said").open("ab") as log:
            self._process = subprocess.Popen(
                _command(self._packages, self._folder, command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for_listener(port, still=lambda: self._process.poll() is None)
        except BaseException as e:
            self._end(signal.SIGKILL)
            said = (self._folder / "said").read_text(errors="replace")[-2000:]
            raise BenchError(f"{command[0]}: {e}\n{said}") from None

    def roots(self) -> Sequence[int]:
        return (self._process.pid,)

    def stop(self) -> None:
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)
            raise BenchError(f"{self._process.args!r} did not end on SIGTERM") from None

    def _end(self, how: signal.Signals) -> None:
        """Tell the first process of the namespace: unshare, which waits for it, passes nothing on."""
        for pid in tree([self._process.pid])[1:2]:
            os.kill(pid, how)
        self._process.wait(20)


def check_private(packages: Path, program: str) -> None:
    """See whether namespaces and overlays may be had here, and the program is there. Raises PeerAbsent."""
    if os.geteuid() != 0:
        raise PeerAbsent("a program that is not installed can be run in a namespace by root only")
    if shutil.which("unshare") is None:
        raise PeerAbsent("unshare (of util-linux) is not here")
    with tempfile.TemporaryDirectory() as name:
        for each in ("etc", *_VAR):
            (Path(name) / each).mkdir(parents=True)
        done = subprocess.run(
            _command(packages, Path(name), ["test", "-x", program]),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise PeerAbsent(f"no namespace for it: {done.stderr.strip() or f'{program} is missing'}")


def _command(packages: Path, folder: Path, command: Sequence[str]) -> list[str]:
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("sh", "-c", _SCRIPT, "sh", str(packages), str(folder), *command),
    ]


def _free_ids(users: Sequence[str]) -> Mapping[str, int]:
    """Return an id for each that no user and no group of this machine has."""
    taken = {each.pw_uid for each in pwd.getpwall()} | {each.gr_gid for each in grp.getgrall()}
    free = (each for each in range(900, 60_000) if each not in taken)
    return dict(zip(users, free, strict=False))
