"""The tracking site: what requests to a tracking host get, and that each fetch is noted (P2, P3).

Paths: ``/o/WHO`` a picture, ``/c/WHO/LINK`` where a link leads, ``/h/WHO`` the link that no person sees, ``/u/LEAVE``
and ``/p/LEAVE`` pages on which one leaves, ``/robots.txt``, and ``/.well-known/`` for who asks
whose the host is. There is nothing else, whatever else is served.
"""

import hmac
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, Protocol

import msgspec
from aiohttp import hdrs, web

from angarium.access.networks import Networks
from angarium.api.tracked import answers
from angarium.api.tracked.hosts import TrackingHosts
from angarium.api.tracked.well_known import WellKnown
from angarium.queue.events.fetched import Fetched
from angarium.queue.model import UnixMs
from angarium.tracking.judging import HONEYPOT, PICTURE
from angarium.tracking.networks import MachineNetworks
from angarium.tracking.signs import Seen, seen_purpose, signs_of
from angarium.tracking.tokens import Refused, TrackingKeys, Who, tenant_tag
from angarium.tracking.visitor import network_of, reduced_agent, veiled

READING: Final = "GET, HEAD"
# Ours, of a user agent that is looked at
_AGENT_CHARACTERS: Final = 512
_KINDS: Final = {"o": "picture", "c": "link", "h": "honeypot", "u": "leaving", "p": "leaving"}
_HOPS: Final = 20  # of X-Forwarded-For
_NOBODY: Final = -1
_DAY_MS: Final = 86_400_000


class FetchRecord(Protocol):
    def note(self, fetched: Fetched) -> None:
        """Have it in the event log within a second. Never waits, never fails: what does not fit is counted as lost."""
        ...


class LeavingPages(Protocol):
    async def handle(
        self, request: web.BaseRequest, kind: Literal["u", "p"], leave_text: str, host: str
    ) -> web.StreamResponse:
        """Answer any request to ``/u/TEXT`` or ``/p/TEXT``; ``host`` as the request has it."""
        ...


class TenantsByTag(Protocol):
    def named(self, tag: bytes) -> str:
        """Return the tenant whose ``tenant_tag`` it is; "": none that is known."""
        ...


class Refusals(msgspec.Struct, kw_only=True):
    """How many tokens were no good, by why, since the start."""

    malformed: int = 0
    forged: int = 0
    expired: int = 0

    def count(self, why: str) -> None:
        setattr(self, why, getattr(self, why) + 1)


