"""Check that no DNS blocklist has an address or a domain of ours, as receivers would ask it."""

import asyncio
import time
from typing import Final

from angarium.config.blocklists import all_zones
from angarium.config.schema import BlocklistZone, Config
from angarium.insight.blocklist_asking import ask_blocklist, own_subjects
from angarium.insight.checks.finding import Evidence, Finding
from angarium.insight.checks.patient_dns import PatientDns
from angarium.queue import UnixMs
from angarium.reputation.blocklists import Listing, NotAnswered, Reading, asks_of
from angarium.routing.dns import DnsResolver, DnsSetupError

NAME: Final = "blocklist"
AT_ONCE: Final = 8
_EXPECTED: Final = "listed nowhere"


async def check_blocklists(config: Config) -> list[Finding]:
    """One finding for each listing and each list that does not serve us; else one that all is well."""
    if not config.blocklists.enabled:
        return [_well("nobody was asked: [blocklists] enabled = false")]
    try:
        resolver = DnsResolver(config.dns, time.monotonic)
    except DnsSetupError:
        return []  # the check of DNS says so
    try:
        return await _findings(config, PatientDns(resolver))
    finally:
        await resolver.close()


async def _findings(config: Config, dns: PatientDns) -> list[Finding]:
    zones, subjects = all_zones(config.blocklists), own_subjects(config)
    pairs = [(zone, each) for zone in zones for each in subjects if asks_of(zone, each)]
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(zone: BlocklistZone, subject: str) -> Reading | Listing:
        async with places:
            return await ask_blocklist(zone, subject, dns, UnixMs(0))

    readings = await asyncio.gather(*(ask(*pair) for pair in pairs))
    found: list[Finding] = []
    refusing: dict[str, str] = {}
    silent: set[str] = set()
    for (zone, subject), reading in zip(pairs, readings, strict=True):
        match reading:
            case Listing():
                found.append(_listed(zone, subject, reading))
            case NotAnswered(why=why, is_refusal=True):
                refusing.setdefault(zone.name, why)
            case NotAnswered():
                silent.add(zone.name)
            case _:
                pass
    found += [_refusing(zone, why) for zone, why in refusing.items()]
    if not found:
        asked = len({zone.name for zone, _ in pairs} - silent)
        beside = f"; no answer from {', '.join(sorted(silent))}" if silent else ""
        found.append(_well(f"{asked} lists have none of {len(subjects)} of ours{beside}"))
    return found


def _listed(zone: BlocklistZone, subject: str, listing: Listing) -> Finding:
    where = f" at {zone.remove}" if zone.remove else ""
    said = f" ({listing.text})" if listing.text else ""
    evidence = Evidence(
        subject=subject,
        expected=_EXPECTED,
        found=f"listed at {zone.name}: {listing.meaning}{said}",
        remedy=f"end the cause (docs/runbooks.md), then ask for removal{where}",
    )
    return Finding(NAME, "fail", f"{subject} is {evidence.found}: {evidence.remedy}", evidence)


def _refusing(zone: str, why: str) -> Finding:
    evidence = Evidence(
        subject=zone,
        expected="an answer, as our receivers get it",
        found=why,
        remedy=f'have nameservers of your own in [dns], or write without = ["{zone}"] in [blocklists]',
    )
    return Finding(NAME, "warn", f"{why}: {evidence.remedy}", evidence)


def _well(text: str) -> Finding:
    return Finding(NAME, "ok", text, Evidence(subject="blocklists", expected=_EXPECTED, found=text))
