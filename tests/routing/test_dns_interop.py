"""Resolution against real nameservers: nsd as the authority, unbound in front of it. Loopback only."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from angarium.config.schema import Config, Dns, Server
from angarium.routing.dns import DnsResolver, DnsTrouble, Found, NoData, NoSuchDomain
from angarium.routing.own_host import OwnHost
from angarium.routing.resolution import Site, Unroutable
from angarium.routing.resolver import Resolver
from angarium.routing.routing import Routing
from tests.free_port import free_port

pytestmark = pytest.mark.interop

ZONE = """$ORIGIN mail.test.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
{equal}
{many}
equal0 A 198.51.100.1
null MX 0 .
plain A 198.51.100.2
six AAAA 2001:db8::6
alias CNAME plain
aliasmx MX 10 alias
loop1 CNAME loop2
loop2 CNAME loop1
self MX 10 ns-self
ns-self A 198.51.100.99
{big}
""".format(
    equal="\n".join(f"equal MX 10 mx{n}\nmx{n} A 198.51.100.{n + 10}" for n in range(10)),
    many="\n".join(f"many MX {n} many{n}\nmany{n} A 198.51.100.3" for n in range(30)),
    big="\n".join(f"big MX 10 {'x' * 60}{n}" for n in range(18)),
)
NSD = """server:
  ip-address: 127.0.0.1
  port: {port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "{folder}/zone.list"
  cookie-secret-file: ""
remote-control:
  control-enable: no
zone:
  name: mail.test
  zonefile: mail.zone
"""
UNBOUND = """server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  local-zone: "test." nodefault
  module-config: "iterator"
remote-control:
  control-enable: no
stub-zone:
  name: mail.test
  stub-addr: 127.0.0.1@{authority}
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{authority}
"""  # whatever else is asked for goes to the authority, too: nothing leaves this machine


@contextlib.asynccontextmanager
async def _running(*command: str, port: int) -> AsyncIterator[None]:
    """Run a nameserver until it answered once; end it, and only it, afterwards."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    log = asyncio.ensure_future(process.stderr.read())
    probe = DnsResolver(_asking(port, lifetime_s=0.2), time.monotonic)
    try:
        async with asyncio.timeout(10):
            while isinstance(await probe.mx("plain.mail.test"), DnsTrouble):
                assert process.returncode is None, (await log).decode()
                probe.forget()
                await asyncio.sleep(0.02)
        yield
    finally:
        await probe.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await log


def _asking(port: int, lifetime_s: float = 5) -> Dns:
    return Dns(nameservers=(f"127.0.0.1:{port}",), timeout_s=lifetime_s, lifetime_s=lifetime_s)


@pytest.fixture(params=["nsd", "unbound"])
async def port(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[int]:
    nsd, unbound = shutil.which("nsd"), shutil.which("unbound")
    if nsd is None or (request.param == "unbound" and unbound is None):
        pytest.skip(f"{request.param} is not installed")
    authority = free_port()
    (tmp_path / "mail.zone").write_text(ZONE)
    (tmp_path / "nsd.conf").write_text(NSD.format(port=authority, folder=tmp_path))
    async with _running(nsd, "-d", "-c", str(tmp_path / "nsd.conf"), port=authority):
        if request.param == "nsd":
            yield authority
            return
        assert unbound is not None
        front = free_port()
        text = UNBOUND.format(port=front, authority=authority, folder=tmp_path)
        (tmp_path / "unbound.conf").write_text(text)
        async with _running(unbound, "-d", "-c", str(tmp_path / "unbound.conf"), port=front):
            yield front


async def test_a_real_nameserver_is_understood(port: int) -> None:
    dns = DnsResolver(_asking(port), time.monotonic)
    assert isinstance(await dns.mx("plain.mail.test"), NoData)
    assert isinstance(await dns.mx("gone.mail.test"), NoSuchDomain)
    assert isinstance(await dns.ipv4("loop1.mail.test"), DnsTrouble)
    assert isinstance(await dns.mx("other.test"), DnsTrouble | NoSuchDomain)  # nsd: REFUSED
    big = await dns.mx("big.mail.test")  # over TCP
    assert isinstance(big, Found)
    assert len(big.records) == 18
    await dns.close()


async def test_mail_is_routed_by_a_real_nameserver(port: int) -> None:
    config = Config(server=Server(hostname="mx1.own.test"), dns=_asking(port))
    own = OwnHost(
        names=frozenset({"mx1.own.test"}), addresses=frozenset({"198.51.100.99"}), has_ipv6=True
    )
    dns = DnsResolver(config.dns, time.monotonic)
    resolver = Resolver(config, dns, own, Routing.of(config), time.monotonic)

    async def told(name: str) -> str | tuple[str, int]:
        found = await resolver.resolve(f"{name}.mail.test")
        if isinstance(found, Unroutable):
            return found.enhanced
        assert isinstance(found, Site)
        return found.name.removesuffix(".mail.test"), len(found.hosts)

    assert await told("equal") == ("(" + "|".join(f"mx{n}" for n in range(10)) + ")", 10)
    many = await told("many")
    assert many[1] == 20
    assert await told("plain") == ("plain", 1)
    assert await told("six") == ("six", 1)
    assert await told("alias") == ("alias", 1)
    assert await told("aliasmx") == ("alias", 1)
    assert await told("null") == "5.1.10"
    assert await told("self") == "5.4.6"
    assert await told("gone") == "5.1.2"
    assert await told("loop1") == "4.4.3"
    await dns.close()
