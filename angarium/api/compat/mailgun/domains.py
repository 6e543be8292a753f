"""Mailgun's /v3/domains and /v4/domains: as which domains a tenant sends, to be read."""

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.domains import DomainResource, keys_of
from angarium.api.native.premises import Premises
from angarium.dkim import SigningKey
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.tenancy.domain_check import CheckedRecord, with_found
from angarium.tenancy.model import Domain

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

LIMIT: Final = 1000  # Mailgun's
_USUAL: Final = 100  # likewise
_STATES: Final = ("active", "unverified", "disabled")
_NAMES: Final = frozenset(
    {"limit", "skip", "state", "search", "sort", "authority", "include_subaccounts", "pretty"}
)
_VALID: Final = {None: "unknown", "ok": "valid", "warn": "invalid", "fail": "invalid"}


class DomainList:
    def __init__(self, callers: Callers, premises: Premises) -> None:
        self._callers = callers
        self._premises = premises
        self._native = DomainResource(premises)

    def routes(self) -> Sequence[Route]:
        return tuple(
            Route(method="GET", path=f"/{version}/domains{tail}", handler=handler)
            for version in ("v3", "v4")
            for tail, handler in (("", self._list), ("/{domain}", self._get))
        )

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._callers.admit(request, "domains", "read")
        query = request.query
        limit, skip = _number(query, "limit", _USUAL), _number(query, "skip", 0)
        _check(query)
        found = await self._premises.platform.run(
            lambda platform: platform.domains.list(caller.tenant), by=caller
        )
        kept = [each for each in found if _fits(each, query)]
        is_reversed = query.get("sort", "").partition(":")[2].strip() == "desc"
        kept.sort(key=lambda each: each.name, reverse=is_reversed)
        page = kept[skip : skip + min(limit, LIMIT)]
        return json_response({"total_count": len(kept), "items": [_shown(each) for each in page]})

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._callers.admit(request, "domains", "read")
        asked = request.match_info["domain"].lower()

        def find(platform: "Platform") -> tuple[Domain, list[SigningKey]]:
            for each in platform.domains.list(caller.tenant):
                if each.name == asked:
                    return each, keys_of(platform, each)
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message="Domain not found"))

        found, keys = await self._premises.platform.run(find, by=caller)
        check = await self._native.last_check(found, caller)
        records = with_found(self._native.expected(found, keys), check)
        shown = [_record(each) for each in records if each.value]
        return json_response(
            {
                "domain": _shown(found),
                "receiving_dns_records": [each for each in shown if each["record_type"] == "MX"],
                "sending_dns_records": [each for each in shown if each["record_type"] != "MX"],
            }
        )


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, "") or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise FaultError(invalid(name, "is no number"))
    return int(text)


def _check(query: Mapping[str, str]) -> None:
    for name in query:
        if name not in _NAMES:
            text = f"{name[:80]}: is no parameter of this list"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80]))
    if query.get("state", "") not in ("", *_STATES):
        raise FaultError(invalid("state", f"is none of {', '.join(_STATES)}"))


def _fits(domain: Domain, query: Mapping[str, str]) -> bool:
    state, search = query.get("state", ""), query.get("search", "").lower()
    # The authority is whose DNS record signs, and that is each one's own
    authority = query.get("authority", "").lower()
    return (
        state in ("", _state(domain)) and search in domain.name and authority in ("", domain.name)
    )


def _state(domain: Domain) -> str:
    return "unverified" if domain.verified is None else "active"


def _shown(domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.id,
        "name": domain.name,
        "state": _state(domain),
        "type": "custom",
        "created_at": formatdate(domain.created / 1000, usegmt=True),
        "is_disabled": False,
        "require_tls": False,
        "skip_verification": False,
        "spam_action": "disabled",
        "wildcard": False,
        "web_scheme": "https",
        "web_prefix": "",
        "smtp_login": "",
        "smtp_password": "",
        "use_automatic_sender_security": False,
    }


def _record(record: CheckedRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": record.name,
        "record_type": record.type,
        "valid": _VALID[record.verdict],
        "value": record.value,
        "cached": [record.found] if record.found else [],
        "is_active": record.verdict == "ok",
    }
    if record.type == "MX":
        priority, _, host = record.value.partition(" ")
        shown |= {"priority": priority, "value": host}
    return shown
