"""Checks of the domain that reverse paths are of: do bounces come back to us, and does its SPF let us send?"""

from collections.abc import AsyncIterator, Sequence

from angarium.insight.checks.finding import Evidence, Finding, Verdict
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.checks.spf import check_spf
from angarium.insight.egress_addresses import EgressAddress
from angarium.routing.dns import DnsTrouble, Found

NAME = "return path"


async def check_return_path(
    domain: str, hostname: str, egress: Sequence[EgressAddress], dns: PatientDns
) -> AsyncIterator[Finding]:
    """``hostname``: ours, which the MX of the domain should be. ``egress``: as receivers see it."""
    yield await _leads_here(domain, hostname, dns)
    for finding in await check_spf(domain, egress, dns):
        yield finding


async def _leads_here(domain: str, hostname: str, dns: PatientDns) -> Finding:
    wanted = f"{domain} MX 10 {hostname}"

    def judged(verdict: Verdict, found: str, remedy: str = "") -> Finding:
        evidence = Evidence(subject=domain, expected=wanted, found=found, remedy=remedy)
        text = f"{domain}: {found}" + (f": {remedy}" if remedy else "")
        return Finding(NAME, verdict, text, evidence)

    answer = await dns.mx(domain)
    if isinstance(answer, DnsTrouble):
        return judged("warn", answer.text, "see that the nameserver answers, then look again")
    if not isinstance(answer, Found) or not any(each.name for each in answer.records):
        return judged("fail", "no MX", f"publish {wanted}, or no bounce comes back")
    names = [each.name for each in answer.records]
    if hostname.lower() in names:
        return judged("ok", f"MX {', '.join(names)}")
    ours = await _addresses(hostname, dns)
    theirs = [each for name in names for each in await _addresses(name, dns)]
    if set(ours) & set(theirs):
        return judged("ok", f"MX {', '.join(names)}, which has an address of {hostname}")
    found = f"MX {', '.join(names)}, none of which is {hostname}"
    return judged("warn", found, f"unless it passes bounces on to us, publish {wanted}")


async def _addresses(name: str, dns: PatientDns) -> list[str]:
    answers = (await dns.ipv4(name), await dns.ipv6(name))
    return [each for found in answers if isinstance(found, Found) for each in found.records]
