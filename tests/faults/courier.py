"""SMTP clients that bring mails one by one, each until it has its 250 or is refused for good."""

import asyncio
import os
from collections import Counter, deque
from pathlib import Path

import msgspec

REPLY_S = 20.0  # longer than anything that the server may take for a reply under these faults
AGAIN_S = 0.05


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to bring, and what it has to come to."""

    reverse_path: str
    recipient: str  # of the envelope
    content: bytes  # no line of it begins with a dot
    about: str  # the address that it is about
    event: str = ""  # that follows; "": it is refused at RCPT
    names: str = ""  # the recipient of that event
    reason: str = ""  # of that event
    suppresses: bool = False


class Book:
    """What there is to bring, and what became of it.

    Invariant: an acknowledgement is on disk before the next octet is read from the server.
    """

    def __init__(self, file: Path) -> None:
        self.due: deque[Errand] = deque()
        self.under_way = 0
        self.acknowledged: dict[str, Errand] = {}  # by the id in the 250
        self.rejected: list[Errand] = []  # for good
        self.refused: Counter[int] = Counter()  # for now, by reply code
        self.offered = 0  # final dots that were sent
        self.stuck = 0  # no reply within the time limit
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._out)

    @property
    def is_done(self) -> bool:
        return not self.due and not self.under_way

    def acknowledge(self, errand: Errand, identity: str) -> None:
        """Write down a 250. On disk when it returns."""
        os.write(self._out, f"{identity} {errand.event} {errand.about}\n".encode())
        os.fdatasync(self._out)
        self.acknowledged[identity] = errand


class _ConnectionBrokenError(Exception):
    """The server went away, or said so."""


class Courier:
    """One client. It begins with the oldest errand, and what broke off comes first again."""

    def __init__(self, host: str, port: int, book: Book) -> None:
        self._host = host
        self._port = port
        self._book = book

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            if self._book.due:
                try:
                    await self._session()
                    continue
                except (OSError, _ConnectionBrokenError, asyncio.IncompleteReadError):
                    pass
            await asyncio.sleep(AGAIN_S)

    async def _session(self) -> None:
        """Bring what is due; the end of it is the end of the session."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        try:
            if (await self._reply())[0] != 220:
                raise _ConnectionBrokenError
            await self._say(b"EHLO mx.elsewhere.example\r\n")
            while self._book.due:
                errand = self._book.due.popleft()
                self._book.under_way += 1
                is_brought = False
                try:
                    is_brought = await self._bring(errand)
                finally:
                    self._book.under_way -= 1
                    if not is_brought:
                        self._book.due.appendleft(errand)
                if not is_brought:
                    await asyncio.sleep(AGAIN_S)
        finally:
            self._writer.close()

    async def _bring(self, errand: Errand) -> bool:
        """Return whether it is settled: taken, or refused for good."""
        for line in (
            f"MAIL FROM:<{errand.reverse_path}>\r\n",
            f"RCPT TO:<{errand.recipient}>\r\n",
            "DATA\r\n",
        ):
            code, _ = await self._say(line.encode())
            if code not in (250, 354):
                await self._say(b"RSET\r\n")
                return self._is_final(errand, code)
        self._book.offered += 1
        code, text = await self._say(errand.content + b".\r\n")
        if code == 250:
            self._book.acknowledge(errand, text.split()[-1])
            return True
        return self._is_final(errand, code)

    def _is_final(self, errand: Errand, code: int) -> bool:
        if code >= 500:
            self._book.rejected.append(errand)
            return True
        self._book.refused[code] += 1
        return False

    async def _say(self, octets: bytes) -> tuple[int, str]:
        self._writer.write(octets)
        return await self._reply()

    async def _reply(self) -> tuple[int, str]:
        try:
            async with asyncio.timeout(REPLY_S):
                while (line := (await self._reader.readuntil(b"\n")).decode())[3] == "-":
                    pass
        except TimeoutError:
            self._book.stuck += 1
            raise _ConnectionBrokenError from None
        code = int(line[:3])
        if code == 421:
            self._book.refused[421] += 1
            raise _ConnectionBrokenError
        return code, line[4:].strip()
