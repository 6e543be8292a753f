"""/v1/domains: as which domains a tenant sends, and what is to be published for them."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    Wire,
    cursor_of,
    in_path,
    invalid,
    maybe_time,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.dkim import SigningKey
from angarium.insight.checks.finding import Verdict
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.domain_records import check_records, expected_records, public_addresses
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.tenancy.domain_check import (
    CheckedRecord,
    DomainCheck,
    DomainHealth,
    RecordPurpose,
    health_of,
    outcome_of,
    with_found,
)
from angarium.tenancy.model import Domain, DomainStatus
from angarium.tenancy.signing import open_domain_key

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

# Ours, of a process: each look is some twenty questions
LOOKS_AT_ONCE: Final = 4
_NAME = Annotated[str, Meta(min_length=1, max_length=260)]


class RecordShown(Wire, frozen=True, kw_only=True):
    """A record to publish, and what there is."""

    purpose: RecordPurpose
    name: str
    type: str
    value: str  # expected; empty: any will do
    zone_line: str  # the same, to copy into a zone; empty: any will do
    verdict: Verdict | None  # null: not looked at
    found: str  # empty: not looked at
    difference: str  # in a sentence; empty: none
    is_answered: bool  # false: a nameserver did not answer, so it may be there
    remedy: str  # what to do; empty: nothing


class DomainShown(Wire, frozen=True, kw_only=True):
    domain: str
    tenant: str
    status: DomainStatus
    assumed: bool  # the operator's word stands for the token in DNS
    created_at: Time
    verified_at: Time | None


class DomainWithRecords(DomainShown, frozen=True, kw_only=True):
    health: DomainHealth  # failed: mail of it fails, for what DNS has
    # When it was looked at last: by itself daily, and at once when it is new
    checked_at: Time | None
    records: Sequence[RecordShown]


class DomainList(Wire, frozen=True, kw_only=True):
    domains: Sequence[DomainShown]
    cursor: str | None  # of the next page; null: there is none


class DomainAsked(Asked, frozen=True, kw_only=True):
    domain: _NAME  # as example.com
    tenant: str = ""  # omitted: the caller's own
    # the operator's word instead of the token in DNS; needs the scope tenants:write
    assume_verified: bool = False


class DomainsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class OneDomainAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class DomainResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    def routes(self) -> Sequence[Route]:
        one = "/v1/domains/{domain}"
        return (
            Route(
                method="POST",
                path="/v1/domains",
                handler=self.add,
                summary="Take in a domain, make a DKIM key for it, and say what is to be published.",
                scope="domains:write",
                request=DomainAsked,
                answers={201: DomainWithRecords},
            ),
            Route(
                method="GET",
                path="/v1/domains",
                handler=self.page,
                summary="List the domains.",
                scope="domains:read",
                query=DomainsAsked,
                answers={200: DomainList},
            ),
            Route(
                method="GET",
                path=one,
                handler=self.show,
                summary="Show a domain with the records to publish. Asks no nameserver.",
                scope="domains:read",
                query=OneDomainAsked,
                answers={200: DomainWithRecords},
            ),
            Route(
                method="POST",
                path=f"{one}/verify",
                handler=self.verify,
                summary="Look for a domain's records in DNS: expected, found, what to do. It is verified from the"
                " moment when its token is found, and stays so.",
                scope="domains:write",
                query=OneDomainAsked,
                answers={200: DomainWithRecords},
            ),
            Route(
                method="POST",
                path=f"{one}/rotate",
                handler=self.rotate,
                summary="Make a new DKIM key, and say what is to be published. The old one signs until that is found.",
                scope="domains:write",
                query=OneDomainAsked,
                answers={200: DomainWithRecords},
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self.remove,
                summary="Forget a domain and its keys. What was accepted is still delivered.",
                scope="domains:write",
                query=OneDomainAsked,
                answers={200: DomainShown},
            ),
        )

    async def add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        asked = await read_json(request, DomainAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        if asked.assume_verified and not self._premises.may(caller, "tenants", "write"):
            text = "assumeVerified: is the operator's word, and needs the scope tenants:write"
            raise invalid("assumeVerified", text, FaultKind.NO_SCOPE)

        def add(platform: "Platform") -> tuple[Domain, list[SigningKey]]:
            added = platform.domains.add(
                asked.domain, tenant, assume_verified=asked.assume_verified
            )
            return added, keys_of(platform, added)

        added, keys = await self._premises.platform.run(add, by=caller)
        return json_response(_with_records(added, self.expected(added, keys), None), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        asked = read_query(request, DomainsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after, limit = read_text_cursor(asked.cursor), asked.limit
        found = await self._premises.platform.run(
            lambda platform: platform.pages.domains(tenant, after, limit), by=caller
        )
        last = found[-1].name.encode() if len(found) == limit else None
        return json_response(
            DomainList(domains=[_shown(each) for each in found], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        found, keys = await self._found(request, caller, "read")
        check = await self.last_check(found, caller)
        records = with_found(self.expected(found, keys), check)
        return json_response(_with_records(found, records, check))

    async def verify(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        found, keys = await self._found(request, caller, "write")
        found, check = await self.look(found, keys, caller)
        return json_response(_with_records(found, check.records, check))

    async def rotate(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        name = in_path(request, "domain")
        asked = read_query(request, OneDomainAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")

        def rotate(platform: "Platform") -> tuple[Domain, list[SigningKey]]:
            rotated = platform.domain_keys.rotate(name, tenant)
            return rotated, keys_of(platform, rotated)

        found, keys = await self._premises.platform.run(rotate, by=caller)
        return json_response(_with_records(found, self.expected(found, keys), None))

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        name = in_path(request, "domain")
        asked = read_query(request, OneDomainAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        removed = await self._premises.platform.run(
            lambda platform: platform.domains.remove(name, tenant), by=caller
        )
        return json_response(_shown(removed))

    async def _found(
        self, request: web.Request, caller: Caller, action: str
    ) -> tuple[Domain, "list[SigningKey]"]:
        name = in_path(request, "domain")
        asked = read_query(request, OneDomainAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, action)

        def find(platform: "Platform") -> "tuple[Domain, list[SigningKey]]":
            domain = platform.domains.find(name, tenant)
            return domain, keys_of(platform, domain)

        return await self._premises.platform.run(find, by=caller)

    def expected(self, domain: Domain, keys: Sequence[SigningKey]) -> Sequence[CheckedRecord]:
        config = self._premises.config()
        return expected_records(config, domain, keys, public_addresses(config))

    async def last_check(self, domain: Domain, caller: Caller) -> DomainCheck | None:
        return await self._premises.platform.run(
            lambda platform: platform.domain_checks.find(domain.id), by=caller
        )

    async def look(
        self, domain: Domain, keys: Sequence[SigningKey], caller: Caller
    ) -> tuple[Domain, DomainCheck]:
        """Look at its records now, and do what follows; return it as it is then. Raises FaultError."""
        began = self._premises.clock()
        records = await self._looked_up(domain, keys)
        check = DomainCheck(domain_id=domain.id, checked=began, records=records)

        def take(platform: "Platform") -> Domain:
            # Imported where it is used: SQLAlchemy is 25 MB
            from angarium.tenancy.domain_progress import take_check

            return take_check(platform, domain, check)

        return await self._premises.platform.run(take, by=caller), check

    async def _looked_up(
        self, domain: Domain, keys: Sequence[SigningKey]
    ) -> tuple[CheckedRecord, ...]:
        config = self._premises.config()
        async with self._looks:
            try:
                resolver = DnsResolver(config.dns, time.monotonic)
            except DnsSetupError as error:
                fault = Fault(kind=FaultKind.BUSY, message=str(error), retry_after_s=60)
                raise FaultError(fault) from None
            try:
                return (await check_records(config, domain, keys, PatientDns(resolver))).records
            finally:
                await resolver.close()


def keys_of(platform: "Platform", domain: Domain) -> "list[SigningKey]":
    return [open_domain_key(platform.secrets, domain.name, each) for each in domain.published_keys]


def _shown(domain: Domain) -> DomainShown:
    return DomainShown(
        domain=domain.name,
        tenant=domain.tenant,
        status=domain.status,
        assumed=domain.assumed,
        created_at=time_text(domain.created),
        verified_at=maybe_time(domain.verified),
    )


def _with_records(
    domain: Domain, records: Sequence[CheckedRecord], check: DomainCheck | None
) -> DomainWithRecords:
    outcome = None if check is None else outcome_of(domain, check)
    shown = [
        RecordShown(
            purpose=each.purpose,
            name=each.name,
            type=each.type,
            value=each.value,
            zone_line=each.zone_line,
            verdict=each.verdict,
            found=each.found,
            difference=each.difference,
            is_answered=each.is_answered,
            remedy=each.remedy,
        )
        for each in records
    ]
    return DomainWithRecords(
        **msgspec.structs.asdict(_shown(domain)),
        health=health_of(domain, outcome, "pending"),
        checked_at=maybe_time(None if check is None else check.checked),
        records=shown,
    )
