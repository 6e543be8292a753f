"""A campaign of a running server to a simulated internet, whose mailboxes do as planned; and what each of them says."""

import asyncio
import io
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from angarium.simulator.internet import Internet
from angarium.simulator.scenario import (
    Behaviour,
    MailboxRule,
    Report,
    Scenario,
    SimulatedProvider,
)
from tests.balance.hooks import Hooks
from tests.balance.plan import PROVIDERS, READERS, Fate, Mailbox, make_plan
from tests.balance.readers import HOST, Readers
from tests.faults.harness import loopback_address
from tests.faults.server import HTTP_PORT, TOP, Server

INBOUND_PORT = 2626
GREYLIST_S = 0.2
START_S = 120.0  # of a server, however busy the machine is
STREAM, SENDER_DOMAIN = "news", "balance.example"
PATH = "/v1/email/campaigns"
HTML = (
    '<html><body><p>Hello.</p><p><a href="https://shop.example/1">one</a></p>'
    '<p><a href="https://shop.example/2">two</a></p></body></html>'
)
DELIVERY = "port = {port}\nallow_private = true\nexpire_s = 86400.0\n"
MORE = """
[dns]
nameservers = ["{nameserver}"]

[[listener]]
kind = "inbound"
address = "{host}:{inbound}"

[feedback]
return_path_domain = "returns.balance.example"

[tracking]
host = "{tracking}"
insecure = true
opens = true
clicks = true
judged_after_s = 1
proxies = ["127.0.0.0/8"]

[breaker]
enabled = false

[webhook]
allow_networks = ["127.0.0.0/8"]

[[stream]]
name = "{stream}"
list_unsubscribe = true
commercial = false

[[provider]]
name = "cedar"
domains = ["cedar.example"]

[[provider]]
name = "oak"
domains = ["oak.example"]
"""
# So many bounces and complaints would stop any sender in earnest
MORE += "".join(
    f'[[rule]]\nname = "{what}-share{how}"\nenabled = false\n'
    for what in ("bounce", "complaint")
    for how in ("", "-suspend")
)


def scenario(reports_to: str) -> Scenario:
    def rule(fate: Fate, **does: Any) -> MailboxRule:
        return MailboxRule(local=f"{fate}-*", behaviour=Behaviour(**does))

    rules = (
        rule(Fate.GREY, greylist_s=GREYLIST_S),
        rule(Fate.REFUSED, refuse="unknown"),
        rule(Fate.GONE, report=Report(kind="dsn", after_s=0.3)),
        rule(Fate.FULL, report=Report(kind="dsn", after_s=0.3, status="5.2.2")),
        rule(Fate.COMPLAINS, report=Report(kind="arf", after_s=0.3)),
    )
    return Scenario(
        provider=tuple(
            SimulatedProvider(name=name, domains=(domain,), tls="none", mailboxes=rules)
            for name, domain in PROVIDERS.items()
        ),
        reports_to=reports_to,
        keep_messages=1_000_000,
        keep_reports=1_000_000,
    )


