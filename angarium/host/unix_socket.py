"""Unix stream sockets in a directory of the server's: bound and opened without ever following a symbolic link (L1).

Addresses go through /proc/self/fd, so that they fit into sun_path (unix(7): 108 octets) whatever the directory's name.
Blocks for microseconds.
"""

import os
import socket
import stat
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_BACKLOG: Final = 32  # ours: operators' commands that arrive at once
_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class ForeignSocketError(OSError):
    """What stands at the address is no socket of the expected owner: a link, a file, or somebody else's."""


class PeerUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end, as the kernel knows (SO_PEERCRED), whatever they say."""

    pid: int
    uid: int


class Directory:
    """``with Directory(data_dir, "run", "admin") as directory``: each name below ``top`` is a directory, not a link.

    Entering raises OSError (FileNotFoundError, PermissionError, NotADirectoryError).
    """

    def __init__(self, top: Path, *below: str, make: bool = False) -> None:
        self._top = top
        self._below = below
        self._make = make
        self._fd = -1

    def __enter__(self) -> "Directory":
        fd = os.open(self._top, _DIRECTORY)  # the operator's own path: links in it are theirs
        for name in self._below:
            try:
                if self._make:
                    _make_directory(name, fd)
                below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            except OSError as error:
                error.filename = str(self._top.joinpath(*self._below))
                raise
            finally:
                os.close(fd)
            fd = below
        self._fd = fd
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def names(self) -> list[str]:
        # An O_PATH descriptor is not one to read from
        with os.scandir(f"/proc/self/fd/{self._fd}/.") as entries:
            return sorted(each.name for each in entries)

    def bind(self, name: str) -> socket.socket:
        """Return a listening socket of mode 0600, in the place of a dead predecessor's. Raises OSError."""
        self.remove(name)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            os.fchmod(bound.fileno(), 0o600)  # bind gives the file this mode: it is never wider
            bound.bind(f"/proc/self/fd/{self._fd}/{name}")
            bound.listen(_BACKLOG)
        except BaseException:
            bound.close()
            raise
        return bound

    def remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return

    def connect(self, name: str, owners: Collection[int], timeout_s: float) -> socket.socket:
        """Return a connection to the socket of one of these users. Raises OSError, also ForeignSocketError."""
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            found = os.fstat(fd)
            if not stat.S_ISSOCK(found.st_mode) or found.st_uid not in owners:
                raise ForeignSocketError(f"{name} is not a socket of the server's user")
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connected.settimeout(timeout_s)
                connected.connect(f"/proc/self/fd/{fd}")
                if peer_of(connected).uid not in owners:
                    raise ForeignSocketError(f"{name} is served by somebody else than the server")
            except BaseException:
                connected.close()
                raise
            return connected
        finally:
            os.close(fd)

    def open(self, name: str) -> int:
        """Return a descriptor to read a file by. Raises OSError, also for a link; a pipe is not waited for."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags, dir_fd=self._fd)


def peer_of(connected: socket.socket) -> PeerUser:
    octets = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(octets)
    return PeerUser(pid=pid, uid=uid)


def _make_directory(name: str, fd: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=fd)
    except FileExistsError:
        return
