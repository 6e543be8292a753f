"""Checks of DNS: does it answer, does our name resolve; and then of all that is published about us."""

import time
from collections.abc import AsyncIterator

from angarium.config.lenient import NO_NAME
from angarium.config.schema import Config
from angarium.insight.checks.addresses import check_addresses, seen_from_outside
from angarium.insight.checks.domains import check_domains
from angarium.insight.checks.finding import Finding
from angarium.insight.checks.outbound import check_outbound
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.checks.return_path import check_return_path
from angarium.insight.checks.senders import find_sender_domains
from angarium.insight.egress_addresses import egress_addresses, sends_by_mx
from angarium.routing.dns import DnsResolver, DnsSetupError, DnsTrouble, Found


async def check_dns(config: Config) -> list[Finding]:
    """Ask what receivers ask. Best effort: what cannot be found out is a warning."""
    try:
        resolver = DnsResolver(config.dns, time.monotonic)
    except DnsSetupError as error:
        return [Finding("dns", "fail", str(error))]
    try:
        return [each async for each in _all(config, resolver)]
    finally:
        await resolver.close()


async def _all(config: Config, resolver: DnsResolver) -> AsyncIterator[Finding]:
    dns = PatientDns(resolver)
    by_mx = sends_by_mx(config)
    answers = [await dns.ipv4(config.server.hostname), await dns.ipv6(config.server.hostname)]
    troubles = [each.text for each in answers if isinstance(each, DnsTrouble)]
    addresses = [each for found in answers if isinstance(found, Found) for each in found.records]
    servers = ", ".join(resolver.nameservers)
    if troubles and not addresses:
        if not by_mx:
            yield Finding("dns", "warn", f"{servers}: {troubles[0]}; all mail goes to smart hosts")
        else:
            text = f"{servers}: {troubles[0]}; without DNS no domain can be delivered to"
            yield Finding("dns", "fail", text)
        return
    yield Finding("dns", "ok", f"{servers} answers")
    if config.server.hostname != NO_NAME:
        yield _hostname(config.server.hostname, addresses)
    domains = find_sender_domains(config).domains
    return_path = config.feedback.return_path_domain
    if not by_mx:
        text = (
            "all mail leaves by smart hosts: PTR and SPF are for their addresses, and not looked at"
        )
        yield Finding("spf", "ok", text)
        for finding in await check_domains(config, domains, (), dns, return_path):
            yield finding
        if return_path is not None:
            async for finding in check_return_path(return_path, config.server.hostname, (), dns):
                yield finding
        return
    egress = tuple(each for each in egress_addresses(config) if each.ehlo != NO_NAME)
    seen = await seen_from_outside(egress, dns)
    async for finding in check_addresses(egress, seen, dns):
        yield finding
    for finding in await check_domains(config, domains, seen, dns, return_path):
        yield finding
    if return_path is not None:
        async for finding in check_return_path(return_path, config.server.hostname, seen, dns):
            yield finding
    yield await check_outbound(config, domains, egress, resolver)


def _hostname(name: str, addresses: list[str]) -> Finding:
    if addresses:
        return Finding("hostname", "ok", f"{name} is {', '.join(addresses)}")
    text = f"{name} has no A or AAAA record: add one, or receivers distrust its mail"
    return Finding("hostname", "warn", text)
