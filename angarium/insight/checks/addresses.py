"""Check of the addresses that mail leaves from: forward-confirmed reverse DNS, which large receivers demand."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from angarium.insight.checks.finding import Evidence, Finding
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.dns_records import address_record, ptr_record
from angarium.insight.egress_addresses import EgressAddress
from angarium.routing.dns import DnsTrouble, Found

_ASK_AGAIN: Final = "see that the nameserver answers (`[dns]`), then look again"


async def check_addresses(
    egress: Sequence[EgressAddress], seen: Sequence[EgressAddress], dns: PatientDns
) -> AsyncIterator[Finding]:
    """``seen`` is what ``seen_from_outside`` makes of ``egress``."""
    if not egress:
        text = "this machine has no route to far away, so no address that receivers could see"
        evidence = Evidence(
            subject="this machine",
            expected="an address that reaches the Internet",
            found="no route to far away",
            remedy="give it one, or send by a smart host ([[route]] with via)",
        )
        yield Finding("ptr", "warn", text, evidence)
    for each in egress:
        if each.is_private and (finding := _behind_nat(each, seen)) is not None:
            yield finding
    for each in seen:
        yield await _confirmed(each, dns)
        yield await _leads_back(each, dns)


async def seen_from_outside(
    egress: Sequence[EgressAddress], dns: PatientDns
) -> tuple[EgressAddress, ...]:
    """Put in the place of each private address those that its name has: what a NAT most likely shows."""
    found: list[EgressAddress] = []
    for each in egress:
        if not each.is_private:
            found.append(each)
            continue
        look_up = dns.ipv6 if ":" in each.address else dns.ipv4
        answer = await look_up(each.ehlo.lower())
        records = answer.records if isinstance(answer, Found) else ()
        found += [
            EgressAddress(source=each.source, address=address, ehlo=each.ehlo)
            for address in records
        ]
    return tuple(dict.fromkeys(each for each in found if not each.is_private))


def _behind_nat(each: EgressAddress, seen: Sequence[EgressAddress]) -> Finding | None:
    """None: a private IPv6 address leads nowhere, and need not."""
    is_ipv6 = ":" in each.address
    outside = [
        other.address
        for other in seen
        if other.source == each.source and (":" in other.address) == is_ipv6
    ]
    where = f"{each.source}: {each.address} is private"
    if outside:
        text = (
            f"{where}; behind the NAT it is taken to be what {each.ehlo} is: {', '.join(outside)}"
        )
        return Finding("ptr", "ok", text, Evidence(subject=where, found=", ".join(outside)))
    if is_ipv6:
        return None
    text = f"{where}, and {each.ehlo} has no A record to tell what receivers see: add one"
    evidence = Evidence(
        subject=where,
        expected=f"{each.ehlo} A, the address that receivers see",
        found="no A record",
        remedy="publish one: it tells also us what the NAT shows",
    )
    return Finding("ptr", "warn", text, evidence)


async def _confirmed(each: EgressAddress, dns: PatientDns) -> Finding:
    """RFC 1912 section 2.1: the address has the name, and the name has the address."""
    where = f"{each.source}: {each.address}"
    wanted = ptr_record(each.ehlo, each.address).short
    answer = await dns.ptr(each.address)
    if isinstance(answer, DnsTrouble):
        evidence = Evidence(subject=where, expected=wanted, found=answer.text, remedy=_ASK_AGAIN)
        return Finding("ptr", "warn", f"{where}: PTR: {answer.text}", evidence)
    if not isinstance(answer, Found):
        evidence = Evidence(
            subject=where,
            expected=wanted,
            found="no PTR record",
            remedy="ask the owner of the address, who rents it to you, for that record",
        )
        text = f"{where} has no PTR record: ask its owner for {wanted}"
        return Finding("ptr", "warn", text, evidence)
    names = ", ".join(name.lower().rstrip(".") for name in answer.records)
    if each.ehlo.lower() not in names.split(", "):
        evidence = Evidence(
            subject=where,
            expected=wanted,
            found=f"PTR {names}",
            remedy=f"have the PTR changed, or let EHLO say {names} (source.ehlo, server.hostname)",
        )
        text = f"{where} has the PTR {names}, but EHLO says {each.ehlo}: make them one"
        return Finding("ptr", "warn", text, evidence)
    evidence = Evidence(subject=where, expected=wanted, found=f"PTR {names}")
    return Finding("ptr", "ok", f"{where} is {each.ehlo}", evidence)


async def _leads_back(each: EgressAddress, dns: PatientDns) -> Finding:
    """RFC 5321 section 4.1.4: the name that EHLO says is the host's."""
    where = f"{each.source}: {each.address}"
    wanted = address_record(each.ehlo, each.address).short
    back = await (dns.ipv6 if ":" in each.address else dns.ipv4)(each.ehlo.lower())
    if isinstance(back, Found) and each.address in back.records:
        evidence = Evidence(subject=where, expected=wanted, found=", ".join(back.records))
        return Finding("ehlo", "ok", f"{where} says EHLO {each.ehlo}, which leads back", evidence)
    if isinstance(back, DnsTrouble):
        found, remedy = back.text, _ASK_AGAIN
    else:
        found = ", ".join(back.records) if isinstance(back, Found) else "no address record"
        remedy = "publish that record: receivers look up the name that EHLO says"
    text = f"{where} says EHLO {each.ehlo}, which does not lead back: publish {wanted}"
    evidence = Evidence(subject=where, expected=wanted, found=found, remedy=remedy)
    return Finding("ehlo", "warn", text, evidence)
