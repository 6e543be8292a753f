"""Mirrors angarium/insight/tracking_hosts.py, host_certificate.py and checks/tracking.py, with hosts on loopback."""

import os
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from angarium.access.tracking_keys import make_tracking_keys
from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.insight.checks.tracking import check_tracking_hosts
from angarium.insight.tracking_hosts import HostLook, Subject
from angarium.issuance.model import HostStatus, Trouble
from angarium.queue.model import UnixMs
from angarium.routing.dns import Answer, DnsTrouble, Found, NoData
from angarium.tenancy.tracking_host_check import HostFinding
from angarium.tracking.host_proof import HostProof
from tests.authority import Authority

HOST = "t.shop.localhost"
PROOF = HostProof({1: bytes(32)})
CONFIG = """
[server]
hostname = "mx.localhost"
data_dir = "data"
[[listener]]
kind = "http"
address = "127.0.0.1:80"
[tracking]
host = "t.own.localhost:{port}"
insecure = {insecure}
ca_file = "tests-ca.pem"
[dns]
nameservers = ["127.0.0.1:1"]
timeout_s = 0.1
lifetime_s = 0.2
"""


class Dns:
    """Knows what it is told, and nothing else."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer[str]] = {}

    async def ipv4(self, name: str) -> Answer[str]:
        return self.answers.get(name, NoData(1.0))

    async def ipv6(self, name: str) -> Answer[str]:
        return NoData(1.0)


class Host:
    """What answers on a port: this server, or ``answer``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.answer: Callable[[str, str], web.Response] = lambda host, nonce: web.Response(
            text=PROOF.answer(host, nonce)
        )
        self.runners: list[web.AppRunner] = []

    async def start(self, *names: str) -> int:
        """Serve, by TLS if there are names for a certificate; return the port."""
        application = web.Application()
        application.router.add_get("/.well-known/angarium-tracking/{nonce}", self._handle)
        runner = web.AppRunner(application)
        await runner.setup()
        context = None
        if names:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.authority.server(*names))
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.runners.append(runner)
        assert site._server is not None
        return int(site._server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]

    async def _handle(self, request: web.Request) -> web.Response:
        return self.answer(request.host.partition(":")[0], request.match_info["nonce"])

    def config(self, port: int, *, insecure: bool = False, more: str = "") -> Config:
        text = CONFIG.format(port=port, insecure=str(insecure).lower())
        return parse(text + more, self.folder / "angarium.toml")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    made = Host(tmp_path)
    yield made
    for each in made.runners:
        await each.cleanup()


async def look(config: Config, dns: Dns | None = None, **about: object) -> dict[str, HostFinding]:
    subject = Subject(**{"host": HOST, **about})  # type: ignore[arg-type]
    found = await HostLook(config, PROOF, dns or Dns(), os.urandom).look(subject)
    return {each.purpose: each for each in found}


async def test_a_host_that_leads_here_with_its_certificate_is_well(host: Host) -> None:
    found = await look(host.config(await host.start(HOST)))
    assert {each.purpose: each.verdict for each in found.values()} == {
        "ownership": "ok",
        "dns": "ok",
        "answer": "ok",
        "certificate": "ok",
    }


