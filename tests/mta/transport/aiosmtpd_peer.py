"""aiosmtpd in the test's own loop, on a port of the system's choice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP


class Picky:
    """A handler that refuses recipients whose name begins with ``no``."""

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address.startswith("no"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@asynccontextmanager
async def aiosmtpd_peer(handler: Any, **settings: Any) -> AsyncIterator[int]:
    """Yield the port it listens on."""
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(handler, hostname="mx.example", loop=loop, **settings))
        return sessions[-1]

    server = await loop.create_server(session, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in sessions:
            if each.transport is not None and not each.transport.is_closing():  # 3.11.2: once only
                each.transport.abort()
        await asyncio.sleep(0)
