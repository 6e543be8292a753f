"""Whether a domain's SPF record lets an address send for it (RFC 7208 section 4), within the RFC's bounds on look-ups.

Asks through what it is given, and knows nothing of who wants to know.
"""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Final, Protocol, TypeVar

import msgspec

from angarium.insight.spf_record import (
    MacroValues,
    Mechanism,
    SpfRecord,
    SpfResult,
    SpfSyntaxError,
    expanded,
    parse_record,
    select_record,
)
from angarium.routing.dns import Answer, DnsTrouble, Found, MxRecord
from angarium.routing.host_name import is_host_name

MAX_TERMS: Final = 10  # RFC 7208 section 4.6.4: terms that ask DNS, over all records of one check
MAX_VOID: Final = 2  # the same: answers without a record
MAX_NAMES: Final = 10  # the same: of one mx or ptr
T = TypeVar("T")


class LookUps(Protocol):
    async def txt(self, name: str) -> Answer[bytes]: ...

    async def mx(self, domain: str) -> Answer[MxRecord]: ...

    async def ipv4(self, name: str) -> Answer[str]: ...

    async def ipv6(self, name: str) -> Answer[str]: ...

    async def ptr(self, address: str) -> Answer[str]: ...


class SpfVerdict(msgspec.Struct, frozen=True, kw_only=True):
    result: SpfResult
    reason: str  # the term that decided, or what is wrong
    terms: int  # that asked DNS; more than MAX_TERMS are a permerror


class _Ended(Exception):  # noqa: N818 - a result on its way, not an error of ours
    def __init__(self, result: SpfResult, reason: str) -> None:
        super().__init__(reason)
        self.result: SpfResult = result
        self.reason = reason


async def check_host(
    dns: LookUps, *, address: str, domain: str, helo: str, local_part: str = "postmaster"
) -> SpfVerdict:
    """Return what a receiver finds for mail from ``local_part@domain``, domain in A-labels. Raises nothing."""
    check = _Check(dns, address=address, sender=f"{local_part}@{domain}", helo=helo)
    try:
        result, reason = await check.of_domain(domain.lower())
    except _Ended as ended:
        result, reason = ended.result, ended.reason
    return SpfVerdict(result=result, reason=reason, terms=min(check.terms, MAX_TERMS))


class _Check:
    """One check with all that it includes.

    Invariant SP1: no more than MAX_TERMS terms ask DNS, and none asks after more than MAX_VOID empty answers.
    """

    def __init__(self, dns: LookUps, *, address: str, sender: str, helo: str) -> None:
        self._dns = dns
        self._ip = ip_address(address)
        self._sender = sender
        self._helo = helo
        self._void = 0
        self.terms = 0

    async def of_domain(self, domain: str) -> tuple[SpfResult, str]:
        if not is_host_name(domain) or "." not in domain:  # section 4.3
            return "none", f"{domain!r} is no domain"
        record = await self._record(domain)
        if record is None:
            return "none", f"{domain} has no SPF record"
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.result, f"{mechanism.text} of {domain}"
        if record.redirect is None or any(each.kind == "all" for each in record.mechanisms):
            return "neutral", f"no term of {domain} matches"
        self._count(f"redirect={record.redirect}")
        target = self._expanded(record.redirect, domain)
        result, reason = await self.of_domain(target)
        if result == "none":  # section 6.1
            raise _Ended("permerror", f"redirect={target}: {reason}")
        return result, reason

    async def _record(self, domain: str) -> SpfRecord | None:
        answer = await self._dns.txt(domain)
        if isinstance(answer, DnsTrouble):
            raise _Ended("temperror", answer.text)
        try:
            text = select_record(answer.records) if isinstance(answer, Found) else None
            return parse_record(text) if text is not None else None
        except SpfSyntaxError as error:
            raise _Ended("permerror", f"{domain}: {error}") from None

    async def _matches(self, term: Mechanism, domain: str) -> bool:
        if term.kind not in ("all", "ip4", "ip6"):
            self._count(term.text)
        target = self._expanded(term.domain, domain) if term.domain else domain
        match term.kind:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._ip in ip_network(term.network, strict=False)
            case "include":
                return await self._includes(target)
            case "exists":
                return bool(await self._found(self._dns.ipv4, target))
            case "a":
                return await self._is_of(target, term)
            case "mx":
                hosts = await self._found(self._dns.mx, target)
                if len(hosts) > MAX_NAMES:
                    raise _Ended("permerror", f"{term.text}: {target} has over {MAX_NAMES} MX")
                for each in hosts:
                    if each.name and await self._is_of(each.name, term):
                        return True
                return False
            case "ptr":
                return await self._is_named(target)

    async def _includes(self, domain: str) -> bool:
        """Section 5.2: what the included record says of others than those that pass is not ours."""
        result, reason = await self.of_domain(domain)
        if result == "none":
            raise _Ended("permerror", f"include:{domain}: {reason}")
        return result == "pass"

    async def _is_of(self, host: str, term: Mechanism) -> bool:
        """Whether the address is one of a host, or in a network of that length around one."""
        ask = self._dns.ipv4 if self._ip.version == 4 else self._dns.ipv6
        prefix = term.prefix4 if self._ip.version == 4 else term.prefix6
        found = await self._found(ask, host)
        return any(self._ip in ip_network(f"{each}/{prefix}", strict=False) for each in found)

    async def _is_named(self, domain: str) -> bool:
        """Section 5.5: a name of the address that leads back to it ends in the domain. Trouble is no match."""
        answer = await self._dns.ptr(str(self._ip))
        if isinstance(answer, DnsTrouble):
            return False
        names = answer.records if isinstance(answer, Found) else ()
        self._count_void(empty=not names)
        ask = self._dns.ipv4 if self._ip.version == 4 else self._dns.ipv6
        for name in names[:MAX_NAMES]:
            if name != domain and not name.endswith(f".{domain}"):
                continue
            back = await ask(name)
            if isinstance(back, Found) and str(self._ip) in back.records:
                return True
        return False

    async def _found(self, ask: Callable[[str], Awaitable[Answer[T]]], name: str) -> Sequence[T]:
        answer = await ask(name)
        if isinstance(answer, DnsTrouble):
            raise _Ended("temperror", answer.text)
        records = answer.records if isinstance(answer, Found) else ()
        self._count_void(empty=not records)
        return records

    def _count(self, term: str) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:  # SP1
            raise _Ended("permerror", f"{term} is one look-up too many: {MAX_TERMS} are allowed")

    def _count_void(self, *, empty: bool) -> None:
        self._void += empty
        if self._void > MAX_VOID:  # SP1
            raise _Ended(
                "permerror", f"more than {MAX_VOID} look-ups find nothing: remove dead names"
            )

    def _expanded(self, text: str, domain: str) -> str:
        values = MacroValues(
            address=str(self._ip), domain=domain, sender=self._sender, helo=self._helo
        )
        return expanded(text, values)
