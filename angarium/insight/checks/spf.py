"""Check that a domain's SPF record lets mail leave from where it does."""

from collections.abc import Sequence

from angarium.insight.checks.finding import Evidence, Finding, Verdict
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.dns_records import spf_record
from angarium.insight.egress_addresses import EgressAddress
from angarium.insight.spf import MAX_TERMS, check_host


async def check_spf(domain: str, egress: Sequence[EgressAddress], dns: PatientDns) -> list[Finding]:
    """``egress``: as receivers see it; empty: nothing is asked, and nothing found."""
    found: list[Finding] = []
    wanted = spf_record(domain, [each.address for each in egress]).short

    def add(verdict: Verdict, text: str, said: str, remedy: str = "") -> None:
        evidence = Evidence(subject=domain, expected=wanted, found=said, remedy=remedy)
        found.append(Finding("spf", verdict, text, evidence))

    for each in egress:
        verdict = await check_host(dns, address=each.address, domain=domain, helo=each.ehlo)
        who = f"{domain}: {each.address}"
        match verdict.result:
            case "pass":
                used = f", {verdict.terms} of {MAX_TERMS} look-ups" if verdict.terms else ""
                said = f"{each.address} passes by {verdict.reason}{used}"
                add("ok", f"{who} may send ({verdict.reason}{used})", said)
            case "none":
                add(
                    "warn",
                    f"{verdict.reason}: publish {wanted}",
                    verdict.reason,
                    "publish that record",
                )
                break  # of the domain, whatever the address
            case "permerror":
                text = f"{domain}: receivers cannot read the SPF record: {verdict.reason}"
                add("fail", text, verdict.reason, "mend the record: receivers take no notice of it")
                break
            case "temperror":
                add("warn", verdict.reason, verdict.reason, "see that the nameservers answer")
            case _:
                term = f"ip6:{each.address}" if ":" in each.address else f"ip4:{each.address}"
                said = f"{each.address}: {verdict.result} by {verdict.reason}"
                text = f"{who} may not send: {verdict.result} by {verdict.reason}; add {term} to the record"
                add("warn", text, said, f"add {term} to the record")
    return found
