"""One process's admin socket: takes operators' questions to who can answer them, and never lets one harm the process.

Knows no question but by its class: roles bring their handlers (``answering``). Who asks is told by the kernel.
"""

import asyncio
import contextlib
import os
import pwd
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from angarium.host.unix_socket import PeerUser, peer_of
from angarium.insight.admin.client import socket_directory, socket_name
from angarium.insight.admin.protocol import (
    MAX_QUESTION_OCTETS,
    Alive,
    FrameError,
    Frames,
    Question,
    Refused,
    answer_frame,
    frame_of,
    item_frame,
    question_name,
    read_asked,
)
from angarium.insight.admin.questions import AnyQuestion, read_question
from angarium.telemetry.log import log, log_exception

MAX_CONNECTIONS: Final = 32  # ours, per process
QUESTION_S: Final = 30.0  # ours: for a whole question to come, and between two
SEND_S: Final = 30.0  # ours: for an answer to be taken off our hands
CLOSE_S: Final = 1.0  # ours: for last words, also while the process ends
ALIVE_S: Final = 5.0  # ours: a sign of life while a handler works
_CHUNK_OCTETS: Final = 65_536
_STOPPING: Final = Refused(
    "stopping",
    "the server (or this process of it) is stopping; what was done until now stays done, ask again once it runs",
)

Q = TypeVar("Q", bound=Question[Any, Any])


