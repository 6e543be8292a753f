"""Check of the addresses that mail leaves from: forward-confirmed reverse DNS, which large receivers demand."""

from collections.abc import AsyncIterator, Sequence

from angarium.insight.dns_records import address_record, ptr_record
from angarium.insight.egress_addresses import EgressAddress
from angarium.insight.finding import Finding
from angarium.insight.patient_dns import PatientDns
from angarium.routing.dns import DnsTrouble, Found


async def check_addresses(
    egress: Sequence[EgressAddress], seen: Sequence[EgressAddress], dns: PatientDns
) -> AsyncIterator[Finding]:
    """``seen`` is what ``seen_from_outside`` makes of ``egress``."""
    if not egress:
        text = "this machine has no route to far away, so no address that receivers could see"
        yield Finding("ptr", "warn", text)
    for each in egress:
        if each.is_private and (finding := _behind_nat(each, seen)) is not None:
            yield finding
    for each in seen:
        yield await _confirmed(each, dns)


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
        return Finding("ptr", "ok", text)
    if is_ipv6:
        return None
    text = f"{where}, and {each.ehlo} has no A record to tell what receivers see: add one"
    return Finding("ptr", "warn", text)


async def _confirmed(each: EgressAddress, dns: PatientDns) -> Finding:
    """RFC 1912 section 2.1: the address has the name, and the name has the address."""
    where = f"{each.source}: {each.address}"
    answer = await dns.ptr(each.address)
    if isinstance(answer, DnsTrouble):
        return Finding("ptr", "warn", f"{where}: PTR: {answer.text}")
    if not isinstance(answer, Found):
        text = f"{where} has no PTR record: ask its owner for {ptr_record(each.ehlo, each.address).short}"
        return Finding("ptr", "warn", text)
    names = [name.lower().rstrip(".") for name in answer.records]
    if each.ehlo.lower() not in names:
        text = f"{where} has the PTR {', '.join(names)}, but EHLO says {each.ehlo}: make them one"
        return Finding("ptr", "warn", text)
    back = await (dns.ipv6 if ":" in each.address else dns.ipv4)(each.ehlo.lower())
    if isinstance(back, Found) and each.address in back.records:
        return Finding("ptr", "ok", f"{where} is {each.ehlo}, and back")
    wanted = address_record(each.ehlo, each.address).short
    text = f"{where} has the PTR {each.ehlo}, which does not lead back: publish {wanted}"
    return Finding("ptr", "warn", text)
