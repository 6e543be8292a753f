"""A client of the HTTP API, for tests: a request at a time, and what came of it."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

import msgspec


class ApiReply(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fault(self) -> tuple[int, str, str]:
        """Its status, its word, and the field at fault; "": none is named."""
        told = self.json
        return self.status, told["error"], told.get("details", {}).get("field", "")


class ApiClient:
    def __init__(self, port: int, key: str = "") -> None:
        self.port = port
        self.key = key

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        octets: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        """``body``: sent as JSON; or ``octets`` as they are."""
        sent = {"X-API-Key": self.key} if self.key else {}
        if body is not None:
            octets = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=octets, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            return ApiReply(
                status=answer.status, headers=dict(answer.getheaders()), body=answer.read()
            )
        finally:
            connection.close()

    def right(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of an answer that is no refusal."""
        reply = self.ask(method, path, body)
        assert reply.status in (200, 201), (reply.status, reply.body)
        return reply.json

    def all_of(self, path: str, name: str) -> list[Any]:
        """Return a whole list, two at a time."""
        found: list[Any] = []
        mark = "&" if "?" in path else "?"
        cursor = ""
        while True:
            page = self.right("GET", f"{path}{mark}limit=2{f'&cursor={cursor}' if cursor else ''}")
            assert len(page[name]) <= 2
            found += page[name]
            cursor = page["cursor"]
            if cursor is None:
                return found