class Asker:
    """Who asks, and where items of the answer go."""

    def __init__(self, peer: PeerUser, writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self._writer = writer

    @property
    def name(self) -> str:
        """The user's, by the kernel's word: never what the question says."""
        try:
            return pwd.getpwuid(self.peer.uid).pw_name
        except KeyError:
            return f"uid {self.peer.uid}"

    def named(self, behalf: str) -> str:
        """Return the name with for whom it is done, as the asker says: only we and root ask (AS1)."""
        return f"{behalf} ({self.name})" if behalf else self.name

    def hand(self, item: object) -> None:
        """Say an item of the answer without waiting. Only where their number is bounded."""
        self._writer.write(item_frame(item))

    async def say(self, item: object) -> None:
        """Say an item of the answer; waits until the asker reads on. Raises ConnectionError: they never will."""
        self.hand(item)
        try:
            await self._writer.drain()
        except OSError as error:
            raise ConnectionResetError("the asker hung up") from error


Handler = Callable[[Any, Asker], Awaitable[object]]


class Handlers:
    """Which questions a part of the process answers. A handler returns the question's answer, or Refused."""

    def __init__(self) -> None:
        self.by_type: dict[type[Question[Any, Any]], Handler] = {}

    def on(self, question: type[Q], handler: Callable[[Q, Asker], Awaitable[object]]) -> "Handlers":
        self.by_type[question] = handler
        return self


class AdminSocket:
    """Invariants:

    AS1: a question is read only from root or the user that we are, as the kernel knows them.
    AS2: no handler of ``answering`` runs once its block is left: what it uses may be closed then.
    AS3: connections, the octets of a question and all waiting for an asker are bounded.
    """

    def __init__(
        self, data_dir: Path, slot: str, find_peer: Callable[[socket.socket], PeerUser] = peer_of
    ) -> None:
        self._data_dir = data_dir
        self._slot = slot
        self._find_peer = find_peer
        self._handlers: dict[type[Question[Any, Any]], Handler] = {}
        self._running: dict[asyncio.Task[object], type[Question[Any, Any]]] = {}
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, if it does not yet. Raises OSError: not now (a full disk has no room for a socket's name)."""
        if self._server is not None:
            return
        with socket_directory(self._data_dir, make=True) as directory:
            bound = directory.bind(socket_name(self._slot))
        self._server = await asyncio.start_unix_server(self._begin, sock=bound)

    async def close(self) -> None:
        """Hang up on everybody. The socket's name goes; a successor may have taken it already."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        await _cancelled(self._conversations)
        with contextlib.suppress(OSError), socket_directory(self._data_dir) as directory:
            directory.remove(socket_name(self._slot))

    @contextlib.asynccontextmanager
    async def answering(self, *handlers: Handlers) -> AsyncIterator[None]:
        """Answer these questions within the block."""
        mine: Mapping[type[Question[Any, Any]], Handler] = {
            question: handler for each in handlers for question, handler in each.by_type.items()
        }
        self._handlers.update(mine)
        try:
            yield
        finally:
            for question in mine:
                del self._handlers[question]
            await _cancelled(task for task, of in self._running.items() if of in mine)  # AS2

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            await self._converse(reader, writer)
        except asyncio.CancelledError:
            # We stop: the task ends here, and nobody waits for what it raises
            writer.write(frame_of(_STOPPING))
        except (OSError, TimeoutError):  # the asker is gone, or does not read
            writer.transport.abort()
        except Exception:  # noqa: BLE001 - a task boundary
            log_exception("admin_socket_failed")
        finally:
            self._conversations.discard(task)
            await _closed(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = self._find_peer(writer.get_extra_info("socket"))
        if peer.uid not in (0, os.geteuid()):  # AS1
            log("admin_refused", "warning", uid=peer.uid, pid=peer.pid)
            text = "only root and the server's user may ask this server"
            await _send(writer, frame_of(Refused("forbidden", text)))
            return
        if len(self._conversations) > MAX_CONNECTIONS:  # AS3
            text = f"{MAX_CONNECTIONS} commands talk to this process already; try again later"
            await _send(writer, frame_of(Refused("busy", text)))
            return
        frames = Frames(MAX_QUESTION_OCTETS)
        asker = Asker(peer, writer)
        try:
            while (frame := await _next_frame(reader, frames)) is not None:
                octets = read_asked(frame)
                question = octets if isinstance(octets, Refused) else read_question(octets)
                if isinstance(question, Refused):
                    await _send(writer, frame_of(question))
                    return
                answer = await self._answer(question, asker, reader, writer)
                await _send(writer, answer_frame(answer))
        except FrameError as error:
            await _send(writer, frame_of(Refused("malformed", str(error))))

    async def _answer(
        self,
        question: AnyQuestion,
        asker: Asker,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> object:
        """Have the question handled while its asker waits. Raises ConnectionResetError when they hang up."""
        handler = self._handlers.get(type(question))
        if handler is None:
            return Refused(
                "not_here",
                f"the process {self._slot} does not answer that (or not yet, or no more)",
            )
        task = asyncio.create_task(_handled(handler, question, asker))
        self._running[task] = type(question)
        hang_up = asyncio.create_task(reader.read(1))
        try:
            while not task.done():
                await asyncio.wait(
                    (task, hang_up), timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if hang_up.done():
                    raise ConnectionResetError("the asker hung up, or speaks out of turn")
                if not task.done() and writer.transport.get_write_buffer_size() == 0:
                    writer.write(frame_of(Alive()))
            return _STOPPING if task.cancelled() else task.result()
        finally:
            hang_up.cancel()
            await _cancelled([task])
            del self._running[task]


async def _handled(handler: Handler, question: AnyQuestion, asker: Asker) -> object:
    try:
        return await handler(question, asker)
    except ConnectionError:  # of the asker
        raise
    except Exception as error:  # noqa: BLE001 - a task boundary: the process lives on
        log_exception("admin_question_failed", question=question_name(question))
        return Refused(
            "failed", f"the server failed to answer ({type(error).__name__}: {error}); see its log"
        )


async def _next_frame(reader: asyncio.StreamReader, frames: Frames) -> bytes | None:
    """Return the next question's frame, None when nothing more comes. Raises FrameError, TimeoutError."""
    async with asyncio.timeout(QUESTION_S):
        while True:
            for frame in frames:
                return frame
            octets = await reader.read(_CHUNK_OCTETS)
            if not octets:
                return None
            frames.receive(octets)


async def _send(writer: asyncio.StreamWriter, octets: bytes) -> None:
    """Raises TimeoutError, OSError."""
    writer.write(octets)
    async with asyncio.timeout(SEND_S):
        await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close once what was written is sent, or soon."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them and wait until they have ended, whatever they raise."""
    ending = [each for each in tasks if each is not asyncio.current_task()]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
