"""HTTP for the client that is awaited."""

import asyncio
from typing import Self

import aiohttp

from angarium.client.calls import Call, Reply
from angarium.client.errors import ConnectionFailedError


class AsyncTransport:
    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, call: Call) -> Reply:
        """Raises ConnectionFailedError: there was no answer, or none in time."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        headers = {**call.headers, "Authorization": f"Bearer {self._key}"}
        try:
            async with self._session.request(
                call.method,
                self._url + call.path,
                data=call.body or None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(status=answer.status, headers=names, body=body)
        except TimeoutError as error:
            raise ConnectionFailedError(f"{self._url}: no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionFailedError(f"{self._url}: {error}") from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
