"""DNS look-ups as typed results, behind our own cache. Knows nothing of mail: ``mx`` and ``resolver`` do.

Answers are hostile input (D4): names are checked, record counts and CNAME chains bounded, and whatever dnspython
refuses to parse is trouble, never an exception.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.reversename
import msgspec

from angarium.config.address import HostPort, is_ip, parse_host_port
from angarium.config.schema import Dns
from angarium.routing.fair_turns import NOBODY, Whose
from angarium.routing.host_name import is_host_name
from angarium.routing.nameserver import BoundedNameserver
from angarium.routing.patient_limit import PATIENCE_S, PatientLimit, Turn
from angarium.routing.silent_zones import SilentZones
from angarium.routing.single_flight import SingleFlight
from angarium.routing.ttl_cache import TtlCache

# Ours, of one name: large domains prove their ownership to dozens of services.
MAX_TXT_RECORDS: Final = 100
TROUBLE_TTL_S: Final = 2.0  # ours: spares a failing server repeats by each recipient, no more
# Ours: chains that the server leaves to us; dnspython bounds those in one answer.
MAX_CNAME_LOOK_UPS: Final = 4

RecordType = Literal["MX", "A", "AAAA", "PTR", "TXT"]
T = TypeVar("T")


class DnsSetupError(Exception):
    """There is no nameserver to ask, or one is not written host:port. The operator's to mend."""


class MxRecord(msgspec.Struct, frozen=True, order=True):
    preference: int
    name: str  # lower-case, no trailing dot; "" for the root: a null MX (RFC 7505). Not checked to be a host name


class Found(msgspec.Struct, Generic[T], frozen=True):
    records: tuple[T, ...]  # never empty
    ttl: float  # seconds for which it still holds


class NoSuchDomain(msgspec.Struct, frozen=True):
    """NXDOMAIN: no record of any type, nor below."""

    ttl: float


class NoData(msgspec.Struct, frozen=True):
    """The name exists without this type."""

    ttl: float


class DnsTrouble(msgspec.Struct, frozen=True):
    """Not known now: SERVFAIL, time-out, a refusal or an answer that makes no sense."""

    text: str
    ttl: float = TROUBLE_TTL_S
    is_silence: bool = False  # nobody said anything


Answer = Found[T] | NoSuchDomain | NoData | DnsTrouble
Question = tuple[str, RecordType]


class DnsCounters(msgspec.Struct, kw_only=True):
    """What the metrics read."""

    hits: int = 0  # answered from the cache
    look_ups: int = 0  # asked of a nameserver
    troubles: int = 0  # look-ups that ended in DnsTrouble


