"""Resend's /domains: as which domains a tenant sends, and what is to be published for them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid, missing, refuse_unsupported, unsupported
from angarium.api.compat.resend.paging import page_of, read_wanted
from angarium.api.compat.resend.wire import WireDomain
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.domains import DomainResource, keys_of
from angarium.api.native.premises import Premises
from angarium.api.reading import read_json
from angarium.dkim import SigningKey
from angarium.intake.order import Caller, FaultError
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.domain_check import CheckedRecord, with_found
from angarium.tenancy.model import Domain, NotFoundError

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

_NOT_FOLLOWED: Final = "opens and clicks are not followed"
_UNSUPPORTED: Final = {
    "region": "there is one, which is where this server stands",
    "custom_return_path": "bounces go to the server's own return path",
    "tracking_subdomain": _NOT_FOLLOWED,
}
_RECORDS: Final = {
    "ownership": "Ownership",
    "dkim": "DKIM",
    "spf": "SPF",
    "dmarc": "DMARC",
    "mx": "Receiving",
    "return_path": "SPF",
}
_STATUS: Final = {None: "not_started", "ok": "verified", "warn": "pending", "fail": "failed"}


class Domains:
    """``premises.admit`` asks for a key as Resend's clients send it."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._native = DomainResource(premises)

    def routes(self) -> Sequence[Route]:
        one = "/domains/{id}"
        return (
            Route(method="POST", path="/domains", handler=self._add),
            Route(method="GET", path="/domains", handler=self._list),
            Route(method="GET", path=one, handler=self._get),
            Route(method="PATCH", path=one, handler=self._update),
            Route(method="DELETE", path=one, handler=self._remove),
            Route(method="POST", path=f"{one}/verify", handler=self._verify),
        )

    async def _add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        asked = await read_json(request, WireDomain)
        if not asked.name:
            raise FaultError(missing("name", "Missing `name` field."))
        _check_settings(asked)

        def add(platform: "Platform") -> tuple[Domain, list[SigningKey]]:
            added = platform.domains.add(asked.name, caller.tenant)
            return added, keys_of(platform, added)

        added, keys = await self._premises.platform.run(add, by=caller)
        return json_response(_with_records(added, self._native.expected(added, keys)), 201)

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        wanted = read_wanted(request.query)
        found = await self._premises.platform.run(
            lambda platform: platform.domains.list(caller.tenant), by=caller
        )
        newest_first = sorted(found, key=lambda each: (-each.created, each.id))
        return json_response(page_of([_listed(each) for each in newest_first], wanted))

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        found, keys = await self._found(request, caller)
        check = await self._native.last_check(found, caller)
        records = with_found(self._native.expected(found, keys), check)
        return json_response({"object": "domain", **_with_records(found, records)})

    async def _update(self, request: web.Request) -> web.Response:
        """Of what can be set there, we have the usual values alone."""
        caller = self._premises.admit(request, "domains", "write")
        found, _ = await self._found(request, caller)
        asked = await read_json(request, WireDomain)
        if asked.name:
            raise FaultError(unsupported("name", "add a domain of that name"))
        _check_settings(asked)
        return json_response({"object": "domain", "id": found.id})

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        found, _ = await self._found(request, caller)
        await self._premises.platform.run(
            lambda platform: platform.domains.remove(found.name, caller.tenant), by=caller
        )
        return json_response({"object": "domain", "id": found.id, "deleted": True})

    async def _verify(self, request: web.Request) -> web.Response:
        """Look now: when it is answered, the domain's status is what was found."""
        caller = self._premises.admit(request, "domains", "write")
        found, keys = await self._found(request, caller)
        await self._native.look(found, keys, caller)
        return json_response({"object": "domain", "id": found.id})

    async def _found(self, request: web.Request, caller: Caller) -> tuple[Domain, list[SigningKey]]:
        """By its id, or its name."""
        asked = request.match_info["id"]

        def find(platform: "Platform") -> tuple[Domain, list[SigningKey]]:
            for each in platform.domains.list(caller.tenant):
                if asked in (each.id, each.name):
                    return each, keys_of(platform, each)
            raise NotFoundError("Domain not found")

        return await self._premises.platform.run(find, by=caller)


def _check_settings(asked: WireDomain) -> None:
    """Raises FaultError."""
    refuse_unsupported(asked, _UNSUPPORTED)
    for name, given in (
        ("open_tracking", asked.open_tracking),
        ("click_tracking", asked.click_tracking),
    ):
        if given:
            raise FaultError(unsupported(name, _NOT_FOLLOWED))
    if asked.tls not in ("", "opportunistic"):
        raise FaultError(unsupported("tls", "it is a policy of the server, by [tls] and MTA-STS"))
    if asked.capabilities.receiving not in ("", "disabled"):
        raise FaultError(unsupported("capabilities.receiving", "no mail is received for it"))
    if asked.capabilities.sending not in ("", "enabled"):
        raise FaultError(invalid("capabilities.sending", "remove the domain instead"))


def _listed(domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.id,
        "name": domain.name,
        "status": domain.status,
        "created_at": rfc3339(domain.created),
        "region": None,
        "open_tracking": False,
        "click_tracking": False,
        "capabilities": {"sending": "enabled", "receiving": "disabled"},
    }


def _with_records(domain: Domain, records: Sequence[CheckedRecord]) -> dict[str, Any]:
    return {**_listed(domain), "records": [_record(each) for each in records if each.value]}


def _record(record: CheckedRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "record": _RECORDS[record.purpose],
        "name": record.name,
        "type": record.type,
        "ttl": "Auto",
        "status": _STATUS[record.verdict] if record.is_answered else "temporary_failure",
        "value": record.value,
    }
    if record.type == "MX":
        priority, _, host = record.value.partition(" ")
        shown |= {"priority": int(priority), "value": host}
    return shown
