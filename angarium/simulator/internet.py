"""The small internet, running: providers' SMTP servers, DNS, and the reports that they send back.

``async with Internet(scenario) as net:`` binds all sockets before the body runs and closes all behind it.
"""

import asyncio
import contextlib
import datetime
import functools
import ipaddress
import logging
import socket
import ssl
import tempfile
import time
from collections import deque
from pathlib import Path
from types import TracebackType

import aiosmtplib
import msgspec

from angarium.simulator.dns import DnsServer
from angarium.simulator.mailboxes import Mailboxes, StoredMessage
from angarium.simulator.provider import Clock, MailboxProvider
from angarium.simulator.reports import OutgoingReport, render_report
from angarium.simulator.scenario import Behaviour, Host, Scenario, ScenarioError, SimulatedProvider
from angarium.simulator.session import ProviderSession
from angarium.simulator.tls import TestAuthority
from angarium.simulator.zone import Zone

BACKLOG = 512
PORT_ATTEMPTS = 20
REPORT_TIMEOUT_S = 30.0
REPORTS_PER_CONNECTION = 50
WAITING_REPORTS = 10_000  # due and not yet sent; more are counted and forgotten

log = logging.getLogger(__name__)


class _Station:
    """A provider with its hosts' addresses and listeners."""

    def __init__(self, plan: SimulatedProvider, scenario: Scenario, clock: Clock) -> None:
        self.plan = plan
        self.provider = MailboxProvider(plan, scenario, clock)
        self.hosts: list[tuple[Host, tuple[str, ...], ssl.SSLContext | None]] = []
        self.servers: list[asyncio.Server] = []
        self.sessions: set[ProviderSession] = set()


