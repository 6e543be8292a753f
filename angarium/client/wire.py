"""HTTP for the client that waits. May be used by several threads."""

import time
from typing import Self

import urllib3

from angarium.client.calls import Call, Reply
from angarium.client.errors import ConnectionFailedError


class Transport:
    def __init__(self, url: str, key: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(total=timeout_s), retries=False, maxsize=10
        )

    def send(self, call: Call) -> Reply:
        """Raises ConnectionFailedError: there was no answer, or none in time."""
        headers = {**call.headers, "Authorization": f"Bearer {self._key}"}
        try:
            answer = self._pool.request(
                call.method,
                self._url + call.path,
                body=call.body or None,
                headers=headers,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionFailedError(f"{self._url}: {error}") from error
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status, headers=names, body=answer.data)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
