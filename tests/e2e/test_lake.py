"""The event lake of a running server: events come into it, and SQL answers by HTTP and by the command."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_json_keys import keys, odd
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LAKE = """
[lake]
enabled = true
flush_s = 0.2
"""
COUNTS = "SELECT event, count(*) FROM events WHERE event IN ('accepted', 'relayed') GROUP BY ALL ORDER BY ALL"


class Site:
    def __init__(self, product: Product) -> None:
        self.product = product
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        product.postmaster("tenant", "create", "acme")
        product.postmaster("domain", "add", "acme.example", "--tenant", "acme", "--assume-verified")
        self.shop = self.new_client("emails:send,stats:read")
        self.acme = self.new_client("emails:send,stats", "--tenant", "acme")
        self.other = self.new_client("emails:send")

    def new_client(self, scopes: str, *more: str) -> ApiClient:
        made = self.product.postmaster("key", "create", "--scopes", scopes, *more, "--json")
        return ApiClient(self.product.http, json.loads(made)["key"])

    def send(self, client: ApiClient, sender: str, *recipients: str) -> None:
        mail = {"from": sender, "to": recipients, "subject": "Hello", "bodyText": "Hi."}
        client.right("POST", "/v1/send", {**mail, "tags": {"kind": "news"}})

    def position(self) -> int:
        try:
            with sqlite3.connect(self.product.folder / "data/lake/catalogue.db") as db:
                return int(db.execute("SELECT coalesce(sum(rows), 0) FROM file").fetchone()[0])
        except sqlite3.Error:
            return 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("lake"), sink=sink.port, more=LAKE)
        try:
            found = Site(product)
            for number in range(3):
                found.send(found.shop, "news@shop.example", f"b{number}@example.net")
            found.send(found.acme, "news@acme.example", "secret@example.org")
            wait_until(lambda: found.position() >= 8)
            yield found
            product.assert_clean()
        finally:
            product.kill()


def asked(client: ApiClient, sql: str, **more: Any) -> dict[str, Any]:
    return dict(client.right("POST", "/v1/lake/query", {"sql": sql, **more}))


def test_a_tenant_asks_in_sql_about_its_own_events(site: Site) -> None:
    wait_until(lambda: dict(asked(site.shop, COUNTS)["rows"]).get("relayed", 0) >= 3, 60)
    found = asked(site.shop, COUNTS)
    assert found["columns"] == [
        {"name": "event", "type": "VARCHAR"},
        {"name": "count_star()", "type": "BIGINT"},
    ]
    counts = dict(found["rows"])  # other tests send, too
    assert counts["accepted"] >= 3
    assert counts.keys() == {"accepted", "relayed"}
    assert not found["truncated"]
    wait_until(lambda: asked(site.acme, COUNTS)["rows"] == [["accepted", 1], ["relayed", 1]], 60)
    everything = json.dumps(asked(site.shop, "SELECT * FROM events"))
    assert "secret@example.org" not in everything
    tags = "SELECT DISTINCT tags FROM events WHERE event = 'relayed'"
    assert asked(site.shop, tags)["rows"] == [[["kind:news"]]]


def test_what_is_asked_wrongly_is_named(site: Site) -> None:
    refused = site.shop.ask("POST", "/v1/lake/query", {"sql": "SELEC 1"})
    assert (refused.status, refused.json["details"]) == (400, {"field": "sql", "constraint": "sql"})
    assert "Parser Error" in refused.json["message"]
    refused = site.shop.ask("POST", "/v1/lake/query", {"sql": "SELECT 1", "to": "2026-01-01"})
    assert refused.json["details"]["field"] == "from"
    refused = site.shop.ask("POST", "/v1/lake/query", {"sql": "SELECT 1", "tenant": "acme"})
    assert refused.status == 403
    assert site.other.ask("POST", "/v1/lake/query", {"sql": "SELECT 1"}).status == 403


def test_hostile_sql_leaves_the_server_as_it_is(site: Site) -> None:
    for sql in (
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(100000)",
        "COPY events TO '/tmp/x.csv'",
    ):
        assert site.shop.ask("POST", "/v1/lake/query", {"sql": sql}).status == 400
    site.send(site.shop, "news@shop.example", "late@example.net")
    late = "SELECT count(*) FROM events WHERE recipient = 'late@example.net' AND event = 'relayed'"
    wait_until(lambda: asked(site.shop, late)["rows"] == [[1]], 60)


def test_the_command_asks_of_all_tenants_or_of_one(site: Site, tmp_path: Path) -> None:
    postmaster = site.product.postmaster
    told = json.loads(postmaster("lake", "query", COUNTS, "--tenant", "acme", "--json"))
    assert told["rows"] == [["accepted", 1], ["relayed", 1]]
    text = postmaster(
        "lake",
        "query",
        "SELECT DISTINCT tenant FROM events WHERE tenant IS NOT NULL ORDER BY ALL",
        "--csv",
    )
    assert text.splitlines() == ["tenant", "acme", "default"]
    assert "tenant" in postmaster("lake", "query", "SELECT tenant FROM events")
    target = tmp_path / "answer.parquet"
    postmaster("lake", "query", COUNTS, "--parquet", str(target))
    assert target.read_bytes()[:4] == b"PAR1"
    postmaster("lake", "query", "DROP VIEW events", code=65)


def test_the_lake_is_exported_compacted_and_verified(site: Site, tmp_path: Path) -> None:
    postmaster = site.product.postmaster
    target = tmp_path / "events.jsonl"
    told = json.loads(postmaster("lake", "export", str(target), "--tenant", "acme", "--json"))
    lines = [json.loads(each) for each in target.read_text().splitlines()]
    assert len(lines) == told["events"] >= 2
    assert {each["tenant"] for each in lines} == {"acme"}
    postmaster("lake", "export", str(tmp_path / "events.txt"), code=64)
    before = site.position()
    status = json.loads(postmaster("lake", "status", "--json"))
    assert before <= status["events"] <= site.position()
    assert status["not_compacted"] > 0
    assert odd(keys(status)) == []
    postmaster("lake", "compact", "--json")  # the present hour has not passed: nothing, most often
    verified = json.loads(postmaster("lake", "verify", "--json"))
    assert (verified["problems"], verified["eras"][0]["missing"]) == ([], 0)


def test_killed_at_any_moment_each_event_is_there_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with RecordingSink() as sink:
        product = Product(folder, sink=sink.port, more=LAKE)
        try:
            site = Site(product)
            for _ in range(2):
                for number in range(5):
                    site.send(site.shop, "news@shop.example", f"k{number}@example.net")
                product.kill()
                product = Product(folder, sink=sink.port, more=LAKE)
                site.product = product
                site.shop.port = product.http
            wait_until(
                lambda: asked(site.shop, COUNTS)["rows"] == [["accepted", 10], ["relayed", 10]], 60
            )
            verified = json.loads(product.postmaster("lake", "verify", "--json"))
            assert (verified["problems"], len(verified["eras"])) == ([], 1)
        finally:
            product.kill()


def test_without_a_lake_nothing_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    product = Product(tmp_path_factory.mktemp("off"))
    try:
        made = product.postmaster("key", "create", "--scopes", "stats", "--json")
        client = ApiClient(product.http, json.loads(made)["key"])
        refused = client.ask("POST", "/v1/lake/query", {"sql": "SELECT 1"})
        assert (refused.status, "[lake] enabled" in refused.json["message"]) == (404, True)
        product.postmaster("lake", "status", code=74)
        assert not (product.folder / "data" / "lake").exists()
    finally:
        product.kill()
