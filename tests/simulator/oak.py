"""A provider to talk to, and the ways to talk."""

import asyncio
import smtplib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiosmtplib

from angarium.simulator.internet import Internet

MESSAGE = b"From: a@sender.example\r\nTo: b@oak.example\r\nMessage-ID: <1@sender.example>\r\n\r\nHello\r\n"


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Oak:
    """A running internet with one provider, oak.example."""

    def __init__(self, net: Internet, clock: Clock) -> None:
        self.net = net
        self.clock = clock
        self.mailboxes = net.mailboxes["oak"]
        self.statistics = self.mailboxes.statistics
        self.host = net.addresses("oak")[0]
        self.port = net.smtp_port

    def client(self, **options: Any) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            timeout=10,
            start_tls=options.pop("start_tls", False),
            local_hostname="client.example",
            **options,
        )

    async def send(
        self,
        *recipients: str,
        content: bytes = MESSAGE,
        reverse_path: str = "a@sender.example",
        **options: Any,
    ) -> tuple[int, str]:
        """Send one message over a connection of its own; returns the last reply, whatever it was."""
        async with self.client(**options) as client:
            return await exchange(client, *recipients, content=content, reverse_path=reverse_path)


async def exchange(
    client: aiosmtplib.SMTP,
    *recipients: str,
    content: bytes = MESSAGE,
    reverse_path: str = "a@sender.example",
) -> tuple[int, str]:
    try:
        await client.mail(reverse_path)
        for recipient in recipients or ("b@oak.example",):
            await client.rcpt(recipient)
        reply = await client.data(content)
    except aiosmtplib.SMTPResponseException as error:
        return error.code, error.message
    return reply.code, reply.message


OakFactory = Callable[..., AbstractAsyncContextManager[Oak]]


async def dialogue(host: str, port: int, octets: bytes) -> list[bytes]:
    """Send everything at once, then read to the end; returns the last line of each reply."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(10):
            writer.write(octets)
            lines = []
            while line := await reader.readline():
                if line[3:4] == b" ":
                    lines.append(line.rstrip())
            return lines
    finally:
        writer.close()


def smtplib_session(host: str, port: int) -> smtplib.SMTP:
    return smtplib.SMTP(host, port, local_hostname="client.example", timeout=10)
