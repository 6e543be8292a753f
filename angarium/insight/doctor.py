"""What receivers and the world hold against our mail, one thing at a time: expected, found, what to do."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Final

from angarium.config.schema import Config
from angarium.insight.checks.blocklists import check_blocklists
from angarium.insight.checks.bucket import check_bucket
from angarium.insight.checks.dns import check_dns
from angarium.insight.checks.finding import Evidence, Finding
from angarium.insight.checks.host import check_clock, check_ports
from angarium.insight.checks.links import check_links
from angarium.insight.checks.secrets import check_certificates
from angarium.insight.checks.senders import check_senders
from angarium.insight.checks.tenancy import check_secret, check_tenant_domains
from angarium.insight.checks.tracking import check_tracking_hosts
from angarium.insight.checks.untracked import check_untracked

HERE: Final = "this machine"
_EXPECTED: Final = {
    "clock": "a clock that NTP keeps right: signatures and tokens have times",
    "ports": "each listener's address is ours to take, or taken by our server",
    "certificate": "valid for three weeks more, and of the key beside it",
    "senders": "a key in [dkim] for each domain that users may send as",
    "dns": "nameservers that answer",
    "hostname": "an address record of server.hostname",
    "bucket": "a file can be put into [uploads] bucket, read and removed",
    "port 25": "other hosts' port 25 is reached from here, and they greet us",
}


async def diagnose(config: Config, today: date) -> AsyncIterator[Finding]:
    """Each finding has its evidence. Asks DNS, connects to mail hosts, tries the bucket; sends no mail."""
    for finding in check_clock():
        yield _with_evidence(finding)
    for finding in check_ports(config):
        yield _with_evidence(finding)
    for finding in check_certificates(config):
        yield _with_evidence(finding)
    for finding in check_senders(config):
        yield _with_evidence(finding)
    for finding in check_secret(config):
        if finding.verdict != "ok":
            yield _with_evidence(finding)
    for finding in check_tenant_domains(config):
        yield _with_evidence(finding)
    is_answered = True
    for finding in await check_dns(config):
        is_answered = is_answered and (finding.name != "dns" or finding.verdict == "ok")
        yield _with_evidence(finding)
    for finding in await check_blocklists(config) if is_answered else ():
        yield finding
    for finding in await check_bucket(config):
        yield _with_evidence(finding)
    for finding in check_untracked(config):
        yield finding
    async for finding in check_tracking_hosts(config):
        yield finding
    for finding in check_links(config, today):
        yield finding


def _with_evidence(finding: Finding) -> Finding:
    """What is of no source or domain says all there is to say in its sentence, with what to do."""
    if finding.evidence is not None:
        return finding
    expected = _EXPECTED.get(finding.name, "")
    evidence = Evidence(subject=HERE, expected=expected, found=finding.text)
    return finding._replace(evidence=evidence)
