"""Dialects on a real port, in a thread of their own, before a Sending that remembers what it was given."""

import asyncio
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from angarium.api.access import Access
from angarium.api.app import Served, make_application
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.compat.mailgun.dialect import Mailgun
from angarium.api.compat.ses.account import AccountFigures
from angarium.api.compat.ses.dialect import Ses
from angarium.api.compat.ses.signed import SignedCallers
from angarium.api.compat.ses.suppressed_list import SuppressedList
from angarium.api.rates import LocalRates
from angarium.intake.order import Caller, Fault, Order, Sent
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import UnixMs
from angarium.tenancy.key_text import key_digest, new_key_text, ses_access_key_id, ses_secret
from angarium.tenancy.model import Domain, Key, KeyKind, KeySecret, Tenant
from angarium.tenancy.snapshot import Snapshot, SnapshotData

T = TypeVar("T")
MASTER = b"m" * 32
TENANTS = ("acme", "other")
SES_KEY = "sesacmesesacmese"


class GivenKey(msgspec.Struct, frozen=True, kw_only=True):
    key: Key
    text: str  # what its owner has


class KeptSending:
    """Takes all, in order, unless it is told what to answer."""

    def __init__(self) -> None:
        self.orders: list[tuple[Order, ...]] = []
        self.callers: list[Caller] = []
        self.keys: list[str] = []
        self.answers: list[Fault | tuple[Sent | Fault, ...] | None] = []

    async def send(
        self,
        caller: Caller,
        orders: Sequence[Order | Fault],
        *,
        once: str = "",
        strict: bool = True,
    ) -> tuple[Sent | Fault, ...] | Fault:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            return answer
        self.callers.append(caller)
        self.keys.append(once)
        self.orders.append(tuple([each for each in orders if isinstance(each, Order)]))
        assert not strict or len(self.orders[-1]) == len(orders)
        return tuple(
            each
            if isinstance(each, Fault)
            else Sent(
                email_id=f"id-{len(self.orders)}-{at}",
                message_id=f"<id-{len(self.orders)}-{at}@example.com>",
                status="pending",
                accepted_at=UnixMs(0),
            )
            for at, each in enumerate(orders)
        )

    @property
    def last(self) -> Order:
        (order,) = self.orders[-1]
        return order


class DialectServer:
    """``with DialectServer() as server``. Its clock is real, since clients sign by theirs."""

    def __init__(self) -> None:
        self.sending = KeptSending()
        self.skew_s = 0.0
        self.stopped: UnixMs | None = None  # of rates alone
        self.keys: dict[str, GivenKey] = {}
        self.spool = MemorySpool(self.clock)
        self.audited: list[tuple[str, str, str]] = []  # tenant, action, subject
        for tenant in TENANTS:
            self.add_key(f"{tenant}-api", tenant, "api")
            self.add_key(f"{tenant}-ses", tenant, "ses")
        self.figures = AccountFigures(per_second=100)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clock(self) -> UnixMs:
        return UnixMs(int((time.time() + self.skew_s) * 1000))

    def add_key(
        self,
        name: str,
        tenant: str,
        kind: KeyKind,
        *,
        rate: int = 1000,
        scopes: str = "*",
        **more: Any,
    ) -> GivenKey:
        key_id = "".join(each for each in name if each.isalnum()).ljust(16, "x")[:16]
        text = new_key_text(kind, key_id, lambda count: name.encode().ljust(count, b"-")[:count])
        secrets = more.pop("secrets", None) or (
            KeySecret(
                version=1, digest=b"" if kind == "ses" else key_digest(text), created=UnixMs(0)
            ),
        )
        key = Key(
            id=key_id,
            tenant=tenant,
            kind=kind,
            scopes=(scopes,),
            rate=rate,
            created=UnixMs(0),
            secrets=secrets,
            **more,
        )
        self.keys[name] = GivenKey(key=key, text=text)
        return self.keys[name]

    def snapshot(self) -> Snapshot:
        return Snapshot(
            SnapshotData(
                tenants=tuple(Tenant(id=each, name=each, created=UnixMs(0)) for each in TENANTS),
                keys=tuple(each.key for each in self.keys.values()),
                domains=tuple(
                    Domain(
                        id=tenant,
                        tenant=tenant,
                        name=name,
                        token="",
                        created=UnixMs(0),
                        verified=UnixMs(1),
                    )
                    for tenant, name in zip(TENANTS, ("example.com", "other.example"), strict=True)
                ),
            )
        )

    def access_key(self, name: str) -> str:
        return ses_access_key_id(self.keys[name].key.id)

    def secret(self, name: str, version: int = 1) -> str:
        return ses_secret(MASTER, self.keys[name].key.id, version)

    def basic(self, name: str = "acme-api") -> str:
        return "Basic " + b64encode(f"api:{self.keys[name].text}".encode()).decode()

    def run(self, work: Callable[[], Any]) -> Any:
        """Return what a coroutine function returns, run in the server's loop."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work(), self._loop)
        return future.result(30)

    async def _note(self, caller: Caller, action: str, subject: str, **_: str) -> None:
        self.audited.append((caller.tenant, action, subject))

    def __enter__(self) -> "DialectServer":
        self._thread.start()
        self.run(self._start)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._runner.cleanup)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        access = Access(self.snapshot, lambda: self.stopped or self.clock(), LocalRates(), 100_000)
        callers = SignedCallers(
            access,
            self.snapshot,
            lambda key_id, version: ses_secret(MASTER, key_id, version),
            self.clock,
        )
        suppressed = SuppressedList(self.spool.suppressions, self.clock, self._note)
        dialects = (
            Mailgun(Callers(access), self.sending, self.clock),
            Ses(callers, self.sending, suppressed, lambda _caller: self.figures),
        )
        self._runner = web.AppRunner(make_application(Served(dialects=dialects)))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