class TrackedSite:
    """Invariants:

    TS1. A request leads elsewhere only by a link of ours, as its mail's author wrote it (P2).
    TS2. Of a visitor nothing is kept but a network and a program; where nobody is to know, neither.
    TS3. A tenant's own host takes tokens of its own mail only.
    """

    def __init__(
        self,
        *,
        hosts: TrackingHosts,
        keys: TrackingKeys,
        tenants: TenantsByTag,
        networks: MachineNetworks,
        record: FetchRecord,
        clock: Callable[[], UnixMs],
        is_secure: bool = True,
        proxies: Networks | None = None,
        leaving: LeavingPages | None = None,
        well_known: WellKnown | None = None,
    ) -> None:
        """``is_secure``: our addresses are https://; ``proxies``: those in front of us, whose X-Forwarded-For is
        believed; ``leaving`` None: there are no such pages.
        """
        self.hosts = hosts  # may be exchanged at any time
        self.keys = keys  # likewise
        self._tenants = tenants
        self._networks = networks
        self._record = record
        self._clock = clock
        self._is_secure = is_secure
        self._proxies = proxies or Networks(())
        self._leaving = leaving
        self._well_known = well_known
        self.refusals = Refusals()
        # Since the start: picture, link, honeypot, leaving, other
        self.requests: Counter[str] = Counter()

    def claims(self, request: web.BaseRequest) -> bool:
        """Whether the request is to a tracking host."""
        host = request.headers.get(hdrs.HOST)
        return host is not None and self.hosts.find(host) is not None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get(hdrs.HOST, "")
        path = request.raw_path.partition("?")[0]
        kind, _, rest = path[1:].partition("/")
        self.requests[_KINDS.get(kind, "other")] += 1
        page: Literal["u", "p"] | None = "u" if kind == "u" else "p" if kind == "p" else None
        if page is not None and self._leaving is not None and rest:
            return await self._leaving.handle(request, page, rest, host)
        if kind == ".well-known" and self._well_known is not None:
            return self._well_known.handle(request, host) or answers.nothing()
        if kind not in ("o", "c", "h") and path != "/robots.txt":
            return answers.nothing()
        if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            return answers.not_allowed(READING)
        match kind:
            case "o":
                return self._fetch(request, host, rest, PICTURE)
            case "c":
                return self._follow(request, host, rest)
            case "h":
                return self._fetch(request, host, rest, HONEYPOT)
            case _:
                return answers.robots()

    def _fetch(
        self, request: web.BaseRequest, host: str, who_text: str, number: int
    ) -> web.StreamResponse:
        who = self.keys.read_who(who_text, self._clock())
        if isinstance(who, Refused):
            return self._refuse(who)
        if not self._is_of(who, host):
            return self._refuse(Refused("forged"))
        self._note(request, who, number, "")
        return answers.picture() if number == PICTURE else answers.trap()

    def _follow(self, request: web.BaseRequest, host: str, rest: str) -> web.StreamResponse:
        who_text, _, link_text = rest.partition("/")
        link = self.keys.read_link(who_text, link_text, self._clock())
        if isinstance(link, Refused):
            return self._refuse(link)
        if not self._is_of(link.who, host):
            return self._refuse(Refused("forged"))
        self._note(request, link.who, link.number, link.target)
        return answers.redirect(link.target)  # TS1

    def _refuse(self, refused: Refused) -> web.StreamResponse:
        self.refusals.count(refused.why)
        return answers.expired() if refused.why == "expired" else answers.forged()

    def _is_of(self, who: Who, host: str) -> bool:
        owner = self.hosts.find(host)
        return not owner or hmac.compare_digest(who.tenant_tag, tenant_tag(owner))  # TS3

    def _note(self, request: web.BaseRequest, who: Who, number: int, link: str) -> None:
        headers = request.headers
        now = self._clock()
        agent = headers.get(hdrs.USER_AGENT, "")[:_AGENT_CHARACTERS]
        address = self._address(request)
        seen = Seen(
            is_picture=number == PICTURE,
            address=address,
            agent=agent,
            method=request.method,
            is_old_http=request.version < (1, 1),
            accept=headers.get(hdrs.ACCEPT, ""),
            language=headers.get(hdrs.ACCEPT_LANGUAGE, ""),
            fetch_mode=headers.get("Sec-Fetch-Mode", ""),
            purpose=seen_purpose(headers),
            is_secure=self._is_secure,
        )
        network, program = network_of(address), reduced_agent(agent)
        if who.index is None:  # TS2
            network, program = veiled(network, program, now // _DAY_MS, self.keys.veil), ""
        self._record.note(
            Fetched(
                at=now,
                message_id=who.message_id,
                tenant=self._tenants.named(who.tenant_tag),
                index=_NOBODY if who.index is None else who.index,
                link_number=number,
                link=link,
                sent_s=who.sent_s,
                network=network,
                agent=program,
                method=request.method,
                signs=signs_of(seen, self._networks),
            )
        )

    def _address(self, request: web.BaseRequest) -> str:
        """Return the client's, or whom the proxies in front of us say that they ask for."""
        address = request.remote or ""
        if not self._proxies.is_any or address not in self._proxies:
            return address
        hops = request.headers.get("X-Forwarded-For", "").split(",")[-_HOPS:]
        for hop in reversed(hops):
            address = hop.strip() or address
            if address not in self._proxies:
                break
        return address
