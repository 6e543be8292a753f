"""Check that the port of mail hosts is reached from here: many networks close it. Sends no mail."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Final

import msgspec

from angarium.config.address import parse_host_port
from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding
from angarium.insight.egress_addresses import EgressAddress
from angarium.routing.dns import DnsResolver
from angarium.routing.own_host import read_own_host
from angarium.routing.resolution import MxHost, Site
from angarium.routing.resolver import Resolver, ordered_hosts
from angarium.routing.routing import Routing

NAME: Final = "port 25"
# Ours: asked where the domains that mail is sent as tell nothing. Their hosts take connections from anywhere.
WELL_KNOWN: Final = ("gmail.com", "outlook.com")
MAX_TRIES: Final = 4  # hosts; one address each
TRY_S: Final = 5.0  # to connect; as long again for the greeting
MAX_GREETING: Final = 512


class _Tried(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    connected: bool
    text: str


async def check_outbound(
    config: Config,
    domains: Sequence[str],
    egress: Sequence[EgressAddress],
    dns: DnsResolver,
    well_known: Sequence[str] = WELL_KNOWN,
) -> Finding:
    """Connect to the mail hosts of the sender domains, then to those of well-known ones, until one greets us."""
    source = next((each.address for each in egress if each.source != "default"), None)
    tried: list[_Tried] = []
    async for host in _Hosts(config, dns).of([*domains[:2], *well_known]):
        address = next((each for each in host.addresses if _same_family(each, source)), None)
        if address is None:
            continue
        tried.append(await _try(host, address, source))
        if tried[-1].text.startswith("220"):
            text = f"{host.name} [{address}]:{host.port} answers"
            return Finding(NAME, "ok", text)
        if len(tried) == MAX_TRIES:
            break
    if not tried:
        names = ", ".join([*domains[:2], *well_known])
        return Finding(NAME, "warn", f"not tried: no mail host of {names} can be found in DNS")
    said = "; ".join(f"{each.host}: {each.text}" for each in tried)
    if any(each.connected for each in tried):
        text = f"something answers for mail hosts, but none greets us ({said}): is there a proxy or a filter?"
        return Finding(NAME, "warn", text)
    text = (
        f"no mail host can be reached ({said}): many networks close this port; ask yours to open"
        " it, or send by a smart host ([[route]] with via)"
    )
    return Finding(NAME, "fail", text)


class _Hosts:
    """Mail hosts by domain, found as delivery finds them, so ourselves are not among them."""

    def __init__(self, config: Config, dns: DnsResolver) -> None:
        listening = [
            parse_host_port(each.address) for each in config.listener if each.kind != "http"
        ]
        sources = [each.address for each in config.source if each.address is not None]
        own = read_own_host([config.server.hostname], sources, listening)
        routing = Routing.of(config)
        self._resolver = Resolver(config, dns, own, routing, time.monotonic)

    async def of(self, domains: Sequence[str]) -> AsyncIterator[MxHost]:
        with contextlib.suppress(TimeoutError):
            for domain in domains:
                async with asyncio.timeout(2 * TRY_S):
                    found = await self._resolver.resolve(domain)
                if isinstance(found, Site) and found.via == "mx":
                    for host in ordered_hosts(found, Random(0))[:2]:
                        yield host


def _same_family(address: str, source: str | None) -> bool:
    return source is None or (":" in address) == (":" in source)


async def _try(host: MxHost, address: str, source: str | None) -> _Tried:
    local = (source, 0) if source is not None else None
    try:
        async with asyncio.timeout(TRY_S):
            reader, writer = await asyncio.open_connection(
                address, host.port, local_addr=local, limit=MAX_GREETING
            )
    except TimeoutError:
        return _Tried(host=host.name, connected=False, text=f"no answer within {TRY_S:.0f} s")
    except OSError as error:
        text = error.strerror or type(error).__name__
        return _Tried(host=host.name, connected=False, text=text)
    try:
        async with asyncio.timeout(TRY_S):
            line = await reader.readline()
            writer.write(b"QUIT\r\n")
            await writer.drain()
    except (TimeoutError, OSError, ValueError):
        line = b""
    finally:
        writer.close()
    text = ascii(line[:80].decode("ascii", "replace").strip())[1:-1] or "no greeting"
    return _Tried(host=host.name, connected=True, text=text)
