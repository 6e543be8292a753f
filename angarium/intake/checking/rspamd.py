"""Asks rspamd what it thinks of a message: POST /checkv2 at its normal worker."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

_ANSWER_OCTETS: Final = 1_048_576
_SYMBOLS: Final = 100  # that are told, those that score most first
_REJECTING: Final = frozenset({"reject", "discard", "quarantine"})
_SUSPECTING: Final = frozenset({"add header", "rewrite subject", "soft reject", "greylist"})


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """One of rspamd's reasons."""

    name: str = ""
    score: float = 0.0
    description: str = ""


class SpamOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What rspamd says."""

    score: float = 0.0
    required_score: float = 0.0  # from here on it would refuse
    action: str = ""  # "no action", "greylist", "add header", "reject", ...
    symbols: Sequence[Symbol] = ()  # those that score most first
    trouble: str = ""  # why nobody knows; then all else is empty

    @property
    def rejects(self) -> bool:
        return self.action in _REJECTING

    @property
    def suspects(self) -> bool:
        return self.action in _SUSPECTING


class _Answer(msgspec.Struct):
    score: float
    action: str
    required_score: float = 0.0
    symbols: Mapping[str, Symbol] = {}


class Rspamd:
    """Belongs to one event loop.

    Invariant CK2: an opinion comes within the time-out, whatever rspamd does; it never raises for that.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = f"{url.rstrip('/')}/checkv2"
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, content: bytes, reverse_path: str, recipients: Sequence[str]
    ) -> SpamOpinion:
        headers = [("Pass", "all"), *[("Rcpt", quote(each, safe="@.+")) for each in recipients[:5]]]
        if reverse_path:
            headers.append(("From", quote(reverse_path, safe="@.+")))
        try:
            async with asyncio.timeout(self._timeout_s):  # CK2
                octets, status = await self._post(content, headers)
        except TimeoutError:
            return SpamOpinion(trouble=f"it has not answered within {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return SpamOpinion(trouble=str(error)[:200] or type(error).__name__)
        if status != 200:
            text = octets[:100].decode("utf-8", "replace")
            return SpamOpinion(trouble=f"it has answered {status} {text}")
        try:
            answer = msgspec.json.decode(octets, type=_Answer)
        except (msgspec.DecodeError, RecursionError):
            return SpamOpinion(trouble="its answer is none of POST /checkv2")
        symbols = sorted(
            [
                msgspec.structs.replace(each, name=name, description=each.description[:200])
                for name, each in answer.symbols.items()
            ],
            key=lambda each: -abs(each.score),
        )
        return SpamOpinion(
            score=round(answer.score, 2),
            required_score=answer.required_score,
            action=answer.action,
            symbols=tuple(symbols[:_SYMBOLS]),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, content: bytes, headers: list[tuple[str, str]]) -> tuple[bytes, int]:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=True)
        async with self._session.post(
            self._url, data=content, headers=headers, allow_redirects=False
        ) as response:
            pieces = bytearray()
            async for piece in response.content.iter_chunked(65_536):
                pieces += piece
                if len(pieces) > _ANSWER_OCTETS:
                    raise ValueError("its answer is larger than a megabyte")
            return bytes(pieces), response.status
