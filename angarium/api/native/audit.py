"""GET /v1/audit: who changed what, and when."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    PageAsked,
    Time,
    Wire,
    cursor_of,
    invalid,
    read_cursor,
    read_query,
    time_text,
)
from angarium.intake.order import FaultKind
from angarium.tenancy.audit.link import Link

_NUMBER_OCTETS: Final = 8  # the last bit is none of the number: a database takes 63


class EntryShown(Wire, frozen=True, kw_only=True):
    """One change, chained to the one before by its digest (docs/data-protection.md)."""

    number: int
    at: Time
    actor: str  # key ID; or who gave a command
    action: str  # as domain.verified
    tenant: str
    subject: str  # the id or name of what was changed
    details: Mapping[str, str]
    digest: str  # SHA-256, in hexadecimal


class AuditList(Wire, frozen=True, kw_only=True):
    entries: Sequence[EntryShown]  # the newest first
    cursor: str | None  # of the next page, with older ones; null: there is none


class AuditAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own
    # of all tenants, and of what is no tenant's; for who has the scope tenants:read
    all: bool = False


class AuditResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="GET",
                path="/v1/audit",
                handler=self.page,
                summary="List who changed what, the newest first.",
                scope="keys:read",
                query=AuditAsked,
                answers={200: AuditList},
            ),
        )

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "keys", "read")
        asked = read_query(request, AuditAsked)
        tenant: str | None = self._premises.tenant_of(caller, asked.tenant, "read")
        if asked.all:
            if not self._premises.may(caller, "tenants", "read"):
                raise invalid("all", "all: needs the scope tenants:read", FaultKind.NO_SCOPE)
            tenant = None
        before, limit = _number(read_cursor(asked.cursor)), asked.limit
        found = await self._premises.platform.run(
            lambda platform: platform.audit.page(tenant, before, limit), by=caller
        )
        number = found[-1].number << 1 if len(found) == limit else None
        last = None if number is None else number.to_bytes(_NUMBER_OCTETS, "big")
        return json_response(
            AuditList(entries=[_shown(each) for each in found], cursor=cursor_of(last))
        )


def _number(cursor: bytes | None) -> int | None:
    return None if cursor is None else int.from_bytes(cursor[:_NUMBER_OCTETS], "big") >> 1


def _shown(link: Link) -> EntryShown:
    entry = link.entry
    return EntryShown(
        number=link.number,
        at=time_text(entry.at),
        actor=entry.actor,
        action=entry.action,
        tenant=entry.tenant,
        subject=entry.subject,
        details=entry.details,
        digest=link.digest.hex(),
    )
