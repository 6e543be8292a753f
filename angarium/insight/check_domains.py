"""Checks of what DNS says of each domain that mail is sent as: DKIM keys, SPF and DMARC, against what we do."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.dkim import KeyFileError, KeyRing, SigningKey
from angarium.dkim.keygen import record_text
from angarium.dkim.published import find_record_fault, is_testing
from angarium.insight.dmarc import DmarcRecord, DmarcSyntaxError, parents, select_dmarc
from angarium.insight.dns_records import dmarc_record, spf_record
from angarium.insight.egress_addresses import EgressAddress
from angarium.insight.finding import Finding
from angarium.insight.patient_dns import PatientDns
from angarium.insight.sender_domains import signing_domain
from angarium.insight.spf import MAX_TERMS, check_host
from angarium.routing.dns import DnsTrouble, Found

MAX_DOMAINS: Final = 100  # that are looked at; ours: a check ends within a minute
AT_ONCE: Final = 8  # domains


class _Context(msgspec.Struct, frozen=True, kw_only=True):
    config: Config
    dns: PatientDns
    egress: tuple[EgressAddress, ...]  # as receivers see it; none: it cannot be told
    keys: tuple[SigningKey, ...]  # of all domains


async def check_domains(
    config: Config,
    domains: Sequence[str],
    egress: tuple[EgressAddress, ...],
    dns: PatientDns,
) -> list[Finding]:
    """``egress`` is what receivers see; SPF is asked of nothing where it is empty."""
    context = _Context(config=config, dns=dns, egress=egress, keys=_keys(config))
    turns = asyncio.Semaphore(AT_ONCE)

    async def of(domain: str) -> list[Finding]:
        async with turns:
            keys = [await _published(key, dns) for key in context.keys if key.domain == domain]
            return [*keys, *await _spf(domain, context), await _dmarc(domain, context)]

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


async def _published(key: SigningKey, dns: PatientDns) -> Finding:
    name, where = "dkim record", key.record_name
    answer = await dns.txt(where)
    if isinstance(answer, DnsTrouble):
        return Finding(name, "warn", answer.text)
    if not isinstance(answer, Found):
        text = f"{where} is not published: signatures cannot be verified; `postmaster dkim dns` prints it"
        return Finding(name, "warn", text)
    if len(answer.records) > 1:
        return Finding(
            name, "fail", f"{where} has {len(answer.records)} TXT records: keep the key's"
        )
    (record,) = answer.records
    if (fault := find_record_fault(record, key)) is not None:
        wanted = record_text(key.private.public_key())
        return Finding(name, "fail", f"{where}: {fault}. It should be {wanted}")
    if is_testing(record):
        text = f"{where} has t=y: receivers take no notice of signatures while it is there"
        return Finding(name, "warn", text)
    return Finding(name, "ok", f"{where} is the key's")


async def _spf(domain: str, context: _Context) -> list[Finding]:
    found: list[Finding] = []
    if not context.egress:
        return found
    wanted = spf_record(domain, [each.address for each in context.egress])
    for each in context.egress:
        verdict = await check_host(context.dns, address=each.address, domain=domain, helo=each.ehlo)
        who = f"{domain}: {each.address}"
        match verdict.result:
            case "pass":
                used = f", {verdict.terms} of {MAX_TERMS} look-ups" if verdict.terms else ""
                found.append(Finding("spf", "ok", f"{who} may send ({verdict.reason}{used})"))
            case "none":
                text = f"{verdict.reason}: publish {wanted.short}"
                found.append(Finding("spf", "warn", text))
                break  # of the domain, whatever the address
            case "permerror":
                text = f"{domain}: receivers cannot read the SPF record: {verdict.reason}"
                found.append(Finding("spf", "fail", text))
                break
            case "temperror":
                found.append(Finding("spf", "warn", verdict.reason))
            case _:
                term = f"ip6:{each.address}" if ":" in each.address else f"ip4:{each.address}"
                text = f"{who} may not send: {verdict.result} by {verdict.reason}; add {term} to the record"
                found.append(Finding("spf", "warn", text))
    return found


async def _dmarc(domain: str, context: _Context) -> Finding:
    record: DmarcRecord | None = None
    for at in parents(domain):
        answer = await context.dns.txt(f"_dmarc.{at}")
        if isinstance(answer, DnsTrouble):
            return Finding("dmarc", "warn", answer.text)
        try:
            record = select_dmarc(answer.records) if isinstance(answer, Found) else None
        except DmarcSyntaxError as error:
            return Finding("dmarc", "warn", f"_dmarc.{at}: {error}")
        if record is not None:
            return _policy(domain, at, record, context.config)
    text = f"{domain} has no DMARC record: publish {dmarc_record(domain).short}"
    return Finding("dmarc", "warn", text)


def _policy(domain: str, at: str, record: DmarcRecord, config: Config) -> Finding:
    where = f"{domain}: p={record.policy}" + ("" if at == domain else f" of {at}")
    signed = signing_domain(domain, config)
    if record.strict_dkim and signed is not None and signed != domain:
        text = (
            f"{where} with adkim=s, but mail is signed as {signed}: give {domain} a key of its own"
        )
        return Finding("dmarc", "warn", text)
    if record.policy != "none" and signed is None:
        text = f"{where}, but its mail is unsigned: what is forwarded will be refused"
        return Finding("dmarc", "warn", text)
    return Finding("dmarc", "ok", where)