async def test_a_certificate_of_another_name_is_told_from_another_server(host: Host) -> None:
    found = await look(host.config(await host.start("mx.localhost")))
    assert found["answer"].verdict == "ok"
    assert found["certificate"].verdict == "fail"
    assert "[[tracking_certificate]]" in found["certificate"].remedy
    status = HostStatus(
        trouble=Trouble(kind="caa", text="CAA forbids", remedy="add a record"),
        not_before=UnixMs(1_800_000_000_000),
    )
    acme = "[acme]\nagree_terms = true\n"
    config = host.config(await host.start("mx.localhost"), more=acme)
    assert "orders one" in (await look(config))["certificate"].remedy
    remedy = (await look(config, status=status))["certificate"].remedy
    assert remedy == "CAA forbids: add a record; tried again 2027-01-15T08:00:00.000Z"
    assert "newest files" in (await look(config, has_files=True))["certificate"].remedy


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda host, nonce: web.Response(text="0" * 64), "something else answers (200)"),
        (lambda host, nonce: web.Response(status=404), "something else answers (404)"),
        (lambda host, nonce: web.Response(text="x" * 100_000), "no answer of this server"),
        (
            lambda host, nonce: web.Response(status=301, headers={"Location": "https://x.example"}),
            "a redirect (301)",
        ),
        (
            lambda host, nonce: web.Response(text=PROOF.answer("t.bank.localhost", nonce)),
            "something else answers (200)",
        ),
    ],
    ids=["other", "missing", "long", "redirect", "another-host"],
)
async def test_whoever_else_answers_is_no_server_of_ours(
    host: Host, answer: Callable[[str, str], web.Response], text: str
) -> None:
    host.answer = answer
    found = await look(host.config(await host.start(), insecure=True))
    assert found["answer"].verdict == "fail"
    assert text in found["answer"].found
    assert HOST in found["answer"].remedy
    assert "certificate" not in found


async def test_without_tls_no_certificate_is_asked_for(host: Host) -> None:
    found = await look(host.config(await host.start(), insecure=True))
    assert found["answer"].verdict == "ok"
    assert "certificate" not in found


async def test_a_domain_that_is_no_longer_the_tenants_is_told(host: Host) -> None:
    config = host.config(await host.start(), insecure=True)
    found = await look(config, owner_problem="t is below x, which is another tenant's")
    assert found["ownership"].verdict == "fail"
    assert "another tenant's" in found["ownership"].found


async def test_nothing_inside_is_asked_for_a_tenant(host: Host) -> None:
    """P1: a private address that is not the server's own."""
    asked: list[str] = []

    def answer(name: str, nonce: str) -> web.Response:
        asked.append(name)
        return web.Response(text=PROOF.answer(name, nonce))

    host.answer = answer
    dns = Dns()
    dns.answers = {
        "t.inner.example": Found(("127.0.0.2",), 1.0),
        "t.public.example": Found(("192.0.2.7",), 1.0),
    }
    config = host.config(await host.start(), insecure=True)
    found = await look(config, dns, host="t.inner.example")
    assert found["answer"].verdict == "fail"
    assert "not public" in found["answer"].found
    assert asked == []
    assert found["dns"].verdict == "warn"
    assert "127.0.0.2; addresses of t.own.localhost: 127.0.0.1" in found["dns"].found


async def test_what_dns_lacks_is_said_with_the_record(host: Host) -> None:
    config = host.config(await host.start(), insecure=True)
    missing = (await look(config, host="t.shop.example"))["dns"]
    assert (missing.verdict, missing.is_certain) == ("fail", True)
    assert missing.remedy == "publish t.shop.example. IN CNAME t.own.localhost."
    dns = Dns()
    dns.answers["t.shop.example"] = DnsTrouble("SERVFAIL of t.shop.example")
    silent = (await look(config, dns, host="t.shop.example"))["dns"]
    assert (silent.found, silent.is_certain) == ("SERVFAIL of t.shop.example", False)


async def test_the_doctor_looks_at_the_servers_own_host(host: Host) -> None:
    config = host.config(await host.start("mx.localhost"))
    make_tracking_keys(Path(config.tracking.key_file), None, bytes)
    found = [each async for each in check_tracking_hosts(config)]
    assert [(each.name, each.verdict) for each in found] == [
        ("tracking host", "ok"),
        ("tracking host", "ok"),
        ("tracking host", "fail"),
    ]
    evidence = found[-1].evidence
    assert evidence is not None
    assert evidence.subject == "t.own.localhost"
    assert "certificate" in evidence.expected
    assert "[[tracking_certificate]]" in evidence.remedy
