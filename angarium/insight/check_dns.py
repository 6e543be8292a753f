"""Checks of DNS: does it answer, does our name resolve, do the sources' addresses name us back."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from typing import Final

from angarium.config.schema import Config
from angarium.insight.finding import Finding
from angarium.routing.dns import DnsResolver, DnsSetupError, DnsTrouble, Found

PATIENCE_S: Final = 10.0  # for one look-up; the server has its own limits


async def check_dns(config: Config) -> list[Finding]:
    """Ask a few questions. Best effort: what cannot be found out is a warning."""
    try:
        resolver = DnsResolver(config.dns, time.monotonic)
    except DnsSetupError as error:
        return [Finding("dns", "fail", str(error))]
    try:
        return [each async for each in _all(config, resolver)]
    finally:
        await resolver.close()


async def _all(config: Config, resolver: DnsResolver) -> AsyncIterator[Finding]:
    name = config.server.hostname
    addresses: list[str] = []
    troubles: list[str] = []
    for look_up in (resolver.ipv4(name), resolver.ipv6(name)):
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await look_up
        except TimeoutError:
            troubles.append(f"no answer within {PATIENCE_S:.0f} s")
            continue
        if isinstance(answer, Found):
            addresses += answer.records
        elif isinstance(answer, DnsTrouble):
            troubles.append(answer.text)
    servers = ", ".join(resolver.nameservers)
    if troubles and not addresses:
        if any(each.domain == "*" and each.via != "mx" for each in config.route):
            yield Finding("dns", "warn", f"{servers}: {troubles[0]}; all mail goes to smart hosts")
        else:
            text = f"{servers}: {troubles[0]}; without DNS no domain can be delivered to"
            yield Finding("dns", "fail", text)
        return
    yield Finding("dns", "ok", f"{servers} answers")
    if addresses:
        yield Finding("hostname", "ok", f"{name} is {', '.join(addresses)}")
    else:
        text = f"{name} has no A or AAAA record: add one, or receivers distrust its mail"
        yield Finding("hostname", "warn", text)
    for source in config.source:
        if source.address is not None:
            ehlo = source.ehlo or name
            async for finding in _source(source.name, source.address, ehlo, resolver):
                yield finding


async def _source(
    name: str, address: str, ehlo: str, resolver: DnsResolver
) -> AsyncIterator[Finding]:
    """Forward-confirmed reverse DNS: what large receivers demand (RFC 1912 section 2.1)."""
    if ipaddress.ip_address(address).is_private:
        yield Finding("source", "warn", f"{name}: {address} is a private address; is there a NAT?")
        return
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await resolver.ptr(address)
    except TimeoutError:
        yield Finding("source", "warn", f"{name}: PTR of {address}: no answer")
        return
    if not isinstance(answer, Found):
        yield Finding(
            "source", "warn", f"{name}: {address} has no PTR record: ask its owner for {ehlo}"
        )
    elif ehlo.lower() not in [each.lower().rstrip(".") for each in answer.records]:
        names = ", ".join(answer.records)
        yield Finding("source", "warn", f"{name}: PTR of {address} is {names}, EHLO says {ehlo}")
    else:
        yield Finding("source", "ok", f"{name}: {address} is {ehlo}")