class World:
    """Start with ``run_world``."""

    def __init__(
        self, server: Server, net: Internet, hooks: Hooks, plan: list[Mailbox], seed: int
    ) -> None:
        self.server = server
        self.net = net
        self.hooks = hooks
        self.plan = plan
        self.chance = random.Random(seed)
        self.base = f"http://{server.host}:{HTTP_PORT}"
        self.readers = Readers(self.base, random.Random(seed + 1))
        self.campaign = ""
        self._readers = sum(each.fate in READERS for each in plan)
        self._key = ""
        self._session: aiohttp.ClientSession

    async def command(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *self.server.command("-c", str(self.server.config), *words),
            env={**os.environ, "PYTHONPATH": str(TOP)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        return out.decode()

    async def ask(self, method: str, path: str, body: Any = None, *, data: bytes = b"") -> Any:
        """Ask until somebody answers: whoever answers may be killed."""
        until = time.monotonic() + 60
        while True:
            try:
                async with self._session.request(
                    method,
                    self.base + path,
                    json=body,
                    # A file, of which pieces are read: it may be large
                    data=io.BytesIO(data) if data else None,
                    headers={"X-API-Key": self._key},
                ) as answer:
                    found = await answer.read()
                    if answer.status < 300:
                        return json.loads(found) if found else None
                    assert answer.status in (503, 500) and time.monotonic() < until, found  # noqa: PT018
            except (aiohttp.ClientError, TimeoutError, OSError):
                assert time.monotonic() < until
            await asyncio.sleep(0.3)

    async def prepare(self) -> None:
        await self.command("domain", "add", SENDER_DOMAIN, "--assume-verified")
        self._key = json.loads(await self.command("key", "create", "--scopes", "*", "--json"))[
            "key"
        ]
        await self.ask("POST", "/v1/webhooks", {"url": self.hooks.url, "events": ["email.*"]})
        await asyncio.sleep(1.5)  # it is in force within a second

    async def send(self) -> None:
        """Upload the list, and begin."""
        text = "email\n" + "".join(f"{each.address}\n" for each in self.plan)
        octets = text.encode()
        made = await self.ask("POST", "/v1/uploads", {"filename": "a.csv", "size": len(octets)})
        await self.ask("PUT", "/" + made["url"].split("/", 3)[3], data=octets)
        asked = {
            "uploadId": made["uploadId"],
            "from": f"news@{SENDER_DOMAIN}",
            "subject": "News",
            "bodyHtml": HTML,
            "stream": STREAM,
        }
        self.campaign = (await self.ask("POST", PATH, asked))["transactionId"]

    async def watch(self) -> None:
        """Hand what arrives to its readers, and bring reports again that were not taken. Until cancelled."""
        while True:
            for mailboxes in self.net.mailboxes.values():
                while mailboxes.messages:
                    self.readers.take(mailboxes.messages.popleft())
            while self.net.outbox:
                self.net._queue_report(self.net.outbox.popleft())
            await asyncio.sleep(0.05)

    async def kill_one(self) -> None:
        """Kill a role by chance, or all; and wait until it is there again."""
        server = self.server
        slots = sorted(server.children())
        slot = self.chance.choice([*slots, "all"])
        if slot == "all" or slot.startswith("ingress"):
            self.readers.kills.append(time.monotonic())
        if slot == "all":
            server.kill_all()
            server.start()
            await server.wait_ready(START_S)
        else:
            pid = server.kill_child(slot)
            await until(lambda: server.children().get(slot, pid) != pid, f"{slot} is there again")
        if slot == "all" or slot.startswith("ingress"):
            self.readers.kills.append(time.monotonic())

    async def stats(self, by: str) -> dict[str, dict[str, Any]]:
        found = await self.ask("GET", f"/v1/stats?by={by}&limit=1000")
        return {each["key"]: each for each in found["rows"]}

    async def summary(self) -> dict[str, Any]:
        found = await self.ask("GET", f"{PATH}/{self.campaign}")
        return {"status": found["status"], **found["summary"]}

    async def statuses(self) -> dict[str, str]:
        """Return by address what the history says."""
        found: dict[str, str] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = await self.ask("GET", f"/v1/emails?limit=200&cursor={cursor}")
            for each in page["emails"]:
                (recipient,) = each["recipients"]
                assert recipient["address"] not in found, recipient
                found[recipient["address"]] = recipient["status"]
            cursor = page["cursor"]
        return found

    def copies(self) -> Counter[str]:
        """Return how often each address was delivered to, as the simulator has counted it."""
        found: Counter[str] = Counter()
        for mailboxes in self.net.mailboxes.values():
            for (_, address), number in mailboxes.copies.items():
                found[address] += number
        return found

    def mail_log(self) -> list[dict[str, Any]]:
        raw = (self.server.data_dir / "mail.log").read_bytes()
        return [json.loads(line) for line in raw.splitlines()]

    async def until_taken(self, copies: int) -> None:
        await until(lambda: self.taken >= copies, f"{copies} copies are taken", 3600)

    @property
    def taken(self) -> int:
        """How many copies the simulator took."""
        return sum(each.statistics.accepted for each in self.net.mailboxes.values())

    @property
    def is_read(self) -> bool:
        """Whether every reader of the plan has done what they do."""
        return self.readers.is_idle and len(self.readers.done) == self._readers


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout_s} s"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def run_world(directory: Path, size: int, seed: int) -> AsyncIterator[World]:
    host = loopback_address(seed)
    net = Internet(scenario(f"{host}:{INBOUND_PORT}"))
    async with net, Hooks(host) as hooks:
        server = Server(
            directory,
            host,
            routes="",
            delivery=DELIVERY.format(port=net.smtp_port),
            more=MORE.format(
                nameserver=net.dns_address,
                host=host,
                inbound=INBOUND_PORT,
                tracking=HOST,
                stream=STREAM,
            ),
        )
        world = World(server, net, hooks, make_plan(size, seed), seed + 2)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            world._session = session
            try:
                server.start()
                await server.wait_ready(START_S)
                await world.prepare()
                async with world.readers:
                    watching = asyncio.create_task(world.watch())
                    try:
                        yield world
                    finally:
                        watching.cancel()
            finally:
                print(server.log_tail()[-1500:], file=sys.stderr)
                server.close()
