"""Asks one DNS blocklist for one address or domain, and believes it only if it does not list everything."""

from typing import Protocol

from angarium.config.schema import Blocklists, BlocklistZone, Config
from angarium.insight.blocklist_subjects import subjects_of
from angarium.insight.checks.senders import find_sender_domains
from angarium.insight.checks.tenancy import tenants_domains
from angarium.insight.egress_addresses import egress_addresses
from angarium.queue import UnixMs
from angarium.reputation.blocklists import (
    TEXT_CHARACTERS,
    Listed,
    Listing,
    NotAnswered,
    Reading,
    query_name,
    read_answer,
    unlisted_name,
)
from angarium.routing.dns import Answer, DnsTrouble, Found


class LookUps(Protocol):
    """``routing.dns.DnsResolver`` is."""

    async def ipv4(self, name: str) -> Answer[str]: ...

    async def txt(self, name: str) -> Answer[bytes]: ...


def own_subjects(config: Config) -> tuple[str, ...]:
    """Return what of ours is asked for. Reads the system and the users' file."""
    settings: Blocklists = config.blocklists
    own_domains = find_sender_domains(config).domains
    if config.feedback.return_path_domain is not None:
        own_domains = (*own_domains, config.feedback.return_path_domain)
    own_domains = (*own_domains, *tenants_domains(config))
    return subjects_of(egress_addresses(config), settings.addresses, settings.domains, own_domains)


async def ask_blocklist(
    zone: BlocklistZone, subject: str, dns: LookUps, now: UnixMs
) -> Reading | Listing:
    """Return a Listing where it is listed; ``now``: since when, as far as we know."""
    name = query_name(zone, subject)
    reading = _read(zone, await dns.ipv4(name))
    if not isinstance(reading, Listed):
        return reading
    beside = await dns.ipv4(unlisted_name(zone, subject))
    if isinstance(beside, Found):
        return NotAnswered(f"{zone.name} lists everything: it is no more", is_refusal=True)
    if isinstance(beside, DnsTrouble):
        return NotAnswered(beside.text)
    said = await dns.txt(name)
    return Listing(
        zone=zone.name,
        address=subject,
        codes=reading.codes,
        meaning=reading.meaning,
        since=now,
        text=_text(said.records) if isinstance(said, Found) else "",
    )


def _read(zone: BlocklistZone, answer: Answer[str]) -> Reading:
    if isinstance(answer, DnsTrouble):
        return NotAnswered(answer.text)
    return read_answer(zone, answer.records if isinstance(answer, Found) else ())


def _text(records: tuple[bytes, ...]) -> str:
    text = " ".join(each.decode("utf-8", "replace") for each in records)[:TEXT_CHARACTERS]
    return "".join(each if each.isprintable() else " " for each in text)
