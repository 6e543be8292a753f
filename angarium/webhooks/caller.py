"""Sends one request to a URL that somebody else has named, and reads what is answered: P1's shell.

Knows nothing of what is sent, nor of when to try again.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from angarium.routing.dns import Answer, DnsTrouble, Found
from angarium.webhooks.guard import Guard, Target, UrlError

# Of an answer: read so that its connection can be used again; what is longer ends with it
MAX_ANSWER_OCTETS: Final = 64 * 1024
KEPT_CHARACTERS: Final = 1000  # of it, for whoever looks why
CONNECT_S: Final = 10.0
IDLE_S: Final = 30.0
AT_ONCE: Final = 512  # connections over all endpoints
_PATIENT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
_FETCHED_OCTETS: Final = 1 << 18  # at once


class FindsAddresses(Protocol):
    async def ipv4(self, name: str) -> Answer[str]: ...

    async def ipv6(self, name: str) -> Answer[str]: ...


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request."""

    status: int  # 0: nobody answered
    text: str = ""  # the beginning of the answer, or what went wrong
    duration_ms: int = 0
    retry_after_s: float = 0.0  # what the answer asks for

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Takes(Protocol):
    """What is done with an answer that is fetched. What it raises ends the request, and goes to who asked for it."""

    async def begin(self, length: int | None) -> None:
        """It is there, and has so many octets; None: that is not known."""
        ...

    async def take(self, octets: bytes) -> None: ...


class Caller:
    """Belongs to one event loop.

    Invariant WC1: what is connected to is an address that the guard was asked about, and no look-up lies between.
    Invariant WC2: a request ends within the time-out, however slowly it is answered; of an answer MAX_ANSWER_OCTETS
    are read at most, but of what is fetched; and no redirect is followed.
    """

    def __init__(
        self,
        guard: Guard,
        dns: FindsAddresses,
        *,
        timeout_s: float,
        context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``context``: which certificates are trusted; None: the system's."""
        self._guard = guard
        self._timeout_s = timeout_s
        self._clock = clock
        trusted = context or ssl.create_default_context()
        self._sessions = {
            scheme: _new_session(_GuardedResolver(guard, dns, scheme), trusted)
            for scheme in ("https", "http")
        }

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Return what came of it; never raises for what the far end does."""
        return await self._request("POST", url, headers, body, None, self._timeout_s)

    async def fetch(self, url: str, takes: Takes, within_s: float) -> Answered:
        """Have an answer of 200 taken piece by piece; of another one return what it says.

        ``within_s``: of all of it, and between two pieces the time-out. Raises what ``takes`` does.
        """
        return await self._request("GET", url, {}, None, takes, within_s)

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        takes: Takes | None,
        within_s: float,
    ) -> Answered:
        begun = self._clock()
        status, text, retry_after_s = 0, "", 0.0
        try:
            target = self._guard.read_url(url)
            async with asyncio.timeout(within_s):  # WC2
                response = await self._sessions[target.scheme].request(
                    method,
                    URL(target.url, encoded=True),
                    data=body,
                    headers=_with_authorization(headers, target),
                    allow_redirects=False,  # WC2
                    timeout=_PATIENT if takes is None else _between_pieces(self._timeout_s),
                )
                try:
                    if takes is None or response.status != HTTPStatus.OK:
                        text = (await _read(response)).decode("utf-8", "replace")
                    else:
                        await _hand_over(response, takes)
                finally:
                    if response.content.at_eof():
                        response.release()
                    else:
                        response.close()
            status = response.status
            retry_after_s = _seconds(response.headers.get("Retry-After", ""))
        except UrlError as error:
            text = f"the URL {error}"
        except TimeoutError:
            text = f"no answer within {within_s:g} s"
        except aiohttp.ClientConnectorDNSError as error:
            text = str(error.os_error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            text = str(error) or type(error).__name__
        return Answered(
            status=status,
            text=printable(text),
            duration_ms=int((self._clock() - begun) * 1000),
            retry_after_s=retry_after_s,
        )


class _GuardedResolver(AbstractResolver):
    """Gives aiohttp addresses that may be connected to, and no others (WC1)."""

    def __init__(self, guard: Guard, dns: FindsAddresses, scheme: str) -> None:
        self._guard = guard
        self._dns = dns
        self._scheme = scheme

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError: the name has no address, or none that may be connected to."""
        target = Target(scheme=self._scheme, host=host, port=port, path="/")
        refusal: UrlError | None = None
        allowed = []
        for address in await addresses_of(host, self._dns):
            try:
                self._guard.check(target, address)  # WC1
            except UrlError as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed:
            raise OSError(str(refusal) if refusal else f"{host} has no address")
        return [_result(host, port, each) for each in allowed]

    async def close(self) -> None:
        pass


async def addresses_of(host: str, dns: FindsAddresses) -> Sequence[str]:
    """Return what a name resolves to; nothing of it is judged. Raises OSError: nobody could say."""
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1",)  # RFC 6761
    answers = await asyncio.gather(dns.ipv4(host), dns.ipv6(host))
    found = [each for answer in answers if isinstance(answer, Found) for each in answer.records]
    if not found:
        for answer in answers:
            if isinstance(answer, DnsTrouble):
                raise OSError(answer.text)
    return found


def printable(text: str) -> str:
    """Return the beginning of what strangers wrote, without what terminals and databases take amiss (C7)."""
    cut = text[:KEPT_CHARACTERS]
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in cut)


def _new_session(resolver: AbstractResolver, trusted: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,  # WC1: what is cached was judged for another connection
            ssl=trusted,
            limit=AT_ONCE,
            keepalive_timeout=IDLE_S,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=_PATIENT,
        trust_env=False,
    )


def _with_authorization(headers: Mapping[str, str], target: Target) -> Mapping[str, str]:
    given = {"Authorization": target.authorization} if target.authorization else {}
    return {**headers, "Accept-Encoding": "identity", **given}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    octets = b""
    while len(octets) <= MAX_ANSWER_OCTETS:  # WC2
        piece = await response.content.read(MAX_ANSWER_OCTETS + 1 - len(octets))
        if not piece:
            break
        octets += piece
    return octets


async def _hand_over(response: aiohttp.ClientResponse, takes: Takes) -> None:
    # It would be of another length, and was not asked for
    if "Content-Encoding" in response.headers:
        raise UrlError("is answered with a Content-Encoding, though none was asked for")
    await takes.begin(response.content_length)
    async for piece in response.content.iter_chunked(_FETCHED_OCTETS):
        await takes.take(piece)


def _between_pieces(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=timeout_s)


def _result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST,
    )


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0.0
