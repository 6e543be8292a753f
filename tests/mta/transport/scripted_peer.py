"""SMTP servers for the client's tests: real sockets on loopback, and a script for each connection in turn."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Script = Callable[["Talk"], Awaitable[None]]
DEADLINE_S = 10.0


class Talk:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.lines: list[bytes] = []  # commands received

    def say(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def hear(self) -> bytes:
        """One line, without CRLF."""
        async with asyncio.timeout(DEADLINE_S):
            line = await self._reader.readuntil(b"\r\n")
        self.lines.append(line[:-2])
        return line[:-2]

    async def hear_until(self, line: bytes) -> None:
        """Lines up to and with this one."""
        while await self.hear() != line:
            pass

    async def hear_content(self) -> bytes:
        """Everything up to CRLF . CRLF, without it."""
        async with asyncio.timeout(DEADLINE_S):
            return (await self._reader.readuntil(b"\r\n.\r\n"))[:-3]

    async def hear_octets(self, count: int) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readexactly(count)

    async def greet(self, *extensions: str) -> None:
        """Banner, and a reply to EHLO."""
        self.say(b"220 mx.example ESMTP\r\n")
        await self.answer_ehlo(*extensions)

    async def answer_ehlo(self, *extensions: str) -> None:
        assert (await self.hear()).startswith(b"EHLO ")
        lines = ("mx.example", *extensions)
        for line in lines[:-1]:
            self.say(f"250-{line}\r\n".encode())
        self.say(f"250 {lines[-1]}\r\n".encode())

    async def start_tls(self, context: ssl.SSLContext) -> None:
        assert await self.hear() == b"STARTTLS"
        self.say(b"220 go\r\n")
        async with asyncio.timeout(DEADLINE_S):
            await self.writer.start_tls(context)

    async def until_closed(self) -> None:
        """Read and drop what comes until the client is gone."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._reader.read(65536):
                pass

    def stop_reading(self) -> None:
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def drop(self) -> None:
        if not self.writer.transport.is_closing():  # Python 3.11.2 aborts a TLS transport once only
            self.writer.transport.abort()


class ScriptedPeer:
    """Serves connections in turn with the scripts given; the last one repeats."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self._tasks: set[asyncio.Task[None]] = set()
        self.talks: list[Talk] = []
        self.failures: list[BaseException] = []

    async def __aenter__(self) -> "ScriptedPeer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for talk in self.talks:
            talk.drop()
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        script = self._scripts[min(len(self.talks), len(self._scripts) - 1)]
        talk = Talk(reader, writer)
        self.talks.append(talk)
        try:
            await script(talk)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client went: it may
        except Exception as error:
            self.failures.append(error)
        finally:
            talk.writer.close()


class Certificates:
    """A certificate authority of its own, and a server's certificate for ``names``.

    Plain ones, as of `openssl x509 -req`: without key identifiers, which Python 3.13 asks for by default and we do not.
    """

    def __init__(self, directory: Path, *names: str, days: int = 30) -> None:
        self.ca_file = directory / "ca.pem"
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("Test CA", ca_key, None, ca_key, (), days=365, is_ca=True)
        self.ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(names[0], key, ca, ca_key, names, days=days, is_ca=False)
        chain = directory / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(leaf.public_bytes(Encoding.PEM) + private)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(chain)
        self.asked: list[str | None] = []  # server names of handshakes

        def note(_: object, name: str | None, __: object) -> None:
            self.asked.append(name)

        self.server.sni_callback = note


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    *,
    days: int,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if names:
        alternatives = [
            x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each)
            for each in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
