"""SMTP clients that keep the server busy: pipelined, rate-limited, and back as soon as it is."""

import asyncio

from tests.faults.ledger import Ledger, Letter

REPLY_S = 20.0  # longer than anything that the server may take for a reply under these faults
AGAIN_S = 0.02


class _ConnectionBrokenError(Exception):
    """The server went away, or said so."""


class Injector:
    """One client: the next message's commands travel with the final dot of the one before."""

    def __init__(self, host: str, port: int, ledger: Ledger, per_second: float) -> None:
        self._host = host
        self._port = port
        self._ledger = ledger
        self.interval_s = 1 / per_second
        self.octets = 0  # of the letters; 0: random
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Send until ``stop``."""
        while not self.stop.is_set():
            try:
                await self._session()
            except (OSError, _ConnectionBrokenError, asyncio.IncompleteReadError):
                await asyncio.sleep(AGAIN_S)

    async def _session(self) -> None:
        reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._reader = reader
        try:
            await self._expect(220)
            self._writer.write(b"EHLO client.example\r\n")
            await self._expect(250)
            letter = self._ledger.next_letter(self.octets)
            self._writer.write(_envelope(letter))
            while True:
                following = await self._send(letter)
                if following is None:
                    self._writer.write(b"QUIT\r\n")
                    return
                letter = following
        finally:
            self._writer.close()

    async def _send(self, letter: Letter) -> Letter | None:
        """Send a letter whose commands are under way already, and the commands of the next one, which is returned."""
        begun = asyncio.get_running_loop().time()
        codes = [(await self._reply())[0] for _ in range(len(letter.recipients) + 2)]
        if codes[-1] != 354:
            self._ledger.refused[codes[0] if codes[0] >= 400 else codes[1]] += 1
            await self._pause(begun)
            return None if self.stop.is_set() else self._begin_next(b"RSET\r\n")
        assert all(code == 250 for code in codes[:-1]), codes
        following = None if self.stop.is_set() else self._ledger.next_letter(self.octets)
        self._ledger.offered += 1
        dot = letter.content + b".\r\n"
        self._writer.write(dot + (_envelope(following) if following else b""))
        code, text = await self._reply()
        if code == 250:
            self._ledger.acknowledge(letter, text.split()[-1])
        else:
            self._ledger.refused[code] += 1
        await self._pause(begun)
        return following

    def _begin_next(self, before: bytes) -> Letter:
        following = self._ledger.next_letter(self.octets)
        self._writer.write(before + _envelope(following))
        self._skip = 1
        return following

    _skip = 0  # replies to RSET still to come

    async def _pause(self, begun: float) -> None:
        spent = asyncio.get_running_loop().time() - begun
        await asyncio.sleep(max(0.0, self.interval_s - spent))

    async def _expect(self, wanted: int) -> None:
        code, _ = await self._reply()
        if code != wanted:
            self._ledger.refused[code] += 1
            raise _ConnectionBrokenError

    async def _reply(self) -> tuple[int, str]:
        try:
            async with asyncio.timeout(REPLY_S):
                while True:
                    line = (await self._reader.readuntil(b"\n")).decode()
                    if line[3] == "-":
                        continue
                    if not self._skip:
                        break
                    self._skip -= 1
        except TimeoutError:
            self._ledger.stuck.append("no reply")
            raise _ConnectionBrokenError from None
        code = int(line[:3])
        if code == 421:
            self._ledger.refused[421] += 1
            raise _ConnectionBrokenError
        return code, line[4:].strip()


def _envelope(letter: Letter) -> bytes:
    recipients = "".join(f"RCPT TO:<{each}>\r\n" for each in letter.recipients)
    return f"MAIL FROM:<a@sender.example>\r\n{recipients}DATA\r\n".encode()
