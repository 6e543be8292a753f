"""The demo from start to end: folder, keys, internet, server, senders, view, verdict."""

import asyncio
import functools
import shlex
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from aiohttp import web
from rich.console import Console

from angarium.config.address import parse_host_port
from angarium.dkim import SigningKey
from angarium.dkim.record_lookup import from_nameservers
from angarium.simulator.demo.configuration import configuration
from angarium.simulator.demo.ledger import Ledger
from angarium.simulator.demo.mail_log import DemoMailLog
from angarium.simulator.demo.plan import Plan
from angarium.simulator.demo.reader import read_one
from angarium.simulator.demo.server import DemoServer, PortTakenError, choose_endpoints
from angarium.simulator.demo.standing import ask_standing
from angarium.simulator.demo.traffic import forge_bounce, submit_all
from angarium.simulator.demo.verdict import (
    VerdictLine,
    by_http,
    judge,
    reported_recipients,
    told_by_mail,
    told_of_reading,
    told_wrong,
)
from angarium.simulator.demo.view import View, guide, show_findings
from angarium.simulator.demo.web import WebApplication
from angarium.simulator.demo.world import FEEDBACK_TO, SENDER_DOMAINS, demo_scenario, make_keys
from angarium.simulator.internet import Internet
from angarium.simulator.status import status_app

# Then what has no outcome yet is late; bin/demo --once is to take less than a minute.
SETTLE_S = 45.0
TICK_S = 0.2
START_ATTEMPTS = 3
LATECOMERS_S = 1.0  # a second copy, if there were one, would come right behind


class Demo:
    """``once``: check and leave; else stay until cancelled."""

    def __init__(self, console: Console, *, once: bool) -> None:
        self._console = console
        self._once = once
        self._plan = Plan()
        self._ledger = Ledger(self._plan)
        self._web = WebApplication()
        self._started = time.monotonic()
        self.last_words = ""  # of the server, for whoever reports why the demo failed

    async def run(self) -> Sequence[VerdictLine]:
        """Return the verdict. Raises ServerError, SubmissionError; nothing is left running in any case."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="angarium-demo-")))
            keys = make_keys(folder / "keys")
            net = await stack.enter_async_context(Internet(demo_scenario([key for key, _ in keys])))
            view = View(self._console, self._ledger, net)
            view.say(f"a small internet: DNS {net.dns_address}, SMTP port {net.smtp_port}")
            server = await self._start_server(stack, folder, keys, net)
            endpoints = server.endpoints
            await stack.enter_async_context(self._web)
            await self._web.sign_up(server.config, SENDER_DOMAINS[0])
            view.say(f"the server: {server.config}")
            view.say(f"  submission 127.0.0.1:{endpoints.submission}, web {endpoints.web}")
            net.send_reports_to(f"127.0.0.1:{endpoints.inbound}")
            await forge_bounce(
                endpoints.inbound, FEEDBACK_TO, victim=next(iter(self._plan.expected))
            )
            self._started = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                tail = tasks.create_task(self._follow(DemoMailLog(folder / "data" / "mail.log")))
                findings = await self._watch(net, view, server)
                if not self._once:
                    await self._stay(net, view, server)
                tail.cancel()
            return await self._stopped(server, findings)

    async def _start_server(
        self,
        stack: AsyncExitStack,
        folder: Path,
        keys: Sequence[tuple[SigningKey, Path]],
        net: Internet,
    ) -> DemoServer:
        config, log = folder / "angarium.toml", folder / "server.log"
        for attempt in range(START_ATTEMPTS):
            endpoints = choose_endpoints(memorable=not self._once and attempt == 0)
            config.write_text(
                configuration(
                    folder / "data",
                    endpoints,
                    nameserver=net.dns_address,
                    smtp_port=net.smtp_port,
                    keys=keys,
                )
            )
            server = DemoServer(config, log, endpoints)
            stack.callback(self._remember, server)  # behind the server's end, before the folder's
            try:
                await stack.enter_async_context(server)
            except PortTakenError:
                if attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return server
        raise AssertionError("the last attempt returns or raises")

    async def _watch(self, net: Internet, view: View, server: DemoServer) -> list[VerdictLine]:
        """Send everything and wait until all is where it belongs, or time is up."""
        with view.running():
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(
                    submit_all(
                        self._plan,
                        server.endpoints.submission,
                        functools.partial(
                            self._web.submit,
                            server=server.endpoints.web,
                            accepted=self._ledger.submit,
                        ),
                        self._ledger.submit,
                    )
                )
                reading = tasks.create_task(self._read(net))
                while not self._is_done(net) and self._elapsed() < SETTLE_S:
                    server.check()
                    view.update(self._elapsed())
                    await asyncio.sleep(TICK_S)
                sending.cancel()  # done, unless the server is stuck
                reading.cancel()
            await asyncio.sleep(LATECOMERS_S)
        view.show_table(self._elapsed())
        lookup = from_nameservers((parse_host_port(net.dns_address, default_port=53),))
        standing = await ask_standing(server.config)
        view.show_standing(standing)
        findings = await asyncio.to_thread(judge, self._ledger, net, lookup, standing, self._web)
        show_findings(self._console, findings)
        if not all(finding.ok for finding in findings):
            view.say(f"the server's last words:\n{server.last_words()}")
        return findings

    async def _stay(self, net: Internet, view: View, server: DemoServer) -> None:
        """Keep everything up, so that the commands can be tried; ends by cancellation only."""
        runner = web.AppRunner(status_app(net), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            status = f"http://127.0.0.1:{runner.addresses[0][1]}"
            waiting = self._ledger.find_waiting()
            where = shlex.quote(str(server.config))
            view.say(guide(_postmaster(), where, server.endpoints.web, waiting, status))
            view.say("Ctrl-C ends the demo and removes its folder.")
            while True:
                server.check()
                view.update_finals(self._elapsed())
                await asyncio.sleep(TICK_S)
        finally:
            await runner.cleanup()

    def _remember(self, server: DemoServer) -> None:
        self.last_words = server.last_words()

    async def _stopped(self, server: DemoServer, findings: list[VerdictLine]) -> list[VerdictLine]:
        await server.stop()
        good = "the server ended in order when it was told to"
        finding = VerdictLine(server.exit_code == 0, good)
        if not finding.ok:
            bad = f"the server ended with exit code {server.exit_code}"
            finding = msgspec.structs.replace(finding, text=bad, examples=(server.last_words(),))
        show_findings(self._console, [finding])
        return [*findings, finding]

    async def _follow(self, log: DemoMailLog) -> None:
        while True:
            for line in log.read_lines():
                self._ledger.read(line)
            await asyncio.sleep(TICK_S)

    async def _read(self, net: Internet) -> None:
        """Somebody reads a mail that the application sent."""
        self._web.reader = await read_one(net, by_http(self._ledger))

    def _is_done(self, net: Internet) -> bool:
        ledger = self._ledger
        return (
            ledger.is_settled()
            and ledger.has_come_back()
            and not told_wrong(ledger, self._web)
            and not told_of_reading(self._web)
            and told_by_mail(ledger) <= reported_recipients(net)
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._started


def _postmaster() -> str:
    """How the command is called from here."""
    script = Path(__file__).parents[3] / "bin" / "postmaster"
    if not script.exists():
        return "postmaster"
    try:
        return str(script.relative_to(Path.cwd()))
    except ValueError:
        return shlex.quote(str(script))
