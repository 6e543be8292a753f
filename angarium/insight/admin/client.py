"""Asks one process of the server. Blocks, and every wait is bounded; what goes wrong is a ``Refused``, never raised.

An event loop asks by ``asyncio.to_thread(ask_process, ...)``: questions are few, and a thread waits as well as a task.
"""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from angarium.host.unix_socket import ForeignSocketError, SocketDirectory
from angarium.insight.admin.protocol import (
    MAX_ANSWER_OCTETS,
    Alive,
    Answer,
    FrameError,
    Frames,
    Item,
    Message,
    Question,
    Refused,
    asked_frame,
    read_answer,
    read_item,
    read_message,
)

# Ours: six signs of life that a process at work gives meanwhile
ANSWER_S: Final = 30.0
CONNECT_S: Final = 5.0
_CHUNK_OCTETS: Final = 262_144
_SUFFIX: Final = ".sock"
_GONE: Final = (
    "the process of the server hung up before it had answered: it has stopped or was started anew. What it had done"
    " until then stays done; ask again"
)

A = TypeVar("A")
I = TypeVar("I")  # noqa: E741 - of items


def socket_name(slot: str) -> str:
    return slot + _SUFFIX


def socket_directory(data_dir: Path, *, make: bool = False) -> SocketDirectory:
    return SocketDirectory(data_dir, "run", "admin", make=make)


def find_slots(data_dir: Path, role: str = "") -> list[str]:
    """Return which processes (of a role) have a socket; it may be a dead one's. Raises OSError."""
    try:
        with socket_directory(data_dir) as directory:
            names = directory.names()
    except FileNotFoundError:
        data_dir.stat()
        return []  # no server has run yet
    slots = [each.removesuffix(_SUFFIX) for each in names if each.endswith(_SUFFIX)]
    return [each for each in slots if each.rpartition("-")[0] == role or not role]


class AdminClient:
    """A connection to one process, for one question after the other."""

    def __init__(self, slot: str, connected: socket.socket, timeout_s: float = ANSWER_S) -> None:
        self.slot = slot
        self._socket = connected
        self._socket.settimeout(timeout_s)
        self._timeout_s = timeout_s
        self._frames = Frames(MAX_ANSWER_OCTETS)

    @classmethod
    def connect(
        cls, data_dir: Path, slot: str, timeout_s: float = ANSWER_S
    ) -> "AdminClient | Refused":
        """Return a connection to the process in ``slot``, which must be the server's user's or root's."""
        try:
            with socket_directory(data_dir) as directory:
                owners = {0, data_dir.stat().st_uid}
                connected = directory.connect(socket_name(slot), owners, CONNECT_S)
        except (FileNotFoundError, ConnectionRefusedError):
            return Refused("not_running", f"no process {slot} of a server is running")
        except (PermissionError, NotADirectoryError) as error:
            path = error.filename or data_dir
            text = f"{path}: permission denied; run this as root or as the server's user"
            return Refused("forbidden", text)
        except ForeignSocketError as error:
            text = f"{data_dir}/run/admin: {error}; stop the server, remove it, and find out who made it"
            return Refused("forbidden", text)
        except (TimeoutError, BlockingIOError):
            return Refused("unanswered", _unanswered(slot, CONNECT_S))
        except OSError as error:
            return Refused("unanswered", f"the process {slot} cannot be asked: {error}")
        return cls(slot, connected, timeout_s)

    def ask(
        self, question: Question[A, I], on_item: Callable[[I], object] = lambda _: None
    ) -> A | Refused:
        """Return the answer; items are handed over as they come. After a refusal the connection may be over."""
        if (refused := self.begin(question)) is not None:
            return refused
        while True:
            for message in self.receive():
                try:
                    match message:
                        case Item():
                            on_item(read_item(question, message))
                        case Answer():
                            return read_answer(question, message)
                        case Refused():
                            return message
                        case Alive():
                            continue
                except FrameError as error:
                    return self._garbled(error)

    def begin(self, question: Question[Any, Any]) -> Refused | None:
        """Only ask; ``receive`` has what comes back."""
        try:
            self._socket.sendall(asked_frame(question))
        except TimeoutError:
            return Refused("unanswered", _unanswered(self.slot, self._timeout_s))
        except OSError:
            return next((each for each in self.receive() if isinstance(each, Refused)), None)
        return None

    def receive(self) -> list[Message]:
        """Wait for octets and return the messages that are whole; a refusal when nothing more can come."""
        try:
            octets = self._socket.recv(_CHUNK_OCTETS)
            if not octets:
                return [Refused("unanswered", _GONE)]
            self._frames.receive(octets)
            return [read_message(frame) for frame in self._frames]
        except TimeoutError:
            return [Refused("unanswered", _unanswered(self.slot, self._timeout_s))]
        except FrameError as error:
            return [self._garbled(error)]
        except OSError:
            return [Refused("unanswered", _GONE)]

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def __enter__(self) -> "AdminClient":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def _garbled(self, error: FrameError) -> Refused:
        self.close()
        return Refused("malformed", f"the answer of {self.slot} cannot be read: {error}")


def ask_process(
    data_dir: Path,
    slot: str,
    question: Question[A, I],
    on_item: Callable[[I], object] = lambda _: None,
    timeout_s: float = ANSWER_S,
) -> A | Refused:
    """Connect, ask and hang up."""
    client = AdminClient.connect(data_dir, slot, timeout_s)
    if isinstance(client, Refused):
        return client
    with client:
        return client.ask(question, on_item)


def _unanswered(slot: str, seconds: float) -> str:
    return (
        f"the process {slot} of the server has not answered for {seconds:.0f} s: it is overloaded or hangs; see its log"
        " (docs/runbooks.md)"
    )
