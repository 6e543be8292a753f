"""Unix stream sockets in a directory of the server's: bound and opened without ever following a symbolic link (L1).

Addresses go through /proc/self/fd, so that they fit into sun_path (unix(7): 108 octets) whatever the directory's name.
Blocks for microseconds.
"""

import os
import socket
import stat
import struct
from collections.abc import Collection
from typing import Final

import msgspec

from angarium.host.directory import Directory

_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_BACKLOG: Final = 32  # ours: operators' commands that arrive at once


class ForeignSocketError(OSError):
    """What stands at the address is no socket of the expected owner: a link, a file, or somebody else's."""


class PeerUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end, as the kernel knows (SO_PEERCRED), whatever they say."""

    pid: int
    uid: int


class SocketDirectory(Directory):
    """A directory with sockets in it."""

    def bind(self, name: str) -> socket.socket:
        """Return a listening socket of mode 0600, in the place of a dead predecessor's. Raises OSError."""
        self.remove(name)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            os.fchmod(bound.fileno(), 0o600)  # bind gives the file this mode: it is never wider
            bound.bind(f"/proc/self/fd/{self.fd}/{name}")
            bound.listen(_BACKLOG)
        except BaseException:
            bound.close()
            raise
        return bound

    def connect(self, name: str, owners: Collection[int], timeout_s: float) -> socket.socket:
        """Return a connection to the socket of one of these users. Raises OSError, also ForeignSocketError."""
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
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


def peer_of(connected: socket.socket) -> PeerUser:
    octets = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(octets)
    return PeerUser(pid=pid, uid=uid)
