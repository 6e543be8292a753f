"""Counters of a running server, by HTTP and by the command: mirrors api/native/stats and cli/stats."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from angarium.client import Client
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Site:
    def __init__(self, product: Product) -> None:
        self.product = product
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        product.postmaster("tenant", "create", "acme")
        product.postmaster("domain", "add", "acme.example", "--tenant", "acme", "--assume-verified")
        self.shop = self.new_client("emails:send,stats:read")
        self.acme = self.new_client("emails:send,stats", "--tenant", "acme")

    def new_client(self, scopes: str, *more: str) -> ApiClient:
        made = self.product.postmaster("key", "create", "--scopes", scopes, *more, "--json")
        return ApiClient(self.product.http, json.loads(made)["key"])

    def send(self, client: ApiClient, domain: str, **more: Any) -> None:
        mail = {
            "from": f"news@{domain}",
            "to": ["b@example.net", "c@example.net"],
            "subject": "Hello",
            "bodyText": "Hi.",
            **more,
        }
        client.right("POST", "/v1/send", mail)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("stats"), sink=sink.port)
        try:
            found = Site(product)
            found.send(found.shop, "shop.example", tags={"kind": "receipt"}, campaign="spring")
            found.send(found.shop, "shop.example", to=["d@example.net"], tags={"kind": "news"})
            found.send(found.acme, "acme.example", campaign="=1+1")
            wait_until(lambda: total(found.shop)["sent"] == 3 and total(found.acme)["sent"] == 2)
            yield found
            product.assert_clean()
        finally:
            product.kill()


def total(client: ApiClient, more: str = "") -> dict[str, Any]:
    rows = client.right("GET", f"/v1/stats?by=total{more}")["rows"]
    return dict(rows[0]) if rows else {"key": "all", "sent": 0}


def test_a_tenant_sees_how_much_it_sent_by_whatever_it_was(site: Site) -> None:
    row = total(site.shop)
    assert (row["key"], row["accepted"], row["sent"], row["delivered"]) == ("all", 3, 3, 0)
    assert len(row) == 22
    assert (row["keys"], row["rates"], row["latency"]) == ([], None, None)
    expected = {
        "tag": {"kind:news": 1, "kind:receipt": 2},
        "campaign": {"spring": 2},
        "domain": {"shop.example": 3},
        "day": {datetime.now(UTC).date().isoformat(): 3},
    }
    for by, keys in expected.items():
        rows = site.shop.right("GET", f"/v1/stats?by={by}")["rows"]
        assert {each["key"]: each["accepted"] for each in rows} == keys, by
        assert {each["key"]: each["sent"] for each in rows} == keys, by
    rows = site.shop.right("GET", "/v1/stats?by=source")["rows"]
    assert sum(each["sent"] for each in rows) == 3
    assert {each["accepted"] for each in rows} == {0}
    rows = site.shop.right("GET", "/v1/stats?by=hour&tag=kind:receipt")["rows"]
    assert sum(each["sent"] for each in rows) == 2
    assert total(site.shop, "&campaign=nothing")["sent"] == 0
    assert total(site.acme)["sent"] == 2


def test_rates_and_how_long_it_took_are_there_for_who_asks(site: Site) -> None:
    row = total(site.shop, "&rates=true&latency=true")
    assert (row["rates"]["deliveryRate"], row["rates"]["bounceRate"]) == (1.0, 0.0)
    latency = row["latency"]
    assert latency["count"] == 3
    assert 0 < latency["p50Ms"] <= latency["p95Ms"] <= latency["p99Ms"] < 60_000
    (by_two,) = site.shop.right("GET", "/v1/stats?by=day,domain&rates=true")["rows"]
    today = datetime.now(UTC).date().isoformat()
    assert (by_two["key"], by_two["keys"]) == (today, [today, "shop.example"])
    minutes = site.shop.right("GET", "/v1/stats?by=minute")
    assert (minutes["resolution"], sum(each["sent"] for each in minutes["rows"])) == ("minute", 3)
    assert site.shop.right("GET", "/v1/stats?by=class&rates=true")["rows"] == []


def test_a_spreadsheet_has_all_rows_and_no_formulas(site: Site) -> None:
    answer = site.acme.ask("GET", "/v1/stats?by=campaign&format=csv&rates=true&limit=1")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = answer.body.decode().split("\r\n")
    assert lines[0].startswith("campaign,accepted,sent,delivered")
    assert lines[1].startswith("'=1+1,2,")
    assert lines[0].endswith("unsubscribe_rate")


def test_a_list_is_paged(site: Site) -> None:
    found = site.shop.all_of("/v1/stats?by=tag", "rows")
    assert [each["key"] for each in found] == ["kind:news", "kind:receipt"]
    page = site.shop.right("GET", "/v1/stats?by=tag&limit=1")
    rest = site.shop.right("GET", f"/v1/stats?by=tag&limit=1&cursor={page['cursor']}")
    assert [rest["rows"][0]["key"], rest["cursor"]] == ["kind:receipt", None]


def test_the_hours_that_are_in_it_are_said(site: Site) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    answer = site.shop.right("GET", f"/v1/stats?from={yesterday}&to={yesterday}")
    assert answer["from"] == f"{yesterday}T00:00:00.000Z"
    assert answer["rows"] == []
    assert datetime.fromisoformat(answer["to"]) - datetime.fromisoformat(
        answer["from"]
    ) == timedelta(days=1)
    assert site.shop.right("GET", "/v1/stats")["by"] == "day"


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("by=weather", (400, "VALIDATION_ERROR", "by")),
        ("from=2026-13-01", (400, "VALIDATION_ERROR", "from")),
        ("from=2010-01-01&to=2024-01-01", (400, "VALIDATION_ERROR", "from")),
        ("from=2020-01-01&to=2024-01-01&by=hour", (400, "VALIDATION_ERROR", "from")),
        ("by=tenant", (400, "VALIDATION_ERROR", "by")),
        ("by=tag,link", (400, "VALIDATION_ERROR", "by")),
        ("by=minute,link", (400, "VALIDATION_ERROR", "by")),
        ("by=hour&resolution=day", (400, "VALIDATION_ERROR", "resolution")),
        ("resolution=week", (400, "VALIDATION_ERROR", "resolution")),
        ("sort=weather", (400, "VALIDATION_ERROR", "sort")),
        ("format=xml", (400, "VALIDATION_ERROR", "format")),
        ("to=soon", (400, "VALIDATION_ERROR", "to")),
        ("by=tag&stream=news", (400, "VALIDATION_ERROR", "stream")),
        ("tag=a&stream=news", (400, "VALIDATION_ERROR", "tag")),
        ("limit=1001", (400, "VALIDATION_ERROR", "limit")),
        ("by=hour&cursor=3d61", (400, "VALIDATION_ERROR", "cursor")),
        ("by=tag&cursor=x", (400, "VALIDATION_ERROR", "cursor")),
        ("since=2026-01-01", (400, "VALIDATION_ERROR", "since")),
        ("tenant=acme", (403, "FORBIDDEN", "tenant")),
    ],
)
def test_what_is_asked_wrongly_is_named(
    site: Site, query: str, fault: tuple[int, str, str]
) -> None:
    assert site.shop.ask("GET", f"/v1/stats?{query}").fault == fault


def test_it_has_a_scope_and_an_operator_sees_a_tenants(site: Site) -> None:
    assert site.new_client("emails,events").ask("GET", "/v1/stats").status == 403
    operator = site.new_client("stats,tenants:read")
    assert total(operator, "&tenant=acme")["sent"] == 2
    assert operator.ask("GET", "/v1/stats?tenant=nobody").fault == (
        400,
        "VALIDATION_ERROR",
        "tenant",
    )


def test_a_program_has_rows_as_values(site: Site) -> None:
    with Client(f"http://127.0.0.1:{site.product.http}", site.shop.key) as client:
        rows = list(client.stats("tag", since=datetime.now(UTC).date()))
        assert [(each.key, each.sent) for each in rows] == [("kind:news", 1), ("kind:receipt", 2)]
        assert sum(each.sent for each in client.stats("hour", campaign="spring")) == 2
        (row,) = client.stats("total", rates=True, latency=True)
        assert row.rates is not None
        assert row.latency is not None
        assert (row.rates.delivery_rate, row.latency.count) == (1.0, 3)


def test_the_command_says_the_same_of_all_tenants_or_of_one(site: Site) -> None:
    def rows(*arguments: str) -> dict[str, Any]:
        told = json.loads(site.product.postmaster("stats", "--json", *arguments))
        return {each["key"]: each for each in told["rows"]}

    assert rows("--by", "total")["all"]["sent"] == 5
    assert rows("--by", "total", "--tenant", "acme")["all"]["sent"] == 2
    by_tenant = rows("--by", "tenant")
    assert {key: each["accepted"] for key, each in by_tenant.items()} == {"acme": 2, "default": 3}
    both = rows("--by", "day,domain", "--only", "domain=acme.example")
    (found,) = both.values()
    assert (found["keys"][1], found["sent"], found["rates"]["delivery"]) == ("acme.example", 2, 1.0)
    assert found["latency"]["count"] == 2
    most = json.loads(
        site.product.postmaster(
            "stats", "--by", "tenant", "--sort", "sent", "--limit", "1", "--json"
        )
    )
    assert [each["key"] for each in most["rows"]] == ["default"]
    as_csv = site.product.postmaster("stats", "--by", "tenant", "--csv").splitlines()
    assert as_csv[0].startswith("tenant,accepted,sent")
    assert [each.split(",")[:2] for each in as_csv[1:]] == [["acme", "2"], ["default", "3"]]
    text = site.product.postmaster("stats", "--by", "tag")
    assert text.splitlines()[1].split()[:3] == ["tag", "accepted", "sent"]
    assert text.splitlines()[3].split()[:3] == ["kind:receipt", "2", "2"]
    assert "100.00" in text.splitlines()[3]
    site.product.postmaster("stats", "--from", "soon", code=65)
    site.product.postmaster("stats", "--only", "weather=good", code=65)
    site.product.postmaster("stats", "--json", "--csv", code=64)
    site.product.postmaster("stats", "--from", "2010-01-01", code=65)


def test_counted_anew_with_and_without_a_server_the_figures_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("rebuilt"), sink=sink.port)
        try:
            site = Site(product)
            for _ in range(5):
                site.send(site.shop, "shop.example", tags={"kind": "news"})
            wait_until(lambda: total(site.shop)["sent"] == 10)
            shown = product.postmaster("stats", "--by", "hour,tag", "--json")
            for _ in range(2):
                rebuilt = json.loads(product.postmaster("analytics", "rebuild", "--json"))
                assert rebuilt["changed_rows"] == 0
                assert rebuilt["events"] >= 15
                assert rebuilt["before"] == rebuilt["after"]
                assert rebuilt["after"]["sent"] == 10
            assert product.postmaster("stats", "--by", "hour,tag", "--json") == shown
            _spoil(product.folder / "data" / "analytics.db")
            assert total(site.shop)["sent"] == 17
            told = product.postmaster("analytics", "rebuild")
            assert "1 rows of days are not as they were" in told
            assert told.splitlines()[-1].split() == ["sent", "17", "now", "10"]
            site.send(site.shop, "shop.example")
            wait_until(lambda: total(site.shop)["sent"] == 12)
            product.kill()
            _spoil(product.folder / "data" / "analytics.db")
            rebuilt = json.loads(product.postmaster("analytics", "rebuild", "--json"))
            assert (rebuilt["changed_rows"], rebuilt["after"]["sent"]) == (1, 12)
            product = Product(product.folder, sink=sink.port)
            site.shop.port = product.http
            site.send(site.shop, "shop.example")
            wait_until(lambda: total(site.shop)["sent"] == 14)
        finally:
            product.kill()


def _spoil(path: Path) -> None:
    db = sqlite3.connect(path, timeout=20)
    with db:
        db.execute("UPDATE day SET sent = sent + 7 WHERE dimension = 0")
    db.close()


def test_killed_at_any_moment_a_server_counts_each_thing_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with RecordingSink() as sink:
        product = Product(folder, sink=sink.port)
        try:
            site = Site(product)
            for _ in range(3):
                for _ in range(10):
                    site.send(site.shop, "shop.example", to=["b@example.net"])
                product.kill()
                product = Product(folder, sink=sink.port)
                site.shop.port = product.http
            wait_until(lambda: total(site.shop)["sent"] == 30)
            assert total(site.shop)["accepted"] == 30
        finally:
            product.kill()


def test_where_nothing_is_to_be_counted_nothing_is(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    product = Product(tmp_path_factory.mktemp("off"), more="[analytics]\ncounts = false\n")
    try:
        made = product.postmaster("key", "create", "--scopes", "stats", "--json")
        client = ApiClient(product.http, json.loads(made)["key"])
        refused = client.ask("GET", "/v1/stats")
        assert (refused.status, "[analytics] counts" in refused.json["message"]) == (404, True)
        product.postmaster("stats", code=74)
        product.postmaster("analytics", "rebuild", code=78)
        assert not (product.folder / "data" / "analytics.db").exists()
    finally:
        product.kill()
