"""Finds the DMARC record that counts for a domain, by the walk of RFC 9989; each name is asked for once."""

import asyncio

from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.dmarc import (
    Discovery,
    DmarcRecord,
    DmarcSyntaxError,
    discover,
    is_end_of_walk,
    select_dmarc,
    walk,
)
from angarium.routing.dns import DnsTrouble, Found


class DmarcTroubleError(Exception):
    """What counts cannot be told: DNS does not answer, or a record is broken. Its text says which."""


class DmarcLookUp:
    def __init__(self, dns: PatientDns) -> None:
        self._dns = dns
        self._asked: dict[str, asyncio.Task[DmarcRecord | None]] = {}

    async def discover(self, domain: str) -> Discovery:
        """Raises DmarcTroubleError. What cannot be told above a record that was found is taken for none."""
        records: dict[str, DmarcRecord] = {}
        for at in walk(domain):
            try:
                record = await self._at(at)
            except DmarcTroubleError:
                if records:
                    break
                raise
            if record is not None:
                records[at] = record
                if is_end_of_walk(at, record, domain):
                    break
        return discover(domain, records)

    async def organization(self, domain: str) -> str:
        """Raises DmarcTroubleError."""
        return (await self.discover(domain)).organization

    async def _at(self, name: str) -> DmarcRecord | None:
        if name not in self._asked:
            self._asked[name] = asyncio.create_task(self._ask(name))
        return await asyncio.shield(self._asked[name])

    async def _ask(self, name: str) -> DmarcRecord | None:
        answer = await self._dns.txt(f"_dmarc.{name}")
        if isinstance(answer, DnsTrouble):
            raise DmarcTroubleError(answer.text)
        try:
            return select_dmarc(answer.records) if isinstance(answer, Found) else None
        except DmarcSyntaxError as error:
            raise DmarcTroubleError(f"_dmarc.{name}: {error}") from error
