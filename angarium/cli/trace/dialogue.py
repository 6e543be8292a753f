"""One SMTP dialogue as a person watches it: each line with its direction and time, secrets left out.

A plain blocking-style client on asyncio streams: it is read by people, so it goes command by command, and knows
nothing of queues.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from cryptography import x509

from angarium.mta.transport.peer import os_reason
from angarium.smtp.client.capabilities import Capabilities, parse_capabilities
from angarium.smtp.client.command import ehlo_argument, path
from angarium.smtp.reply import PeerError, Reply, ReplyParser, clean_text

_READ_OCTETS: Final = 65_536
_AUTH: Final = re.compile(r"^(AUTH\s+\S+)\s+\S.*$", re.IGNORECASE)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the dialogue, safe to show."""

    at_ms: int  # since the start
    direction: Literal[">", "<", "*"]  # sent, received, ours to say
    text: str


class DialogueError(Exception):
    """The dialogue cannot go on; the text says why."""


class Dialogue:
    """Invariant: everything sent or received is shown, through ``_redacted`` and ``clean_text``."""

    def __init__(self, show: Callable[[Line], None], timeout_s: float) -> None:
        self._show = show
        self._timeout_s = timeout_s
        self._start = time.monotonic()
        self._parser = ReplyParser()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.capabilities = Capabilities()

    async def connect(
        self, address: str, port: int, context: ssl.SSLContext | None, name: str
    ) -> None:
        """Raises DialogueError."""
        self.note(f"connecting to {address} port {port}" + (" with TLS" if context else ""))
        try:
            async with asyncio.timeout(self._timeout_s):
                self._reader, self._writer = await asyncio.open_connection(
                    address, port, ssl=context, server_hostname=name if context else None
                )
        except TimeoutError:
            raise DialogueError("connection timed out") from None
        except (OSError, ValueError) as error:
            raise DialogueError(f"cannot connect: {os_reason(error)}") from error
        self.note("connected")
        if context is not None:
            self._show_tls()

    async def reply(self) -> Reply:
        """Wait for a reply and show its lines. Raises DialogueError."""
        assert self._reader is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                while (reply := self._parser.next_reply()) is None:
                    octets = await self._reader.read(_READ_OCTETS)
                    if not octets:
                        raise DialogueError("the peer closed the connection")
                    self._parser.receive(octets)
        except TimeoutError:
            raise DialogueError(f"no reply within {self._timeout_s:g} s") from None
        except PeerError as error:
            raise DialogueError(f"protocol error: {error}") from error
        except OSError as error:
            raise DialogueError(f"connection lost: {error}") from error
        for number, line in enumerate(reply.lines, 1):
            mark = " " if number == len(reply.lines) else "-"
            self._say("<", f"{reply.code}{mark}{line.decode('utf-8', 'replace')}")
        return reply

    async def command(self, text: str) -> Reply:
        """Send one command, without CRLF, and wait for the reply. Raises DialogueError."""
        assert self._writer is not None
        if not text.isprintable():
            raise DialogueError("a control character in a command: not sent")  # S9
        self._say(">", _redacted(text))
        self._writer.write(text.encode() + b"\r\n")
        return await self.reply()

    async def ehlo(self, name: str) -> Reply:
        """EHLO, or HELO where that is refused (RFC 5321 section 3.2)."""
        reply = await self.command(f"EHLO {ehlo_argument(name)}")
        if reply.code // 100 == 2:
            self.capabilities = parse_capabilities(reply)
        elif reply.code >= 500:
            reply = await self.command(f"HELO {ehlo_argument(name)}")
        return reply

    async def starttls(self, context: ssl.SSLContext, name: str) -> Reply:
        """STARTTLS and the handshake; the caller greets again. Raises DialogueError."""
        reply = await self.command("STARTTLS")
        if reply.code // 100 != 2:
            return reply
        if not self._parser.is_empty:
            self.note("octets behind the reply, before the handshake: dropped")
        self._parser.discard()  # S3
        self.capabilities = Capabilities()
        assert self._writer is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.start_tls(context, server_hostname=name)
        except TimeoutError:
            raise DialogueError("TLS handshake timed out") from None
        except (OSError, ValueError) as error:
            raise DialogueError(f"TLS handshake: {error}") from error
        self._show_tls()
        return reply

    async def probe(self, reverse_path: str, forward_paths: tuple[str, ...]) -> list[Reply]:
        """MAIL and RCPT, then RSET: nothing is sent. Returns the replies to RCPT (to MAIL when it was refused)."""
        utf8 = not all(each.isascii() for each in (reverse_path, *forward_paths))
        parameter = " SMTPUTF8" if utf8 and self.capabilities.smtputf8 else ""
        reply = await self.command(f"MAIL FROM:<{path(reverse_path)}>{parameter}")
        replies = [reply]
        if reply.code // 100 == 2:
            replies = [await self.command(f"RCPT TO:<{path(each)}>") for each in forward_paths]
        await self.command("RSET")
        return replies

    async def close(self, *, quit_first: bool) -> None:
        if self._writer is None:
            return
        try:
            if quit_first:
                await self.command("QUIT")
        except DialogueError as error:
            self.note(str(error))
        finally:
            self._writer.close()
            try:
                async with asyncio.timeout(1):
                    await self._writer.wait_closed()
            except OSError:  # TimeoutError is one; it is closed whatever it says
                pass

    def note(self, text: str) -> None:
        self._say("*", text)

    def _say(self, direction: Literal[">", "<", "*"], text: str) -> None:
        at_ms = int((time.monotonic() - self._start) * 1000)
        self._show(Line(at_ms=at_ms, direction=direction, text=clean_text(text)))

    def _show_tls(self) -> None:
        assert self._writer is not None
        tls = self._writer.get_extra_info("ssl_object")
        if tls is None:
            return
        cipher = tls.cipher()
        self.note(f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}")
        der = tls.getpeercert(binary_form=True)
        if der is not None:
            for text in certificate_lines(der):
                self.note(text)


def certificate_lines(der: bytes) -> list[str]:
    """What a person wants to know of a certificate: whose, from whom, until when, for which names."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        lines = [
            f"certificate of {certificate.subject.rfc4514_string() or '(no subject)'}",
            (
                f"issued by {certificate.issuer.rfc4514_string() or '(no issuer)'}, "
                f"valid until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            ),
        ]
    except ValueError:
        return ["certificate that cannot be read"]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        lines.append("names: " + ", ".join(str(each.value) for each in names))
    except (x509.ExtensionNotFound, ValueError):
        lines.append("names: none")
    return lines


def _redacted(command: str) -> str:
    return _AUTH.sub(r"\1 [redacted]", command)