class DnsRoom(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what there may be is taken."""

    under_way: int  # look-ups
    limit: int
    cached: int  # answers
    cache_limit: int


class DnsResolver:
    """Belongs to one event loop.

    Invariant DR1: one look-up in flight per name and type; who asks meanwhile waits for the same.
    Invariant DR2: trouble is kept for TROUBLE_TTL_S at most, and never taken for a negative answer.
    Invariant DR3: what is cached, or needs no nameserver, waits for nobody; who waits for a place, waits by its own
    turn, also for what somebody else has asked for and not begun.
    """

    def __init__(self, config: Dns, clock: Callable[[], float]) -> None:
        """``clock`` counts seconds and never goes back. Raises DnsSetupError."""
        self._config = config
        self._clock = clock
        self._resolver = _stub_resolver(config)
        self._cache: TtlCache[Question, Answer[Any]] = TtlCache(config.cache_entries)
        self._flight: SingleFlight[Question, Answer[Any]] = SingleFlight()  # DR1
        self._look_ups = PatientLimit(config.look_ups)
        self._zones = SilentZones()
        # Of zones: few, each is checked once in a while
        self._checks: set[asyncio.Task[None]] = set()
        self.counters = DnsCounters()
        # Called with the seconds that a look-up took
        self.observe: Callable[[float], None] = _nobody

    @property
    def nameservers(self) -> tuple[str, ...]:
        """Whom we ask, for `postmaster check`."""
        return tuple(
            str(HostPort(each.address, each.port))
            if isinstance(each, dns.nameserver.AddressAndPortNameserver)
            else str(each)
            for each in self._resolver.nameservers
        )

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Return the best ``config.mx_hosts`` records, by preference and name."""
        return await self.look_up((domain, "MX"))

    async def ipv4(self, name: str) -> Answer[str]:
        return await self.look_up((name, "A"))

    async def ipv6(self, name: str) -> Answer[str]:
        return await self.look_up((name, "AAAA"))

    async def ptr(self, address: str) -> Answer[str]:
        """Return the host names of an IP address. Raises ValueError when ``address`` is not one."""
        try:
            name = dns.reversename.from_address(address)
        except dns.exception.SyntaxError as error:
            raise ValueError(address) from error
        return await self.look_up((name.to_text(omit_final_dot=True), "PTR"))

    def find_known(self, question: Question) -> Answer[Any] | None:
        """Return the answer, where no nameserver need be asked for it."""
        now = self._clock()
        cached = self._cache.find_with_end(question, now)
        if cached is not None:
            self.counters.hits += 1
            return msgspec.structs.replace(cached[0], ttl=cached[1] - now)
        name, rdtype = question
        if not is_host_name(name):
            return NoSuchDomain(self._config.negative_ttl_s)  # nothing that DNS could hold
        zone = self._zones.find(name, now)
        if zone is not None:
            return DnsTrouble(f"DNS: {name} {rdtype}: not asked: no answer of late from {zone}")
        return None

    async def look_up(self, question: Question, whose: Whose = NOBODY) -> Answer[Any]:
        """``whose``: the mail that it is for, and whose share of the places it takes."""
        while (known := self.find_known(question)) is None:
            if question in self._flight:
                return await self._flight.join(question)
            turn = await self._look_ups.take(whose)  # DR3
            if question not in self._flight and self.find_known(question) is None:
                return await self._flight.run(question, partial(self._ask_and_keep, question, turn))
            turn.end()  # somebody was faster
        return known

    async def txt(self, name: str) -> Answer[bytes]:
        """Return each record with its strings joined, as SPF, DKIM and DMARC read them."""
        return await self.look_up((name, "TXT"))

    def forget(self) -> None:
        """Empty the cache: after a reload, or when an operator asks."""
        self._cache.clear()
        self._zones.forget()

    def room(self) -> DnsRoom:
        return DnsRoom(
            under_way=self._look_ups.under_way,
            limit=self._config.look_ups,
            cached=len(self._cache),
            cache_limit=self._config.cache_entries,
        )

    def exchange(self, config: Dns) -> None:
        """Ask by this from now on, and everything anew. Raises DnsSetupError; then all stays as it was."""
        self._resolver = _stub_resolver(config)
        if config != self._config:
            self._config = config
            self._cache = TtlCache(config.cache_entries)
            self._look_ups = PatientLimit(config.look_ups)
        self.forget()

    async def close(self) -> None:
        await self._flight.close()
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)

    async def _ask_and_keep(self, question: Question, turn: Turn) -> Answer[Any]:
        began = self._clock()
        try:
            self.counters.look_ups += 1
            answer = await self._follow(*question)
        finally:
            turn.end()
        now = self._clock()
        self.observe(now - began)
        if isinstance(answer, DnsTrouble):
            self.counters.troubles += 1
            # A resolver that we ask says SERVFAIL when it has waited in vain
            if answer.is_silence or now - began >= PATIENCE_S:
                self._suspect(self._zones.unanswered(question[0], now))
        else:
            self._zones.answered(question[0], now)
        self._cache.put(question, answer, now + answer.ttl)
        return answer

    def _suspect(self, zone: str | None) -> None:
        if zone is not None:
            task = asyncio.get_running_loop().create_task(self._check(zone))
            self._checks.add(task)
            task.add_done_callback(self._checks.discard)

    async def _check(self, zone: str) -> None:
        """Look up a zone's own name: is it silent, or only names below it?"""
        answer = await self.look_up((zone, "MX"))
        if isinstance(answer, DnsTrouble):
            self._zones.own_name_unanswered(zone, self._clock())
        else:
            self._zones.own_name_answered(zone, self._clock())

    async def _follow(self, name: str, rdtype: RecordType) -> Answer[Any]:
        """Look up, following aliases that the server did not follow itself."""
        owner, ttl = dns.name.from_text(name), self._config.max_ttl_s
        for _ in range(MAX_CNAME_LOOK_UPS):
            try:
                async with asyncio.timeout(self._config.lifetime_s + 1):
                    answer = await self._resolver.resolve(
                        owner, rdtype, raise_on_no_answer=False, search=False
                    )
            except dns.resolver.NXDOMAIN as negative:
                response = negative.response(owner)  # type: ignore[no-untyped-call]
                return NoSuchDomain(min(ttl, self._negative_ttl(response)))
            except (dns.exception.DNSException, OSError, TimeoutError) as error:
                silence = isinstance(error, dns.exception.Timeout | TimeoutError)
                return DnsTrouble(_trouble_text(name, rdtype, error), is_silence=silence)  # DR2
            if answer.rrset is not None:
                ttl = min(ttl, max(answer.chaining_result.minimum_ttl, self._config.min_ttl_s))
                return _found(_records(list(answer.rrset), rdtype, self._config), ttl)
            if answer.canonical_name == owner:
                if _is_referral(answer.response):
                    return DnsTrouble(f"DNS: {name} {rdtype}: a referral: the nameserver is lame")
                return NoData(min(ttl, self._negative_ttl(answer.response)))
            owner = answer.canonical_name
        return DnsTrouble(f"DNS: {name} {rdtype}: the chain of aliases is too long")

    def _negative_ttl(self, response: dns.message.Message) -> float:
        """RFC 2308 section 5: the smaller of the SOA's TTL and its minimum, within our bounds."""
        ttl = self._config.negative_ttl_s
        for rrset in response.authority:
            if rrset.rdtype == dns.rdatatype.SOA and len(rrset):
                ttl = min(ttl, rrset.ttl, rrset[0].minimum)
        return min(max(ttl, self._config.min_ttl_s), self._config.negative_ttl_s)