class Internet:
    """Invariant: all hosts listen on one port, ``smtp_port``, each on addresses of its own."""

    def __init__(self, scenario: Scenario, clock: Clock = time.time) -> None:
        self.scenario = scenario
        self.zone = Zone()
        self.dns = DnsServer(self.zone)
        self.smtp_port = 0
        self.outbox: deque[OutgoingReport] = deque(maxlen=scenario.keep_reports)
        self._clock = clock
        self._stations = {plan.name: _Station(plan, scenario, clock) for plan in scenario.provider}
        if len(self._stations) != len(scenario.provider):
            raise ScenarioError("two providers have the same name")
        self._due: asyncio.Queue[OutgoingReport] = asyncio.Queue(WAITING_REPORTS)
        self._serial = 0
        self._resources = contextlib.AsyncExitStack()
        self._folder = Path()

    @property
    def mailboxes(self) -> dict[str, Mailboxes]:
        """What each provider, by name, received and answered."""
        return {name: station.provider.mailboxes for name, station in self._stations.items()}

    @property
    def dns_address(self) -> str:
        return self.dns.address

    @property
    def ca_file(self) -> Path:
        """The authority that signed the good certificates; exists while this runs."""
        return self._folder / "ca.pem"

    def addresses(self, provider: str) -> list[str]:
        return [a for _, addresses, _ in self._stations[provider].hosts for a in addresses]

    async def __aenter__(self) -> "Internet":
        async with contextlib.AsyncExitStack() as stack:
            self._folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="angarium-internet-"))
            )
            self._place_hosts()
            await self._open_ports()
            stack.push_async_callback(self._close_all)
            await self.dns.start(self.scenario.dns_port)
            stack.push_async_callback(self.dns.close)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            sender = tasks.create_task(self._send_reports())
            stack.callback(sender.cancel)
            self._resources = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._resources.aclose()

    def send_reports_to(self, address: str) -> None:
        """``host:port``; from now on."""
        self.scenario = msgspec.structs.replace(self.scenario, reports_to=address)

    async def take_down(self, name: str) -> None:
        """Stop listening for one provider and cut its sessions off. Connections are refused then."""
        station = self._stations[name]
        for server in station.servers:
            server.close()
        station.servers.clear()
        for session in list(station.sessions):
            await session.cut_off()

    async def bring_up(self, name: str) -> None:
        """Let one provider listen (again). Raises OSError when its port has been taken."""
        station = self._stations[name]
        if not station.servers:
            await self._listen(station, self.smtp_port, even_down=True)

    # -- starting and stopping

    def _place_hosts(self) -> None:
        """Give each host its addresses, its certificate and its records."""
        authority = TestAuthority(self._folder, datetime.datetime.now(datetime.UTC))
        network = ipaddress.IPv4Address(self.scenario.network)
        taken: set[str] = set()
        for number, station in enumerate(self._stations.values(), start=1):
            plan = station.plan
            for place, host in enumerate(plan.hosts or (Host(name=f"mx1.{plan.domains[0]}"),), 1):
                addresses = host.addresses or (str(network + 256 * number + place),)
                for address in addresses:
                    if not ipaddress.ip_address(address).is_loopback:
                        raise ScenarioError(f"{host.name}: {address} is not on loopback")
                    if address in taken:
                        raise ScenarioError(f"{host.name}: {address} belongs to another host")
                    taken.add(address)
                    kind = "AAAA" if ":" in address else "A"
                    self.zone.add(host.name, f"{kind} {address}", self.scenario.ttl)
                station.hosts.append((host, addresses, _certify(authority, plan, host)))
                for domain in plan.domains:
                    record = f"MX {host.preference} {host.name}."
                    self.zone.add(domain, record, self.scenario.ttl)
        for name in self.scenario.name:
            self.zone.add_name(name)

    async def _open_ports(self) -> None:
        for attempt in range(PORT_ATTEMPTS):
            port = self.scenario.smtp_port or _free_port()
            try:
                for station in self._stations.values():
                    await self._listen(station, port)
            except OSError:
                await self._close_all()
                if self.scenario.smtp_port or attempt == PORT_ATTEMPTS - 1:
                    raise
                continue
            self.smtp_port = port
            return

    async def _listen(self, station: _Station, port: int, *, even_down: bool = False) -> None:
        loop = asyncio.get_running_loop()
        for host, addresses, tls in station.hosts:
            if not (host.listens or even_down):
                continue
            for address in addresses:
                factory = functools.partial(
                    ProviderSession,
                    station.provider,
                    host.name,
                    tls,
                    self._report,
                    station.sessions,
                    loop,
                )
                server = await loop.create_server(factory, address, port, backlog=BACKLOG)
                station.servers.append(server)

    async def _close_all(self) -> None:
        for name in self._stations:
            await self.take_down(name)

    # -- reports

    def _report(
        self,
        provider: MailboxProvider,
        message: StoredMessage,
        content: bytes,
        recipient: str,
        behaviour: Behaviour,
    ) -> None:
        """Render what a provider sends back now, and send it when it is due."""
        report = behaviour.report
        assert report is not None
        to = message.reverse_path
        if report.kind != "dsn":
            to = provider.plan.feedback_to or to
        if not to:
            return  # RFC 5321 section 6.1: never to the null reverse-path
        self._serial += 1
        outgoing = render_report(
            report,
            provider=provider.plan.name,
            message=message,
            content=content,
            recipient=recipient,
            to=to,
            serial=self._serial,
        )
        asyncio.get_running_loop().call_later(report.after_s, self._queue_report, outgoing)

    def _queue_report(self, report: OutgoingReport) -> None:
        with contextlib.suppress(asyncio.QueueFull):  # nobody takes reports, and there are too many
            self._due.put_nowait(report)

    async def _send_reports(self) -> None:
        while True:
            report = await self._due.get()
            if self.scenario.reports_to is None:
                self.outbox.append(report)
                continue
            host, _, port = self.scenario.reports_to.rpartition(":")
            client = aiosmtplib.SMTP(
                hostname=host.strip("[]"),
                port=int(port),
                timeout=REPORT_TIMEOUT_S,
                start_tls=False,
                local_hostname="reports.sim",
            )
            try:
                async with client:
                    await client.sendmail(report.reverse_path, [report.recipient], report.content)
                    # What waits meanwhile goes by the same connection
                    for _ in range(REPORTS_PER_CONNECTION - 1):
                        if self._due.empty():
                            break
                        report = self._due.get_nowait()
                        await client.sendmail(
                            report.reverse_path, [report.recipient], report.content
                        )
            except (aiosmtplib.SMTPException, OSError) as error:
                self.outbox.append(report)  # not lost: whoever looks for it finds it here
                log.warning("report to %s was not taken: %s", report.recipient, error)


def _certify(
    authority: TestAuthority, plan: SimulatedProvider, host: Host
) -> ssl.SSLContext | None:
    if plan.tls in ("none", "broken"):
        return None
    name = "another.name.sim" if plan.tls == "wrong_name" else host.name
    return authority.server_context(name, expired=plan.tls == "expired")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
