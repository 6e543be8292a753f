"""Checks of what DNS says of each domain that mail is sent as: DKIM keys, SPF, DMARC, replies, against what we do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.dkim import KeyFileError, KeyRing, SigningKey
from angarium.dkim.keygen import record_text
from angarium.dkim.published import find_record_fault, is_testing
from angarium.insight.checks.dmarc import check_dmarc
from angarium.insight.checks.finding import Evidence, Finding, Verdict
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.checks.spf import check_spf
from angarium.insight.dmarc_look_up import DmarcLookUp
from angarium.insight.dns_records import DnsRecord
from angarium.insight.egress_addresses import EgressAddress
from angarium.routing.dns import DnsTrouble, Found

MAX_DOMAINS: Final = 100  # that are looked at; ours: a check ends within a minute
AT_ONCE: Final = 8  # domains
MAX_SHOWN: Final = 3  # mail hosts


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    config: Config
    dns: PatientDns
    egress: tuple[EgressAddress, ...]  # as receivers see it; none: it cannot be told
    keys: tuple[SigningKey, ...]  # of all domains
    dmarc: DmarcLookUp
    return_path_domain: str | None  # of all reverse paths; None: the sender's own stays


async def check_domains(
    config: Config,
    domains: Sequence[str],
    egress: tuple[EgressAddress, ...],
    dns: PatientDns,
    return_path_domain: str | None = None,
    keys: tuple[SigningKey, ...] | None = None,
) -> list[Finding]:
    """``egress`` is what receivers see; SPF is asked of nothing where it is empty.

    ``keys``: that sign for them; None: those of the configuration.
    ``return_path_domain``: that of all reverse paths; None: the sender's own stays.
    """
    context = _Context(
        config=config,
        dns=dns,
        egress=egress,
        keys=_keys(config) if keys is None else keys,
        dmarc=DmarcLookUp(dns),
        return_path_domain=return_path_domain,
    )
    turns = asyncio.Semaphore(AT_ONCE)

    async def of(domain: str) -> list[Finding]:
        async with turns:
            return [each async for each in _of_domain(domain, context)]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(of(each)) for each in domains[:MAX_DOMAINS]]
    found = [finding for task in tasks for finding in task.result()]
    if len(domains) > MAX_DOMAINS:
        text = f"{len(domains) - MAX_DOMAINS} of {len(domains)} sender domains were not looked at"
        found.append(Finding("dns", "warn", text))
    return found


def _keys(config: Config) -> tuple[SigningKey, ...]:
    try:
        return KeyRing.load(config.dkim).keys()
    except KeyFileError:
        return ()  # check_secrets says so


async def _of_domain(domain: str, context: _Context) -> AsyncIterator[Finding]:
    for key in context.keys:
        if key.domain == domain:
            yield await _published(key, context.dns)
    for finding in await check_spf(domain, context.egress, context.dns):
        yield finding
    return_path = context.return_path_domain or domain
    config, dns = context.config, context.dns
    async for finding in check_dmarc(domain, config, context.dmarc, dns, return_path):
        yield finding
    yield await _takes_replies(domain, context.dns)


async def _published(key: SigningKey, dns: PatientDns) -> Finding:
    name, where = "dkim record", key.record_name
    wanted = DnsRecord(
        purpose="dkim", name=where, type="TXT", value=record_text(key.private.public_key())
    ).short

    def judged(verdict: Verdict, text: str, found: str, remedy: str = "") -> Finding:
        evidence = Evidence(subject=key.domain, expected=wanted, found=found, remedy=remedy)
        return Finding(name, verdict, text, evidence)

    answer = await dns.txt(where)
    if isinstance(answer, DnsTrouble):
        return judged("warn", answer.text, answer.text, "see that the nameserver answers")
    if not isinstance(answer, Found):
        text = f"{where} is not published: signatures cannot be verified; `postmaster dkim dns` prints it"
        return judged("warn", text, "not published", "publish it; `postmaster dkim dns` prints it")
    if len(answer.records) > 1:
        text = f"{where} has {len(answer.records)} TXT records: keep the key's"
        return judged("fail", text, f"{len(answer.records)} TXT records", "keep the key's alone")
    (record,) = answer.records
    shown = ascii(record.decode("ascii", "replace"))[1:-1]
    if (fault := find_record_fault(record, key)) is not None:
        text = f"{where}: {fault}. It should be {record_text(key.private.public_key())}"
        return judged("fail", text, f"{shown}: {fault}", "publish the key's in its place")
    if is_testing(record):
        text = f"{where} has t=y: receivers take no notice of signatures while it is there"
        return judged("warn", text, shown, "leave out t=y")
    return judged("ok", f"{where} is the key's", shown)


async def _takes_replies(domain: str, dns: PatientDns) -> Finding:
    """Whether mail to the domain can arrive: receivers refuse senders to whom nobody can answer (RFC 7505)."""
    name, expected = "replies", f"{domain} MX, or an address record"
    answer = await dns.mx(domain)
    if isinstance(answer, DnsTrouble):
        evidence = Evidence(subject=domain, expected=expected, found=answer.text)
        return Finding(name, "warn", answer.text, evidence)
    if isinstance(answer, Found):
        hosts = [each.name for each in answer.records if each.name]
        if hosts:
            found = f"MX {', '.join(hosts[:MAX_SHOWN])}"
            evidence = Evidence(subject=domain, expected=expected, found=found)
            return Finding(name, "ok", f"{domain}: {found}", evidence)
        found, remedy = "a null MX", "give it an MX: mail from a domain that takes none is refused"
    else:
        for address in (await dns.ipv4(domain), await dns.ipv6(domain)):
            if isinstance(address, Found):
                found = f"no MX, but the address {address.records[0]}"
                evidence = Evidence(subject=domain, expected=expected, found=found)
                return Finding(name, "ok", f"{domain}: {found}", evidence)
        found, remedy = "neither MX nor address", "publish an MX where answers and bounces can go"
    evidence = Evidence(subject=domain, expected=expected, found=found, remedy=remedy)
    return Finding(name, "warn", f"{domain} has {found}: {remedy}", evidence)
