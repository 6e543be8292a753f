"""Who may ask what over HTTP: keys, their scopes, and how often (P6). Answers in microseconds, from memory."""

import ipaddress
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from angarium.access.allowance import Allowance, Rates
from angarium.access.certificate_names import PeerCertificate
from angarium.api.client_certificates import peer_certificate
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.telemetry.log import LOG_IDS
from angarium.tenancy.snapshot import KeyGrant, KeyProblem, Snapshot
from angarium.traces.context import read_traceparent, traceparent_text

LISTENER: Final = web.AppKey("listener", str)  # its address as configured


# What a request has been found to be, for who writes the answer
REQUEST_ID: Final = web.RequestKey("request_id", str)
REQUESTED_AT: Final = web.RequestKey("requested_at", int)  # Unix milliseconds
ALLOWANCE: Final = web.RequestKey("allowance", Allowance)
# Of who has been found right by something else than a key
GRANT: Final = web.RequestKey("grant", KeyGrant)
# What of the client's certificate stood for a key
CERTIFIED: Final = web.RequestKey("certified", str)
# What is presented, now, from where: whom a token stands for; None: it is no token
FindToken = Callable[[str, UnixMs, str], KeyGrant | KeyProblem | None]


class Access:
    """Invariant HA1: whoever gets a Caller has presented a valid key that has the scope, within its rates; or a
    certificate that stands for one.

    Invariant MT2: who has presented both is of one tenant.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        clock: Callable[[], UnixMs],
        rates: Rates,
        tenant_rate: int,
        find_token: FindToken | None = None,
    ) -> None:
        """``snapshot``: the platform as it is now. ``tenant_rate``: requests per second of all keys of a tenant
        whose plan does not say.
        """
        self._snapshot = snapshot
        self._clock = clock
        self._rates = rates
        self.tenant_rate = tenant_rate  # may change at any time
        self._find_token = find_token
        self.traces = False  # whether it is told of what trace a request is a part

    def caller(
        self,
        request: web.Request,
        presented: str,
        resource: str,
        action: str,
        *,
        dialect: str = "native",
    ) -> Caller:
        """Return who asks with this key; ``resource`` "": whatever it may do.

        Raises FaultError: NO_KEY, WRONG_KEY, NO_SCOPE, RATE.
        """
        if (grant := request.get(GRANT)) is not None:
            return self.admit(request, grant, resource, action, dialect=dialect)
        found: KeyGrant | KeyProblem | None = None
        if presented and self._find_token is not None:
            found = self._find_token(presented, self._clock(), client_address(request))
        if isinstance(found, KeyProblem):
            raise FaultError(_fault_of(found))
        grant = found or self.find_key(request, presented)
        return self.admit(request, grant, resource, action, dialect=dialect)

    def find_key(self, request: web.Request, presented: str) -> KeyGrant:
        """Return whose key it is, of kind api; a token is none. Without one: what the client's certificate stands for.

        Raises FaultError: NO_KEY, WRONG_KEY, NO_SCOPE.
        """
        if not presented:
            if (certified := self.find_certified(request)) is not None:
                return certified
            text = "No key was given: send X-API-Key, or Authorization: Bearer"
            raise FaultError(Fault(kind=FaultKind.NO_KEY, message=text))
        found = self._snapshot().find_key(presented, self._clock(), client_address(request))
        if isinstance(found, KeyProblem):
            raise FaultError(_fault_of(found))
        if found.key.kind != "api":
            text = f"key {found.key.id} is of kind {found.key.kind}: here one of kind api is needed"
            raise FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))
        return found

    def find_certified(self, request: web.Request) -> KeyGrant | None:
        """Return what the client's certificate stands for; None: it has shown none. Raises FaultError: WRONG_KEY."""
        peer = peer_certificate(request)
        if peer is None:
            return None
        now = self._clock()
        keys = self._snapshot().find_certified(peer.all_names)
        if not keys:
            raise _refused(peer, "stands for no key here")
        if len(keys) > 1:
            raise _refused(peer, f"stands for several keys ({', '.join(each.id for each in keys)})")
        if peer.not_after_s * 1000 <= now:  # a connection may outlive it
            raise _refused(peer, "has expired")
        found = self._snapshot().grant(keys[0], now, client_address(request))
        if isinstance(found, KeyProblem):
            raise FaultError(_fault_of(found))
        request[CERTIFIED] = peer.title
        return found

    def _check_agreement(self, request: web.Request, tenant: str) -> None:
        """Raises FaultError: NO_SCOPE."""
        if CERTIFIED in request:
            return
        peer = peer_certificate(request)
        if peer is None:
            return
        for key in self._snapshot().find_certified(peer.all_names):
            if key.tenant != tenant:  # MT2
                text = f"The certificate {peer.title} is of another tenant than the key: send one of them"
                raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text))

    def admit(
        self,
        request: web.Request,
        grant: KeyGrant,
        resource: str,
        action: str,
        *,
        dialect: str = "native",
    ) -> Caller:
        """Return who asks, whose key was found right in some other way. Raises FaultError: NO_SCOPE, RATE."""
        key = grant.key
        LOG_IDS.set({**LOG_IDS.get(), "tenant": key.tenant, "key": key.id})
        self._check_agreement(request, key.tenant)
        self._count(request, key.id, key.tenant, key.rate)
        if resource and not grant.allows(resource, action):
            text = f"key {key.id} has not the scope {resource}:{action}"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text, constraint="scope"))
        return Caller(
            tenant=key.tenant,
            key_id=key.id,
            domains=grant.domains,
            senders=grant.senders,
            address=client_address(request),
            listener=request.app.get(LISTENER, ""),
            dialect=dialect,
            request_id=request.get(REQUEST_ID, ""),
            **(_trace_of(request) if self.traces else {}),
            scopes=key.scopes,
            certificate=request.get(CERTIFIED, ""),
        )  # HA1

    def _count(self, request: web.Request, key_id: str, tenant: str, per_second: int) -> None:
        """Leave with the request what is left of the rate that is the narrower one. Raises FaultError."""
        now = self._clock()
        of_key = self._rates.take(f"key:{key_id}", per_second, now)
        tightest = of_key
        if not of_key.wait_ms:
            tenant_rate = self._snapshot().plan(tenant).rate or self.tenant_rate
            of_tenant = self._rates.take(f"tenant:{tenant}", tenant_rate, now)
            tightest = min(of_key, of_tenant, key=lambda each: (not each.wait_ms, each.remaining))
        request[ALLOWANCE] = tightest
        if tightest.wait_ms:
            whose = "this key" if tightest is of_key else "this tenant"
            text = f"More than {tightest.limit} requests per second of {whose}: wait, and try again"
            retry_after_s = -(-tightest.wait_ms // 1000)
            fault = Fault(kind=FaultKind.RATE, message=text, retry_after_s=retry_after_s)
            raise FaultError(fault)


def _trace_of(request: web.Request) -> dict[str, Any]:
    parent = read_traceparent(request.headers.get("traceparent", ""))
    return {
        "trace_parent": "" if parent is None else traceparent_text(parent),
        "requested_at": request.get(REQUESTED_AT, 0),
    }


def _refused(peer: PeerCertificate, why: str) -> FaultError:
    text = f"The client's certificate, {peer.title} ({peer.fingerprint}), {why}"
    return FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))


def presented_key(request: web.Request) -> str:
    """Return what X-API-Key, or Authorization: Bearer, has; "": neither."""
    if key := request.headers.get("X-API-Key", ""):
        return key.strip()
    return bearer_token(request)


def bearer_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _fault_of(problem: KeyProblem) -> Fault:
    """Only who has the right key is told what is wrong with it: the snapshot sees to that."""
    kind = FaultKind.WRONG_KEY
    if problem.problem in ("disabled", "network"):
        kind = FaultKind.NO_SCOPE
    return Fault(kind=kind, message=problem.text[:1].upper() + problem.text[1:])


def client_address(request: web.Request) -> str:
    """Without what an IPv4 client looks like on an IPv6 socket."""
    remote = request.remote or ""
    if remote.startswith("::ffff:"):
        mapped = ipaddress.IPv6Address(remote).ipv4_mapped
        return str(mapped) if mapped is not None else remote
    return remote