def _is_referral(response: dns.message.Message) -> bool:
    """RFC 2308 section 2.2: NS records without a SOA send us elsewhere, and deny nothing."""
    kinds = {rrset.rdtype for rrset in response.authority}
    return dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds


def _stub_resolver(config: Dns) -> dns.asyncresolver.Resolver:
    if config.nameservers:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [_nameserver(each) for each in config.nameservers]
    else:
        try:
            resolver = dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise DnsSetupError("the system names no nameserver; set dns.nameservers") from error
        resolver.nameservers = [
            BoundedNameserver(each, 53) if isinstance(each, str) else each
            for each in resolver.nameservers
        ]
        if not resolver.nameservers:
            raise DnsSetupError("the system names no nameserver; set dns.nameservers")
    resolver.timeout = config.timeout_s
    resolver.lifetime = config.lifetime_s
    resolver.cache = None  # ours is bounded, knows negative answers and takes a clock
    return resolver


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    try:
        at = parse_host_port(text, default_port=53)
    except ValueError as error:
        raise DnsSetupError(f"dns.nameservers: {error}") from error
    if not is_ip(at.host) or not at.port:
        raise DnsSetupError(f"dns.nameservers: {text!r} must be an IP address, host:port")
    return BoundedNameserver(at.host, at.port)


def _found(records: tuple[T, ...], ttl: float) -> Answer[T]:
    return Found(records, ttl) if records else NoData(ttl)


def _records(rrset: Sequence[Any], rdtype: RecordType, config: Dns) -> tuple[Any, ...]:
    """Return what we keep of an answer; bounded whatever the server sent (D4)."""
    match rdtype:
        case "A" | "AAAA":
            return tuple(each.address for each in rrset[: config.addresses_per_host])
        case "MX":
            found = sorted(MxRecord(each.preference, _name_text(each.exchange)) for each in rrset)
            return tuple(found[: config.mx_hosts])
        case "PTR":
            return tuple(_name_text(each.target) for each in rrset[: config.mx_hosts])
        case "TXT":
            return tuple(b"".join(each.strings) for each in rrset[:MAX_TXT_RECORDS])


def _name_text(name: dns.name.Name) -> str:
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()


def _trouble_text(name: str, rdtype: str, error: Exception) -> str:
    """Say what went wrong in words of ours: dnspython's texts span lines and quote the server."""
    match error:
        case dns.resolver.NoNameservers():
            why = "no nameserver gave a usable answer" + _rcodes(error)
        case dns.exception.Timeout() | TimeoutError():
            why = "no answer in time"
        case OSError():
            why = f"nameserver not reachable: {error.strerror or type(error).__name__}"
        case _:
            why = f"answer not usable: {type(error).__name__}"
    return f"DNS: {name} {rdtype}: {why}"


def _rcodes(error: dns.resolver.NoNameservers) -> str:
    errors = error.kwargs.get("errors", [])
    what = sorted({str(each[3]) if each[4] else type(each[3]).__name__ for each in errors})
    return f" ({', '.join(what)[:200]})" if what else ""


def _nobody(_seconds: float) -> None: ...
