"""Asks clamd whether there is malware in a message: INSTREAM over a Unix or TCP socket, a connection for each.

Its protocol is some lines; of libraries none speaks to Unix sockets, which is how clamd is set up.
"""

import asyncio
import re
from typing import Final

import msgspec

from angarium.config.address import parse_host_port

CHUNK_OCTETS: Final = 65_536
_FOUND: Final = re.compile(r"stream: (.{1,200}) FOUND")


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    malware: str = ""  # its name; "": there is none
    trouble: str = ""  # why nobody knows


class Clamd:
    """Invariant CK1: an answer comes within the time-out, whatever clamd does; it never raises for that."""

    def __init__(self, place: str, *, timeout_s: float, octets: int) -> None:
        """``place``: ``unix:/path`` or ``host:port``. ``octets``: no larger message is handed over."""
        self._path = place.removeprefix("unix:") if place.startswith("unix:") else None
        self._place = None if self._path is not None else parse_host_port(place)
        self._timeout_s = timeout_s
        self._octets = octets

    async def scan(self, content: bytes) -> Scanned:
        if len(content) > self._octets:
            text = f"the message has {len(content)} octets, more than check.clamd_octets"
            return Scanned(trouble=text)
        try:
            async with asyncio.timeout(self._timeout_s):  # CK1
                answer = await self._ask(content)
        except TimeoutError:
            return Scanned(trouble=f"clamd has not answered within {self._timeout_s:g} s")
        except OSError as error:
            return Scanned(trouble=f"clamd: {error.strerror or type(error).__name__}")
        if answer == "stream: OK":
            return Scanned()
        if found := _FOUND.fullmatch(answer):
            return Scanned(malware=found[1])
        return Scanned(trouble=f"clamd: {answer[:200] or 'it has closed the connection'}")

    async def _ask(self, content: bytes) -> str:
        if self._path is not None:
            reader, writer = await asyncio.open_unix_connection(self._path)
        else:
            assert self._place is not None
            reader, writer = await asyncio.open_connection(self._place.host, self._place.port)
        try:
            return await self._asked(reader, writer, content)
        finally:
            writer.close()

    async def _asked(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes
    ) -> str:
        try:
            writer.write(b"zINSTREAM\0")
            for at in range(0, len(content), CHUNK_OCTETS):
                chunk = content[at : at + CHUNK_OCTETS]
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
        except ConnectionError:
            pass  # it has refused in the middle, and perhaps said why
        try:
            answer = await reader.readuntil(b"\0")
        except asyncio.IncompleteReadError as error:
            answer = error.partial
        except asyncio.LimitOverrunError:
            answer = b""
        return answer.decode("utf-8", "replace").strip("\0\r\n ")
