"""Looks at a tracking host as its visitors will: its addresses, who answers there, and whether its certificate is
believed. Expected, found, what to do.
"""

import ssl
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.config.schema import Config
from angarium.config.tracking_host import HTTP, HTTPS, default_host
from angarium.issuance.model import HostStatus
from angarium.routing.dns import Answer, DnsTrouble
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.tracking_host_check import HostFinding
from angarium.tracking.host_proof import NONCE_OCTETS, PATH, HostProof
from angarium.webhooks.caller import Answered, Caller, addresses_of
from angarium.webhooks.guard import Guard

FETCH_S: Final = 10.0
_OPENING: Final = "a listener of kind http that serves tracking, through every firewall and proxy"


class FindsAddresses(Protocol):
    async def ipv4(self, name: str) -> Answer[str]: ...

    async def ipv6(self, name: str) -> Answer[str]: ...


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a host before it is looked at."""

    host: str
    owner_problem: str | None = None  # why it is no longer its tenant's
    status: HostStatus = HostStatus()  # of orders of its certificate
    has_files: bool = False  # a certificate is given in the configuration


class _Fetched(msgspec.Struct, frozen=True, kw_only=True):
    is_ours: bool
    text: str  # what was found, in words


class HostLook:
    """Belongs to one event loop. Sends requests to hosts that tenants name: to public addresses, to our own, and to
    those that the operator allows for webhooks (P1).
    """

    def __init__(
        self,
        config: Config,
        proof: HostProof,
        dns: FindsAddresses,
        random_octets: Callable[[int], bytes],
    ) -> None:
        """Raises OSError: tracking.ca_file cannot be read."""
        self._config = config
        self._proof = proof
        self._dns = dns
        self._random_octets = random_octets
        self._default = default_host(config)
        self._trusted = ssl.create_default_context()
        if config.tracking.ca_file:
            self._trusted.load_verify_locations(config.tracking.ca_file)

    async def look(self, subject: Subject) -> tuple[HostFinding, ...]:
        """Never raises for what others do."""
        found = [_ownership(subject)]
        target = self._default.host or self._config.server.hostname
        ours = await self._addresses(target)
        theirs = await self._addresses(subject.host)
        found.append(_dns(subject.host, target, ours, theirs))
        guard = Guard(
            [*self._config.webhook.allow_networks, *(ours if isinstance(ours, list) else [])],
            allow_http=True,
        )
        found += await self._answers(subject, guard)
        return tuple(found)

    async def _answers(self, subject: Subject, guard: Guard) -> Sequence[HostFinding]:
        is_insecure = self._config.tracking.insecure
        port = self._default.port
        clear_port = port if is_insecure and port else HTTP
        tls_port = port or HTTPS
        clear = await self._fetch(guard, self._trusted, "http", subject.host, clear_port)
        if is_insecure:
            return [_answer(subject.host, [clear], self._is_certain(clear))]
        believed = await self._fetch(guard, self._trusted, "https", subject.host, tls_port)
        tried = [clear, believed]
        if not clear.is_ours and not believed.is_ours:
            tried.append(await self._fetch(guard, _unverified(), "https", subject.host, tls_port))
        answer = _answer(subject.host, tried, any(self._is_certain(each) for each in tried))
        if answer.verdict == "fail":
            return [answer]
        return [answer, self._certificate(subject, believed)]

    @staticmethod
    def _is_certain(fetched: _Fetched) -> bool:
        return not fetched.text.startswith("no answer within")

    def _certificate(self, subject: Subject, believed: _Fetched) -> HostFinding:
        expected = f"https://{subject.host} with a certificate of it that browsers believe"
        if believed.is_ours:
            return HostFinding(
                purpose="certificate", verdict="ok", expected=expected, found="believed"
            )
        trouble = subject.status.trouble
        if subject.has_files:
            remedy = "see that [[tracking_certificate]] has its newest files, with the whole chain"
        elif self._config.acme is None:
            remedy = "give its files in [[tracking_certificate]], or have [acme] issue it one"
        elif trouble is None:
            remedy = "wait a minute: the server orders one"
        else:
            until = rfc3339(subject.status.not_before)
            remedy = (
                f"{trouble.text}: {trouble.remedy or 'it is ordered again'}; tried again {until}"
            )
        return HostFinding(
            purpose="certificate",
            verdict="fail",
            expected=expected,
            found=believed.text,
            remedy=remedy,
        )

    async def _addresses(self, name: str) -> list[str] | DnsTrouble:
        try:
            return list(await addresses_of(name, self._dns))
        except OSError as error:
            return DnsTrouble(str(error))

    async def _fetch(
        self, guard: Guard, trusted: ssl.SSLContext, scheme: str, host: str, port: int
    ) -> _Fetched:
        nonce = self._random_octets(NONCE_OCTETS).hex()
        collected = _Collected()
        caller = Caller(guard, self._dns, timeout_s=FETCH_S, context=trusted)
        try:
            url = f"{scheme}://{host}:{port}{PATH}{nonce}"
            answered = await caller.fetch(url, collected, FETCH_S)
        finally:
            await caller.close()
        text = collected.text()
        if answered.is_success and self._proof.accepts(host, nonce, text):
            return _Fetched(is_ours=True, text=f"{scheme}: this server")
        return _Fetched(is_ours=False, text=f"{scheme}: {_what(answered)}")


class _Collected:
    """Satisfies Takes, of as much as an answer of ours has."""

    _MOST: Final = 4096

    def __init__(self) -> None:
        self._octets = b""

    async def begin(self, length: int | None) -> None:
        if length is not None and length > self._MOST:
            raise ValueError(f"{length} octets, which is no answer of this server")

    async def take(self, octets: bytes) -> None:
        self._octets += octets
        if len(self._octets) > self._MOST:
            raise ValueError("a page, which is no answer of this server")

    def text(self) -> str:
        return self._octets.decode("utf-8", "replace")


def _what(answered: Answered) -> str:
    if answered.status == 0:
        return answered.text[:300]
    if 300 <= answered.status < 400:
        return f"a redirect ({answered.status})"
    return f"something else answers ({answered.status})"


def _ownership(subject: Subject) -> HostFinding:
    expected = "a name below a domain that its tenant has verified"
    if subject.owner_problem is None:
        return HostFinding(purpose="ownership", verdict="ok", expected=expected, found="it is")
    return HostFinding(
        purpose="ownership",
        verdict="fail",
        expected=expected,
        found=subject.owner_problem,
        remedy="verify the domain again, or remove the host",
    )


def _dns(
    host: str, target: str, ours: list[str] | DnsTrouble, theirs: list[str] | DnsTrouble
) -> HostFinding:
    expected = f"{host}. IN CNAME {target}." if host != target else f"an address record of {host}"
    remedy = f"publish {expected}" if host != target else f"publish {expected} that leads here"
    if isinstance(theirs, DnsTrouble):
        return HostFinding(
            purpose="dns",
            verdict="fail",
            expected=expected,
            found=theirs.text,
            remedy="see that the zone's nameservers answer",
            is_certain=False,
        )
    if not theirs:
        found = "no address"
        return HostFinding(
            purpose="dns", verdict="fail", expected=expected, found=found, remedy=remedy
        )
    found = ", ".join(theirs[:4])
    if isinstance(ours, list) and set(ours) & set(theirs):
        return HostFinding(purpose="dns", verdict="ok", expected=expected, found=found)
    # It may be a proxy that leads here: who answers there decides
    own = ", ".join(ours[:4]) if isinstance(ours, list) and ours else "unknown"
    return HostFinding(
        purpose="dns",
        verdict="warn",
        expected=expected,
        found=f"{found}; addresses of {target}: {own}",
        remedy=f"{remedy}, unless a proxy of yours is there that leads here",
    )


def _answer(host: str, tried: Sequence[_Fetched], is_certain: bool) -> HostFinding:
    expected = f"this server answers at {host}"
    found = "; ".join(each.text for each in tried)
    if any(each.is_ours for each in tried):
        return HostFinding(purpose="answer", verdict="ok", expected=expected, found=found)
    return HostFinding(
        purpose="answer",
        verdict="fail",
        expected=expected,
        found=found,
        remedy=f"have {host} lead to {_OPENING}",
        is_certain=is_certain,
    )


def _unverified() -> ssl.SSLContext:
    """To tell what answers with another certificate; nothing is sent that anybody may not see."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
