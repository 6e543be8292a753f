"""Asks OpenID providers: for what they say of themselves, for their keys, and for the token that a code stands for."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

import aiohttp
import msgspec

from angarium.api.fetching import fetch, new_session
from angarium.api.issued_tokens import KeySet
from angarium.api.oidc import (
    AwayError,
    Flow,
    Identity,
    Metadata,
    OidcError,
    Redeemed,
    UnknownKeyError,
    metadata_url,
    read_id_token,
    read_metadata,
)
from angarium.config.schema import OidcProvider
from angarium.queue.model import UnixMs
from angarium.telemetry.log import log

KEPT_S: Final = 600.0
# Who brings tokens of unknown keys has no set fetched more often
SOONEST_S: Final = 5.0
MAX_SECRET: Final = 4096


class _Known:
    """Of one provider. ``lock``: what many wait for is fetched once."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.metadata: Metadata | None = None
        self.keys: KeySet | None = None
        self.metadata_at = self.keys_at = 0.0


class OidcClient:
    """Belongs to one event loop. What is fetched is kept for ten minutes, and as it was where it cannot be had anew."""

    def __init__(self, clock: Callable[[], UnixMs]) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def metadata(self, provider: OidcProvider) -> Metadata:
        """Raises OidcError."""
        known = self._of(provider)
        async with known.lock:
            if known.metadata is None or _now() - known.metadata_at > KEPT_S:
                try:
                    octets = await self._get(provider, metadata_url(provider.issuer))
                    known.metadata = read_metadata(octets, provider.issuer)
                    known.metadata_at = _now()
                except (OidcError, ValueError) as error:
                    if known.metadata is None:
                        raise _unusable(provider, "description", error) from None
            return known.metadata

    async def identity(self, provider: OidcProvider, flow: Flow, code: str) -> Identity:
        """Return whom the code is of. Raises OidcError."""
        metadata = await self.metadata(provider)
        redeemed = await self._redeem(provider, metadata, flow, code)
        keys = await self._keys(provider, metadata, KEPT_S)
        try:
            return read_id_token(redeemed, provider, keys, flow, self._clock())
        except UnknownKeyError:
            keys = await self._keys(provider, metadata, SOONEST_S)
            return read_id_token(redeemed, provider, keys, flow, self._clock())

    async def _redeem(
        self, provider: OidcProvider, metadata: Metadata, flow: Flow, code: str
    ) -> Redeemed:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.redirect_url,
            "code_verifier": flow.verifier,
        }
        headers = {"Accept": "application/json"}
        secret = _secret(provider)
        if secret and metadata.takes_basic:
            # RFC 6749 section 2.3.1: each is form-encoded
            pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = provider.client_id
            if secret:
                form["client_secret"] = secret
        try:
            status, octets = await fetch(
                self._opened(), metadata.token_endpoint, form=form, headers=headers
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unusable(provider, "token endpoint", error) from None
        if status != 200:
            raise OidcError(
                "the provider does not take the code: it may be used or too old; begin again"
            )
        try:
            return msgspec.json.decode(octets, type=Redeemed)
        except msgspec.DecodeError:
            raise OidcError("the provider's answer has no ID token") from None

    async def _keys(self, provider: OidcProvider, metadata: Metadata, kept_s: float) -> KeySet:
        known = self._of(provider)
        async with known.lock:
            if known.keys is None or _now() - known.keys_at > kept_s:
                try:
                    known.keys = KeySet.read(await self._get(provider, metadata.jwks_uri))
                    known.keys_at = _now()
                except (OidcError, ValueError) as error:
                    if known.keys is None:
                        raise _unusable(provider, "key set", error) from None
            return known.keys

    async def _get(self, provider: OidcProvider, url: str) -> bytes:
        try:
            status, octets = await fetch(self._opened(), url)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OidcError(str(error) or type(error).__name__) from None
        if status != 200:
            raise OidcError(f"HTTP status {status}")
        return octets

    def _of(self, provider: OidcProvider) -> _Known:
        return self._known.setdefault(provider.name, _Known())

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = new_session()
        return self._session


def _secret(provider: OidcProvider) -> str:
    """Read anew each time, so that another one needs no restart. Raises OidcError."""
    if not provider.client_secret_file:
        return ""
    try:
        with Path(provider.client_secret_file).open(encoding="utf-8") as file:
            return file.read(MAX_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(provider, "client_secret_file", error) from None


def _unusable(provider: OidcProvider, what: str, error: Exception) -> AwayError:
    problem = str(error) or type(error).__name__
    log("oidc_unusable", "error", provider=provider.name, what=what, problem=problem[:200])
    return AwayError(f"the provider {provider.name} cannot be used now ({what}): try again later")


def _now() -> float:
    return asyncio.get_running_loop().time()
