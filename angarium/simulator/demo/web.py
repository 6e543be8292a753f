"""The application that sends by the HTTP API, and hears by a webhook what becomes of its mail."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from angarium.client import AsyncClient, Email, Tracking
from angarium.simulator.demo.plan import HTML, TEXT, Planned
from angarium.simulator.demo.standing import run_postmaster

TENANT: Final = "default"
# Between two messages, as in ``traffic``
PAUSE_S: Final = 0.03


class _Told(msgspec.Struct, kw_only=True, rename="camel"):
    type: str
    recipient: str = ""
    email_id: str = ""


class WebApplication:
    """``async with``: its receiver listens. Whatever it does it does as any program could."""

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = {}  # types of events by recipient, in order
        self.unsigned = 0  # requests whose signature was wrong
        self.email_ids: dict[str, str] = {}  # by the recipient
        self.strangers = 0  # events of no message of its own
        self.reader = ""  # who has read one of its mails
        self._verifier: Webhook | None = None
        self._key = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"

    async def sign_up(self, config: Path, domain: str) -> None:
        """Get a key, a domain and a webhook of the operator, who has their commands. Raises ServerError."""
        made, _, hook = await asyncio.gather(
            run_postmaster(config, "key", "create", "--name", "demo", "--json"),
            run_postmaster(config, "domain", "add", domain, "--assume-verified", "--json"),
            run_postmaster(config, "webhook", "add", self.url, "--event", "email.*", "--json"),
        )
        self._key = _member(made, "key")
        self._verifier = Webhook(_member(hook, "secret"))

    async def submit(
        self, messages: Sequence[Planned], server: str, accepted: Callable[[tuple[str, ...]], None]
    ) -> None:
        """Raises ApiError, ConnectionFailedError."""
        async with AsyncClient(server, self._key) as client:
            for message in messages:
                sent = await client.send(
                    Email(
                        sender=message.sender.address,
                        to=message.recipients,
                        subject=message.sender.subject,
                        text=TEXT,
                        html=HTML,
                        tracking=Tracking(opens=True, clicks=True),
                        headers={"X-Angarium-Test": message.id},
                        tags={"type": "receipt"},
                        metadata={"message": message.id},
                    ),
                    idempotency_key=message.id,
                )
                self.email_ids.update(dict.fromkeys(message.recipients, sent.email_id))
                accepted(message.recipients)
                await asyncio.sleep(PAUSE_S)

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self._verifier is None:
            return web.Response(status=503)
        try:
            self._verifier.verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.unsigned += 1
            return web.Response(status=401)
        told = msgspec.json.decode(body, type=_Told)
        self.heard.setdefault(told.recipient, []).append(told.type)
        if self.email_ids.get(told.recipient, told.email_id) != told.email_id:
            self.strangers += 1
        return web.Response(status=204)


def _member(said: str, name: str) -> str:
    found: Any = json.loads(said)
    return str(found[name])
