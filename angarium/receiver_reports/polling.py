"""Asks Google's and Microsoft's interfaces for their figures: requests in, figures out. For one event loop.

Everything is bounded: time, octets, pages, domains. No redirect is followed, and nothing of the environment used.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import msgspec

from angarium.queue.model import UnixMs
from angarium.receiver_reports import postmaster_tools, snds
from angarium.receiver_reports.figures import Figure, Source
from angarium.receiver_reports.key_file import read_key_file
from angarium.receiver_reports.model import cut
from angarium.receiver_reports.oauth import (
    GOOGLE_TOKEN_URL,
    CredentialError,
    Credentials,
    Token,
    read_token,
    token_form,
)
from angarium.receiver_reports.postmaster_tools import (
    MAX_DOMAINS,
    MAX_PAGES,
    SCOPES,
    AnswerError,
    day_of,
    read_compliance,
    read_domains,
    read_stats,
)

REQUEST_S: Final = 30.0
MAX_OCTETS: Final = 8 << 20
# Ours: nobody is asked faster
PAUSE_S: Final = 0.1


class PollError(Exception):
    """Nothing was read; says why, and what to do. No secret is in it."""


class Tokens(Protocol):
    """``poll_state.PollKeeper`` does."""

    def token(self, provider: Source, seed: bytes) -> str: ...

    def keep_token(self, provider: Source, seed: bytes, token: str) -> None: ...


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom a provider is asked."""

    provider: Source
    key_file: Path
    url: str
    token_url: str  # "": as the key file says, or the provider's usual one
    domains: tuple[str, ...] = ()  # of Google; none: all that the account has


class _RefusedError(Exception):
    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status} {said}".rstrip())
        self.status = status


class Poller:
    """One poll of one account. ``tokens`` is asked in a thread."""

    def __init__(
        self,
        account: Account,
        tokens: Tokens,
        clock: Callable[[], UnixMs],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._account = account
        self._tokens = tokens
        self._clock = clock
        self._pause_s = pause_s

    async def poll(self) -> list[Figure]:
        """Return what the provider says of the last days. Raises PollError, ReportsAwayError."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_S)
        async with aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            try:
                token = await self._token(session)
                asking = _Asking(session, self._account.url, token.access, self._pause_s)
                if self._account.provider == "google":
                    return await self._google(asking)
                return await self._microsoft(asking)
            except (CredentialError, AnswerError, snds.SndsError, _RefusedError) as error:
                raise PollError(str(error)) from None
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if type(error).__module__.startswith("angarium"):
                    raise  # ReportsAwayError
                text = str(error) or type(error).__name__
                raise PollError(f"{self._account.url} is not reached: {cut(text, 200)}") from None

    async def _token(self, session: aiohttp.ClientSession) -> Token:
        """Raises CredentialError, aiohttp.ClientError, TimeoutError, ReportsAwayError."""
        account = self._account
        credentials = await asyncio.to_thread(read_key_file, account.key_file)
        usual = GOOGLE_TOKEN_URL if account.provider == "google" else snds.TOKEN_URL
        url = account.token_url or credentials.token_uri or usual
        other = await asyncio.to_thread(self._tokens.token, account.provider, credentials.seed)
        scope = _scope(account.provider, credentials)
        form = token_form(credentials, scope, url, other, self._clock() / 1000)
        status, octets = await _fetch(session, "POST", url, {}, form)
        token = read_token(status, octets)
        if token.refresh and credentials.refresh_token:
            # Microsoft's counts once: the next poll needs the one that came
            await asyncio.to_thread(
                self._tokens.keep_token, account.provider, credentials.seed, token.refresh
            )
        return token

    async def _google(self, asking: "_Asking") -> list[Figure]:
        found: list[Figure] = []
        domains = self._account.domains or await _domains(asking)
        today = day_of(self._clock() / 1000)
        refused: list[str] = []
        for domain in domains[:MAX_DOMAINS]:
            try:
                found += await _stats(asking, domain, today)
                path = postmaster_tools.compliance_path(domain)
                found += read_compliance(await asking.get(path), domain, today)
            except _RefusedError as error:
                if error.status not in (403, 404):
                    raise
                refused.append(f"{domain}: {error}")
        if refused and len(refused) == len(domains):
            raise PollError(f"no domain's figures may be read: {refused[0]}")
        return found

    async def _microsoft(self, asking: "_Asking") -> list[Figure]:
        today = day_of(self._clock() / 1000)
        found: list[Figure] = []
        for back in range(1, snds.DAYS + 1):
            try:
                octets = await asking.get(snds.data_path(today - timedelta(days=back)))
            except _RefusedError as error:
                if error.status != 404:  # no mail came that day, or it is not told yet
                    raise
                continue
            found += snds.read_data(octets) if octets.strip() else []
        try:
            octets = await asking.get(snds.STATUS_PATH)
        except _RefusedError as error:
            if error.status != 404:
                raise
            return found
        return found + (snds.read_status(octets, today) if octets.strip() else [])


class _Asking:
    """Requests with a token, one after the other."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str, pause_s: float
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pause_s = pause_s

    async def get(self, path: str) -> bytes:
        return await self._do("GET", path, None)

    async def post(self, path: str, body: bytes) -> bytes:
        return await self._do("POST", path, body)

    async def _do(self, method: str, path: str, body: bytes | None) -> bytes:
        """Raises _RefusedError, aiohttp.ClientError, TimeoutError."""
        await asyncio.sleep(self._pause_s)
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        status, octets = await _fetch(self._session, method, self._url + path, headers, body)
        if status != 200:
            said = cut(octets[:2000].decode("utf-8", "replace"), 300)
            raise _RefusedError(status, said)
        return octets


async def _domains(asking: _Asking) -> Sequence[str]:
    found: list[str] = []
    page = ""
    for _ in range(MAX_PAGES):
        names, page = read_domains(await asking.get(postmaster_tools.domains_path(page)))
        found += names
        if not page:
            break
    return found


async def _stats(asking: _Asking, domain: str, today: date) -> list[Figure]:
    """Ask page after page; and where there are feedback loops, for the rate of each."""
    found: list[Figure] = []
    loops: set[str] = set()
    path = postmaster_tools.stats_path(domain)
    asked: list[Sequence[str] | None] = [None]
    while asked:
        which, page = asked.pop(), ""
        for _ in range(MAX_PAGES):
            body = postmaster_tools.stats_body(today, page, which)
            answer = read_stats(await asking.post(path, body), domain)
            found += answer.figures
            loops |= answer.loops
            page = answer.next_page
            if not page:
                break
        if which is None and loops:
            asked.append(sorted(loops))
    return found


def _scope(provider: Source, credentials: Credentials) -> str:
    if provider == "microsoft":
        return f"{credentials.client_id}/.default"
    return "" if credentials.way == "refresh_token" else " ".join(SCOPES)


async def _fetch(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, str] | bytes | None,
) -> tuple[int, bytes]:
    """Return status and body. Raises aiohttp.ClientError, TimeoutError, OSError."""
    async with session.request(
        method, url, data=body, headers=headers, allow_redirects=False
    ) as answer:
        octets = bytearray()
        async for piece in answer.content.iter_chunked(65_536):
            octets += piece
            if len(octets) > MAX_OCTETS:
                raise aiohttp.ClientPayloadError(f"the answer has more than {MAX_OCTETS} octets")
        return answer.status, bytes(octets)
