"""Requests of our own to whom the operator has named: bounded in time and size, and no redirect is followed."""

from collections.abc import Mapping
from typing import Final

import aiohttp

FETCH_S: Final = 10.0
MAX_OCTETS: Final = 1_048_576
AT_ONCE: Final = 16  # connections


def new_session() -> aiohttp.ClientSession:
    """It is to be closed. Nothing of the environment is used, and no cookie kept."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=FETCH_S),
        connector=aiohttp.TCPConnector(limit=AT_ONCE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def fetch(
    session: aiohttp.ClientSession,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Return status and body. ``form``: posted; None: GET.

    Raises ValueError: it is too large; aiohttp.ClientError, TimeoutError, OSError.
    """
    method = "GET" if form is None else "POST"
    async with session.request(
        method, url, data=form, headers=headers, allow_redirects=False
    ) as answer:
        octets = b""
        while len(octets) <= MAX_OCTETS and (piece := await answer.content.read(MAX_OCTETS + 1)):
            octets += piece
        if len(octets) > MAX_OCTETS:
            raise ValueError(f"it has more than {MAX_OCTETS} octets")
        return answer.status, octets
