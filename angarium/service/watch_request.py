"""What ``postmaster trace --watch`` asks of the running server, and what it is sent: shared by both.

The asker listens at ``<pid>.sock`` in ``<data_dir>/run/trace`` and makes ``<pid>.json`` (a Request) beside it; each
process connects and sends one JSON object (a WatchedLine) per packet. Packets of a connection rather than datagrams:
of those Linux holds ten for a reader (net.unix.max_dgram_qlen), less than one session's opening.
"""

import os
import socket
from pathlib import Path
from typing import Final

import msgspec

from angarium.smtp.tap import Direction

REQUEST_OCTETS: Final = 4096  # ours


class Request(msgspec.Struct, frozen=True, kw_only=True):
    pid: int  # of the asker: once it is gone, the request is void
    domain: str = ""  # of recipients, lower case: outgoing sessions
    listener: str = ""  # as in the configuration: incoming sessions


class WatchedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a dialogue, redacted already."""

    at: int  # milliseconds since 1970
    session: str
    direction: Direction
    text: str
    dropped: int = 0  # lines before this one, of this process, that the reader was too slow for


def request_path(directory: Path, pid: int) -> Path:
    return directory / f"{pid}.json"


def socket_name(pid: int) -> str:
    return f"{pid}.sock"


class SocketAddress:
    """``with SocketAddress(directory, name) as address``: fits into sun_path (unix(7)) whatever the directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self._fd = -1

    def __enter__(self) -> str:
        self._fd = os.open(self._directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._fd}/{self._name}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def open_sender(directory: Path, pid: int) -> socket.socket:
    """Raises OSError: the reader is gone."""
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        with SocketAddress(directory, socket_name(pid)) as address:
            sender.connect(address)
    except BaseException:
        sender.close()
        raise
    return sender
