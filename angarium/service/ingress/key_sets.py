"""Fetches the key sets of token issuers: at the start, now and then, and when a token names a key that is not known."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import aiohttp

from angarium.api.fetching import fetch, new_session
from angarium.api.issued_tokens import KeySet
from angarium.config.schema import TokenIssuer
from angarium.telemetry.log import log

EVERY_S: Final = 600.0
# Who names keys that are nowhere has no set fetched more often
SOONEST_S: Final = 5.0


class KeySets:
    """What cannot be fetched stays as it was."""

    def __init__(self, issuers: Sequence[TokenIssuer]) -> None:
        self._issuers = tuple(issuers)
        self._wanted = asyncio.Event()
        self._fetched: dict[str, float] = {}
        self._failing: set[str] = set()

    def ask_anew(self, _issuer: str) -> None:
        self._wanted.set()

    async def run(self, take: Callable[[Mapping[str, KeySet]], None]) -> None:
        """Until cancelled. ``take`` gets the sets that were fetched, by issuer."""
        if not self._issuers:
            return
        async with new_session() as session:
            while True:
                self._wanted.clear()
                found = await asyncio.gather(
                    *(self._fetch(session, each) for each in self._issuers)
                )
                take(
                    {
                        each.issuer: one
                        for each, one in zip(self._issuers, found, strict=True)
                        if one is not None
                    }
                )
                began = time.monotonic()
                try:
                    async with asyncio.timeout(EVERY_S):
                        await self._wanted.wait()
                except TimeoutError:
                    continue
                await asyncio.sleep(max(0.0, SOONEST_S - (time.monotonic() - began)))

    async def _fetch(self, session: aiohttp.ClientSession, issuer: TokenIssuer) -> KeySet | None:
        try:
            status, octets = await fetch(session, issuer.jwks_url)
            if status != 200:
                raise ValueError(f"HTTP status {status}")
            keys = KeySet.read(octets)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if issuer.issuer not in self._failing:
                problem = str(error) or type(error).__name__
                log("key_set_unusable", "error", issuer=issuer.issuer, problem=problem[:200])
            self._failing.add(issuer.issuer)
            return None
        self._failing.discard(issuer.issuer)
        return keys
