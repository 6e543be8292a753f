"""Checks of what DMARC asks of each domain's mail, and whether ours can fulfil it: records, reports, alignment."""

from collections.abc import AsyncIterator

from angarium.config.schema import Config
from angarium.insight.checks.finding import Evidence, Finding
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.dmarc import Discovery
from angarium.insight.dmarc_look_up import DmarcLookUp, DmarcTroubleError
from angarium.insight.dns_records import dmarc_record
from angarium.insight.sender_domains import signing_domain
from angarium.routing.dns import Found
from angarium.tenancy.domain_check import NO_DMARC


async def check_dmarc(
    domain: str, config: Config, look_up: DmarcLookUp, dns: PatientDns, return_path: str
) -> AsyncIterator[Finding]:
    """``return_path``: the domain of the reverse path that mail of ``domain`` leaves with."""
    try:
        found = await look_up.discover(domain)
    except DmarcTroubleError as error:
        evidence = Evidence(
            subject=domain,
            expected=dmarc_record(domain).short,
            found=str(error),
            remedy="mend the record, or the nameserver that should answer",
        )
        yield Finding("dmarc", "warn", str(error), evidence)
        return
    yield _policy(domain, found, config)
    for address in found.record.report_to if found.record is not None else ():
        finding = await _reports_outside(found, address, look_up, dns)
        if finding is not None:
            yield finding
    yield await _alignment(domain, found, config, look_up, return_path)


def _policy(domain: str, found: Discovery, config: Config) -> Finding:
    name = "dmarc"
    wanted = dmarc_record(domain).short
    if found.record is None:
        text = f"{domain} has no DMARC record: publish {wanted}"
        evidence = Evidence(
            subject=domain,
            expected=wanted,
            found=NO_DMARC,
            remedy="publish that record: large receivers refuse bulk mail without one",
        )
        return Finding(name, "warn", text, evidence)
    where = f"{domain}: p={found.policy_of(domain)}"
    where += "" if found.at == domain else f" of {found.at}"
    where += ", in test (t=y)" if found.record.testing else ""
    signed = signing_domain(domain, config)
    if found.policy_of(domain) != "none" and signed is None:
        text = f"{where}, but its mail is unsigned: what is forwarded will be refused"
        evidence = Evidence(
            subject=domain,
            expected="mail signed by a key of the domain",
            found=f"{where}, and no key for it in [dkim]",
            remedy=f"`postmaster dkim keygen --domain {domain} --selector s1`",
        )
        return Finding(name, "warn", text, evidence)
    if found.record.gone:
        gone = ", ".join(f"{each}=" for each in found.record.gone)
        text = f"{where}; {gone} mean nothing any more (RFC 9989): leave them out"
        evidence = Evidence(
            subject=domain,
            expected="tags of RFC 9989 (t=y for a policy that is tried)",
            found=gone,
            remedy="leave them out",
        )
        return Finding(name, "warn", text, evidence)
    return Finding(name, "ok", where, Evidence(subject=domain, expected=wanted, found=where))


async def _reports_outside(
    found: Discovery, address: str, look_up: DmarcLookUp, dns: PatientDns
) -> Finding | None:
    """RFC 9990 section 4: who gets reports about another organization has to agree, by a record of its own."""
    to = address.rpartition("@")[2].lower()
    try:
        if await look_up.organization(to) == found.organization:
            return None
    except DmarcTroubleError:
        return None  # a check of that domain would say so
    name = f"{found.at}._report._dmarc.{to}"
    answer = await dns.txt(name)
    if isinstance(answer, Found) and any(each.startswith(b"v=DMARC1") for each in answer.records):
        return None
    wanted = f'{name} TXT "v=DMARC1;"'
    text = (
        f"{found.at}: reports to {address} are not sent before its domain agrees: publish {wanted}"
    )
    evidence = Evidence(
        subject=found.at,
        expected=wanted,
        found="no such record",
        remedy=f"publish it at {to}, or name an address of {found.organization} in rua=",
    )
    return Finding("dmarc reports", "warn", text, evidence)


async def _alignment(
    domain: str, found: Discovery, config: Config, look_up: DmarcLookUp, return_path: str
) -> Finding:
    """RFC 9989 section 4.4: SPF or DKIM must be of the From domain; Microsoft demands that both pass, and one is."""
    record = found.record
    signed = signing_domain(domain, config)
    strict_dkim = record is not None and record.strict_dkim
    strict_spf = record is not None and record.strict_spf
    try:
        dkim = signed is not None and await _aligned(domain, signed, strict_dkim, look_up)
        spf = await _aligned(domain, return_path, strict_spf, look_up)
    except DmarcTroubleError as error:
        evidence = Evidence(subject=domain, found=str(error), remedy="mend that, then look again")
        return Finding("alignment", "warn", f"{domain}: {error}", evidence)
    by = f"DKIM d={signed or '(none)'}, reverse path of {return_path}"
    expected = f"d= of {domain}" + ("" if strict_dkim else f" or of {found.organization}")
    if dkim:
        text = f"{domain}: {by}: " + ("both are" if spf else "the signature is") + " aligned"
        return Finding(
            "alignment", "ok", text, Evidence(subject=domain, expected=expected, found=by)
        )
    if signed is not None and strict_dkim:
        remedy = f"adkim=s: give {domain} a key of its own, or have adkim=r"
    else:
        remedy = f"sign it: `postmaster dkim keygen --domain {domain} --selector s1`"
    rest = "only SPF is, which forwarding breaks" if spf else "nothing is: DMARC fails"
    text = f"{domain}: {by}: {rest}; {remedy}"
    evidence = Evidence(subject=domain, expected=expected, found=f"{by}: {rest}", remedy=remedy)
    return Finding("alignment", "warn" if spf else "fail", text, evidence)


async def _aligned(domain: str, other: str, strict: bool, look_up: DmarcLookUp) -> bool:
    if domain == other:
        return True
    if strict:
        return False
    return await look_up.organization(domain) == await look_up.organization(other)
