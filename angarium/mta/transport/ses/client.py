"""One HTTP connection to SES's API, for one signed call at a time; ``Lost`` says what is known."""

import asyncio
import socket
import ssl
from types import SimpleNamespace
from typing import Final

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.credentials import Credentials

from angarium.mta.transport.peer import os_reason
from angarium.mta.transport.ses.call import MAX_ANSWER_OCTETS, Answer
from angarium.mta.transport.ses.signing import signed_headers

# A call that goes out slower than this, beyond ``timeout_s``, is broken off. Ours
SLOWEST_OCTETS_S: Final = 65_536
# Hashed on the event loop: a millisecond. More goes to a thread
INLINE_OCTETS: Final = 262_144


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A call without an answer."""

    text: str
    timed_out: bool = False
    # False: not all of it was handed to the network, so SES cannot have acted on it
    sent: bool


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """Where SES is, and whose calls they are."""

    url: str  # without a slash at its end
    region: str
    credentials: Credentials


class SesClient:
    """Connects with its first call, and again if the peer has closed meanwhile."""

    def __init__(
        self,
        api: Api,
        address: str | None,
        bind_address: str | None,
        *,
        connect_s: float,
        timeout_s: float,
        tls: ssl.SSLContext,
    ) -> None:
        """``address``: the one to connect to; None: as the system resolves it."""
        self._api = api
        self._connect_s = connect_s
        self._timeout_s = timeout_s
        self.sent = False  # all of the call under way, or the last one
        trace = aiohttp.TraceConfig()
        trace.on_request_chunk_sent.append(self._chunk_sent)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1,
                resolver=None if address is None else _Fixed(address),
                local_addr=None if bind_address is None else (bind_address, 0),
                ssl=tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
            raise_for_status=False,
        )

    async def call(self, method: str, path: str, body: bytes = b"") -> Answer | Lost:
        """Raises only when cancelled."""
        self.sent = False
        api, url = self._api, self._api.url + path
        arguments = (api.credentials, api.region, method, url, body)
        if len(body) <= INLINE_OCTETS:
            headers = signed_headers(*arguments)
        else:
            headers = await asyncio.to_thread(signed_headers, *arguments)
        limit_s = self._connect_s + self._timeout_s + len(body) / SLOWEST_OCTETS_S
        try:
            async with self._session.request(
                method,
                url,
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit_s, sock_connect=self._connect_s),
            ) as response:
                return Answer(
                    status=response.status,
                    error_type=response.headers.get("x-amzn-ErrorType", ""),
                    body=await _read(response.content),
                )
        except TimeoutError:
            return Lost(text="no answer in time", timed_out=True, sent=self.sent)
        except (aiohttp.ClientError, OSError) as error:
            return Lost(text=_reason(error), sent=self.sent)

    async def close(self) -> None:
        await self._session.close()

    async def _chunk_sent(
        self,
        _: aiohttp.ClientSession,
        __: SimpleNamespace,
        ___: aiohttp.TraceRequestChunkSentParams,
    ) -> None:
        """Called right before the body, one piece, goes to the socket."""
        self.sent = True


class _Fixed(AbstractResolver):
    """The address was chosen already."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=self._address,
                port=port,
                family=found,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


async def _read(content: aiohttp.StreamReader) -> bytes:
    """At most so much of it: what is behind is not awaited."""
    found = b""
    while len(found) < MAX_ANSWER_OCTETS:
        piece = await content.read(MAX_ANSWER_OCTETS - len(found))
        if not piece:
            break
        found += piece
    return found


def _reason(error: Exception) -> str:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, ssl.SSLError):
        return f"TLS: {getattr(inner, 'verify_message', '') or inner.reason or 'handshake failed'}"
    return os_reason(inner)
