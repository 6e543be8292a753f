"""A server that takes campaigns, and may be killed and started again: its tenant, a counting sink, and its API."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink

PATH = "/v1/email/campaigns"
MORE = """
[webhook]
allow_networks = ["127.0.0.1/32"]

[campaigns]
batch_rows = {batch_rows}
"""
_TO = re.compile(rb"^To: <?([^\r\n<>]+)>?\r\n", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)\r\n", re.MULTILINE | re.IGNORECASE)


class CampaignServer:
    def __init__(
        self,
        folder: Path,
        sink: RecordingSink,
        *,
        batch_rows: int = 500,
        single: bool = True,
        more: str = "",
    ) -> None:
        """``more``: further tables of its configuration."""
        self._folder = folder
        self.sink = sink
        self._single = single
        self._more = MORE.format(batch_rows=batch_rows) + more
        self.product = self._start()
        self.product.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = json.loads(self.product.postmaster("key", "create", "--json"))
        self.api = ApiClient(self.product.http, made["key"])

    def _start(self) -> Product:
        return Product(self._folder, sink=self.sink.port, more=self._more, single=self._single)

    def kill(self) -> None:
        self.product.kill()

    def start_again(self) -> None:
        self.product = self._start()
        self.api = ApiClient(self.product.http, self.api.key)

    def upload(self, text: str, filename: str = "list.csv") -> str:
        octets = text.encode()
        made = self.api.right("POST", "/v1/uploads", {"filename": filename, "size": len(octets)})
        path = made["url"].partition(f":{self.product.http}")[2] or made["url"]
        put = ApiClient(self.product.http).ask("PUT", path, octets=octets)
        assert put.status in (200, 201, 204), (put.status, put.body)
        return str(made["uploadId"])

    def create(self, text: str = "", **more: Any) -> dict[str, Any]:
        upload = {"uploadId": self.upload(text)} if text else {}
        body = {"subject": "News", "bodyText": "Hello", **upload, **more}
        reply = self.api.ask("POST", PATH, body)
        assert reply.status == 202, (reply.status, reply.body)
        found: dict[str, Any] = reply.json
        return found

    def show(self, campaign: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.right("GET", f"{PATH}/{campaign}")
        return found

    def wait(
        self, campaign: str, condition: Callable[[dict[str, Any]], bool], timeout: float = 90
    ) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while not condition(found := self.show(campaign)):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def completed(self, campaign: str, timeout: float = 90) -> dict[str, Any]:
        return self.wait(campaign, lambda each: each["status"] == "completed", timeout)

    def rows(self, campaign: str, status: str = "") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            query = f"limit=1000&status={status}&cursor={cursor}"
            page = self.api.right("GET", f"{PATH}/{campaign}/rows?{query}")
            rows += page["rows"]
            cursor = page["cursor"]
        return rows

    def sent_to(self) -> dict[str, Counter[str]]:
        """Return the Message-IDs that each address got, and how often: an attempt that a crash cuts comes again."""
        found: dict[str, Counter[str]] = {}
        for each in list(self.sink.taken):
            to, message_id = _TO.search(each.content), _MESSAGE_ID.search(each.content)
            assert to is not None, each.content[:500]
            assert message_id is not None, each.content[:500]
            found.setdefault(to[1].decode(), Counter())[message_id[1].decode()] += 1
        return found


def list_of(count: int, name: str = "r") -> str:
    return "email,name\n" + "".join(f"{name}{at}@example.net,N{at}\n" for at in range(count))
