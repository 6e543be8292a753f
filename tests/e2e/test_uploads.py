"""Files uploaded to a running server that is killed: mirrors angarium/uploads and api/native/upload_content."""

import hashlib
import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import wait_until
from tests.service.running_server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
ROW = b"user@example.com;Ann;Example Street 1\n"
CSV = b"email;name;street\n" + ROW * 100_000


class Site:
    def __init__(self, product: Product) -> None:
        self.product = product
        scopes = "campaigns"
        made = product.postmaster("key", "create", "--scopes", scopes, "--json")
        self.key = str(json.loads(made)["key"])

    @property
    def client(self) -> ApiClient:
        return ApiClient(self.product.http, self.key)

    def announce(self, octets: bytes) -> Any:
        digest = hashlib.sha256(octets).hexdigest()
        asked = {"filename": "list.csv", "size": len(octets), "sha256": digest}
        return self.client.right("POST", "/v1/uploads", asked)

    def shown(self, upload_id: str) -> Any:
        return self.client.right("GET", f"/v1/uploads/{upload_id}")

    def put(self, url: str, octets: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
        try:
            path = f"{parts.path}?{parts.query}"
            connection.request("PUT", path, body=octets, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def data(self, upload_id: str) -> Path:
        folder = self.product.folder / "data" / "uploads" / "default"
        return folder / f"{upload_id}.data"

    def begin(self, url: str, octets: bytes, size: int) -> socket.socket:
        """Send the beginning of a body, and no more."""
        parts = urlsplit(url)
        connection = socket.create_connection(("127.0.0.1", parts.port or 0), timeout=20)
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        )
        connection.sendall(head.encode() + octets)
        return connection

    def kill_and_start_again(self) -> None:
        self.product.kill()
        self.product.server = Server(self.product.config, "--single", environment={})
        addresses = self.product.server.wait_for("ready")["addresses"]
        self.product.http = int(addresses[-1].rpartition(":")[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    product = Product(tmp_path_factory.mktemp("uploads"))
    try:
        yield Site(product)
        product.assert_clean()
    finally:
        product.kill()


def test_a_server_that_is_killed_amid_an_upload_goes_on_with_it(site: Site) -> None:
    made = site.announce(CSV)
    part = site.data(made["uploadId"]).with_suffix(".part")
    with site.begin(made["url"], CSV[:3_000_000], len(CSV)):
        wait_until(lambda: part.exists() and part.stat().st_size >= 1_000_000)
        site.kill_and_start_again()
    found = site.shown(made["uploadId"])
    assert found["state"] == "uploading"
    offset = found["offset"]
    assert 1_000_000 <= offset <= 3_000_000
    status, body = site.put(found["url"], CSV[offset:], {"Upload-Offset": str(offset)})
    assert status == 200, body
    assert site.data(made["uploadId"]).read_bytes() == CSV
    preview = site.shown(made["uploadId"])["preview"]
    assert preview["columns"] == ["email", "name", "street"]
    assert preview["rows"][0]["variables"] == {"name": "Ann", "street": "Example Street 1"}


def test_a_large_file_takes_little_memory(site: Site) -> None:
    octets = CSV[:18] + ROW * 1_700_000  # 64 MB
    made = site.announce(octets)
    before = site.product.resident_kb()
    status, body = site.put(made["url"], octets, {})
    assert status == 200, body
    assert site.product.resident_kb() - before < 24_000
    assert site.data(made["uploadId"]).stat().st_size == len(octets)
    site.client.right("DELETE", f"/v1/uploads/{made['uploadId']}")
    assert not site.data(made["uploadId"]).exists()


def test_the_command_line_and_the_api_see_the_same_uploads(site: Site) -> None:
    path = site.product.folder / "by hand.csv"
    path.write_bytes(CSV[:10_000])
    made = json.loads(site.product.postmaster("upload", str(path), "--json"))
    assert site.shown(made["uploadId"])["filename"] == "by hand.csv"
    site.client.right("DELETE", f"/v1/uploads/{made['uploadId']}")
    assert made["uploadId"] not in site.product.postmaster("upload", "list")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_commands_of_the_documentation_do_it(site: Site) -> None:
    path = site.product.folder / "list.csv"
    path.write_bytes(CSV)
    made = site.announce(CSV)
    done = subprocess.run(
        ["curl", "-sS", "--fail", "-T", str(path), made["url"]], check=True, capture_output=True
    )
    assert json.loads(done.stdout)["state"] == "complete"
