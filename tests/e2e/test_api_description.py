"""What the API says of itself, on a running server: mirrors angarium/api/reference. Schemathesis tries it out."""

import html.parser
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.api.native.resources import described_routes
from angarium.api.reference.document import path_of
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink

DOCS = Path(__file__).parents[2] / "docs"
BUSY = "[api]\nrequests_per_second = 1000000\n"
# Whether a value is an address of a domain of yours, or a time that is not over, is more than a schema says
EXCLUDED = "positive_data_acceptance"
LEFT_OUT = (
    # They would take the key itself away
    *("deleteV1KeysId", "postV1KeysIdRotate", "patchV1TenantsName"),
    # Of a media type that it cannot write: that of tus
    "patchV1UploadsIdContent",
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with RecordingSink() as sink:
        started = Product(tmp_path_factory.mktemp("described"), sink=sink.port, more=BUSY)
        try:
            started.postmaster("domain", "add", "example.com", "--assume-verified")
            yield started
            started.assert_clean()
        finally:
            started.kill()


@pytest.fixture(scope="module")
def document(product: Product) -> dict[str, Any]:
    reply = ApiClient(product.http).ask("GET", "/v1/openapi.json")
    assert reply.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = reply.json
    return found


def test_the_document_in_docs_is_the_servers(document: dict[str, Any]) -> None:
    """``python -m angarium.api.reference docs`` mends it."""
    assert document == json.loads((DOCS / "api" / "openapi.json").read_text())


def test_every_route_is_described_and_no_other(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path) for path, each in document["paths"].items() for method in each
    }
    # Another dialect has the same, and it is of who asks
    routes = [each for each in described_routes() if each.claims is None]
    assert described == {(each.method, path_of(each)) for each in routes}
    assert all(each["summary"] for path in document["paths"].values() for each in path.values())


def test_whatever_is_referred_to_is_there(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"]
    ids = re.findall(r'"operationId": "([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 40


def test_fields_are_described_by_their_comments(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    shown = schemas["KeyShown"]["properties"]
    assert shown["networks"]["description"] == "from where it may be used; empty: from anywhere"
    assert shown["createdAt"]["format"] == "date-time"
    # Of a value that insight has
    assert schemas["QueueSummary"]["properties"]["held"] == {"type": "integer"}
    assert (
        "new mail is being refused"
        in schemas["QueueSummary"]["properties"]["lowDisk"]["description"]
    )
    assert schemas["KeyAsked"]["additionalProperties"] is False


class Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        if found := given.get("id"):
            assert found not in self.ids, found
            self.ids.add(found)
        for name in ("href", "src"):
            if found := given.get(name):
                self.links.add(found)


def test_the_page_needs_no_script_and_nothing_from_elsewhere(product: Product) -> None:
    reply = ApiClient(product.http).ask("GET", "/v1/docs")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    page = Page()
    page.feed(reply.body.decode())
    assert not page.tags & {"script", "link", "img", "iframe"}
    inside = {each.removeprefix("#") for each in page.links if each.startswith("#")}
    assert page.links - {f"#{each}" for each in inside} == {"openapi.json"}
    assert inside <= page.ids
    assert "/v1/suppression/{email}" in reply.body.decode()


def test_what_is_no_http_is_told_so_in_json(product: Product) -> None:
    reply = ApiClient(product.http).ask("GET", "/v1/keys?cursor=" + "0" * 9000)
    assert reply.fault == (400, "VALIDATION_ERROR", "")
    assert reply.headers["Content-Type"] == "application/json"


def tried(product: Product, folder: Path, *options: str) -> None:
    made = product.postmaster(
        "key", "create", "--rate", "1000000", "--scopes", "*,queue,tenants", "--json"
    )
    report = folder / "report.txt"
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run"),
        f"http://127.0.0.1:{product.http}/v1/openapi.json",
        *("-H", f"X-API-Key: {json.loads(made)['key']}"),
        *("--seed", "1", "--no-color", "--request-timeout", "60", "--exclude-checks", EXCLUDED),
        *(each for name in LEFT_OUT for each in ("--exclude-operation-id", name)),
        *options,
    ]
    with report.open("wb") as out:
        done = subprocess.run(command, check=False, stdout=out, stderr=out, cwd=folder, timeout=900)
    assert done.returncode == 0, report.read_text()[-6000:]


def test_schemathesis_finds_nothing_at_a_glance(product: Product, tmp_path: Path) -> None:
    tried(product, tmp_path, "-n", "1", "--phases", "fuzzing")


@pytest.mark.fuzz
def test_schemathesis_finds_nothing(product: Product, tmp_path: Path) -> None:
    tried(product, tmp_path, "-n", "20", "--phases", "examples,coverage,fuzzing,stateful")
