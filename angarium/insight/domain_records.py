"""The DNS records of a tenant's sending domain: what is expected, what is found, and the difference."""

from collections.abc import Sequence
from typing import Final

import msgspec

from angarium.config.schema import Config, DkimKey
from angarium.dkim import SigningKey
from angarium.dkim.keygen import record_text
from angarium.insight.checks.addresses import seen_from_outside
from angarium.insight.checks.domains import check_domains
from angarium.insight.checks.finding import Finding, Verdict
from angarium.insight.checks.patient_dns import NotingDns, PatientDns
from angarium.insight.checks.return_path import NAME as RETURN_PATH
from angarium.insight.checks.return_path import check_return_path
from angarium.insight.dns_records import DnsRecord, dmarc_record, spf_record
from angarium.insight.egress_addresses import egress_addresses, sends_by_mx
from angarium.routing.dns import DnsTrouble, Found
from angarium.tenancy.domain_check import CheckedRecord, RecordPurpose
from angarium.tenancy.model import Domain

# What a check's findings are about; the last are about no record alone
_PURPOSES: Final = {
    "dkim record": "dkim",
    "spf": "spf",
    "dmarc": "dmarc",
    "replies": "mx",
    RETURN_PATH: "return_path",
}
_WORST: Final[Sequence[Verdict]] = ("ok", "warn", "fail")


class DomainReport(msgspec.Struct, frozen=True, kw_only=True):
    records: tuple[CheckedRecord, ...]
    is_proven: bool  # its token is published
    findings: tuple[Finding, ...]  # of all checks, also of those that are about no single record


def expected_records(
    config: Config, domain: Domain, keys: Sequence[SigningKey], addresses: Sequence[str]
) -> tuple[CheckedRecord, ...]:
    """Return what is to be published; asks nobody. ``addresses``: from where mail leaves, as seen outside."""
    found = [_checked("ownership", _token_record(domain))]
    for key in keys:
        value = record_text(key.private.public_key())
        record = DnsRecord(purpose="dkim", name=key.record_name, type="TXT", value=value)
        found.append(_checked("dkim", record))
    if (spf := _spf(config, domain.name, addresses)) is not None:
        found.append(_checked("spf", spf))
    found.append(_checked("dmarc", dmarc_record(domain.name)))
    found.append(CheckedRecord(purpose="mx", name=domain.name, type="MX", value="", zone_line=""))
    return_path = config.feedback.return_path_domain
    if return_path is not None:
        value = f"10 {config.server.hostname}."
        line = f"{return_path}. 3600 IN MX {value}"
        found.append(
            CheckedRecord(
                purpose="return_path", name=return_path, type="MX", value=value, zone_line=line
            )
        )
        # Receivers ask SPF of the return path's domain, which From's cannot answer for
        spf = None if return_path == domain.name else _spf(config, return_path, addresses)
        if spf is not None:
            found.append(_checked("return_path", spf))
    return tuple(found)


def public_addresses(config: Config) -> list[str]:
    """Return those of the sources that receivers see as they are. Asks nobody."""
    return [each.address for each in egress_addresses(config) if not each.is_private]


async def check_records(
    config: Config, domain: Domain, keys: Sequence[SigningKey], dns: PatientDns
) -> DomainReport:
    """Ask DNS for all of them."""
    dns = NotingDns(dns)
    seen = await seen_from_outside(egress_addresses(config), dns) if sends_by_mx(config) else ()
    expected = expected_records(config, domain, keys, [each.address for each in seen])
    signing = tuple(DkimKey(domain=each.domain, selector=each.selector, file="") for each in keys)
    with_keys = msgspec.structs.replace(
        config, dkim=msgspec.structs.replace(config.dkim, keys=(*config.dkim.keys, *signing))
    )
    return_path = config.feedback.return_path_domain
    findings = await check_domains(
        with_keys, [domain.name], seen, dns, return_path, keys=tuple(keys)
    )
    if return_path is not None:
        hostname = config.server.hostname
        async for each in check_return_path(return_path, hostname, seen, dns):
            findings.append(each)
    ownership = await _ownership(domain, dns)
    records = [
        ownership if each.purpose == "ownership" else _judged(each, findings) for each in expected
    ]
    records = [
        msgspec.structs.replace(each, is_answered=(each.name, each.type) not in dns.unanswered)
        for each in records
    ]
    return DomainReport(
        records=tuple(records), is_proven=ownership.verdict == "ok", findings=tuple(findings)
    )


def _spf(config: Config, domain: str, addresses: Sequence[str]) -> DnsRecord | None:
    """None: the smart hosts' operators know from where mail leaves."""
    if addresses:
        return spf_record(domain, addresses)
    if not sends_by_mx(config):
        return None
    value = f"v=spf1 a:{config.server.hostname} -all"
    return DnsRecord(purpose="spf", name=domain, type="TXT", value=value)


def _token_record(domain: Domain) -> DnsRecord:
    return DnsRecord(
        purpose="ownership", name=domain.token_name, type="TXT", value=domain.token_value
    )


async def _ownership(domain: Domain, dns: PatientDns) -> CheckedRecord:
    record = _token_record(domain)
    checked = _checked("ownership", record)
    answer = await dns.txt(record.name)
    if isinstance(answer, DnsTrouble):
        remedy = "see that the nameserver answers"
        return _with(checked, "warn", answer.text, answer.text, remedy)
    values = answer.records if isinstance(answer, Found) else ()
    if record.value.encode() in values:
        return _with(checked, "ok", record.value)
    shown = ", ".join(ascii(each.decode("ascii", "replace"))[1:-1] for each in values)
    difference = f"{record.name} is not {record.value}" if shown else f"{record.name} is missing"
    return _with(checked, "fail", shown or "not published", difference, f"publish {record.short}")


def _judged(record: CheckedRecord, findings: Sequence[Finding]) -> CheckedRecord:
    """The worst of what was found about it."""
    about = [each for each in findings if _is_about(each, record)]
    if not about:
        return record
    worst = max(about, key=lambda each: _WORST.index(each.verdict))
    evidence = worst.evidence
    found = worst.text if evidence is None else evidence.found
    remedy = "" if evidence is None else evidence.remedy
    difference = "" if worst.verdict == "ok" else worst.text
    if record.purpose == "dkim" and difference:  # the check speaks of keys of the configuration
        difference, remedy = f"{record.name}: {found}", f"publish {record.zone_line}"
    return _with(record, worst.verdict, found, difference, remedy)


def _is_about(finding: Finding, record: CheckedRecord) -> bool:
    if record.purpose == "return_path" and record.type == "TXT":
        about = finding.evidence
        return finding.name == "spf" and about is not None and about.subject == record.name
    if _PURPOSES.get(finding.name) != record.purpose:
        return False
    if record.purpose == "dkim":  # of several keys, this one's
        return record.name in finding.text
    if record.purpose == "spf":  # and not that of the return path
        return finding.evidence is not None and finding.evidence.subject == record.name
    return True


def _with(
    record: CheckedRecord, verdict: Verdict, found: str, difference: str = "", remedy: str = ""
) -> CheckedRecord:
    return msgspec.structs.replace(
        record, verdict=verdict, found=found, difference=difference, remedy=remedy
    )


def _checked(purpose: RecordPurpose, record: DnsRecord) -> CheckedRecord:
    return CheckedRecord(
        purpose=purpose,
        name=record.name,
        type=record.type,
        value=record.value,
        zone_line=record.zone_line,
    )
