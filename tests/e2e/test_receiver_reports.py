"""Reports of receivers in a running server: by mail, by HTTP and by the command, and who sees what of them."""

import csv
import gzip
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from angarium.simulator.snds import SndsStub
from tests.e2e.api_client import ApiClient, ApiReply
from tests.e2e.product import TRUSTED, Product, RawClient, stuffed
from tests.e2e.recording_sink import wait_until
from tests.e2e.stub_thread import running
from tests.free_port import free_port
from tests.receiver_reports.samples import FOLDER, mailed, sample, zipped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
# The day that reports are about: within what is judged
TODAY = int(time.time()) // 86_400 * 86_400
SAMPLED = 1796083200


def of_today(name: str, **changes: str) -> bytes:
    """A sample that is about the last hours, and perhaps about another domain."""
    text = sample(name).decode()
    for old, new in ((str(SAMPLED), str(TODAY)), (str(SAMPLED + 86_399), str(TODAY + 60))):
        text = text.replace(old, new)
    text = text.replace(str(SAMPLED + 86_400), str(TODAY + 60))
    text = text.replace("<report_id>", "<report_id>today-").replace(
        '"report-id":"', '"report-id":"of-'
    )
    for old, new in changes.items():
        text = text.replace(old.replace("_", "."), new)
    return text.encode()


class Site:
    def __init__(self, product: Product, inbound: int, stub: SndsStub) -> None:
        self.product = product
        self.inbound = inbound
        self.stub = stub
        product.postmaster("domain", "add", "example.com", "--assume-verified")
        product.postmaster("tenant", "create", "acme")
        product.postmaster("domain", "add", "acme.test", "--tenant", "acme", "--assume-verified")
        self.shop = self.client("stats:read,domains")
        self.acme = self.client("stats:read,domains", "--tenant", "acme")
        self.operator = self.client("stats:read,domains,tenants")

    def client(self, scopes: str, *more: str) -> ApiClient:
        made = self.product.postmaster("key", "create", "--scopes", scopes, *more, "--json")
        return ApiClient(self.product.http, json.loads(made)["key"])

    def mail(self, content: bytes) -> None:
        with RawClient(self.inbound) as client:
            client.say(b"EHLO mail.reporter.example\r\n")
            client.say(b"MAIL FROM:<noreply@reporter.example>\r\n")
            assert client.say(b"RCPT TO:<dmarc@example.com>\r\n").startswith(b"250")
            client.say(b"DATA\r\n")
            assert client.say(stuffed(content)).startswith(b"250")

    def bring(self, who: ApiClient, octets: bytes, query: str = "") -> ApiReply:
        path = f"/v1/receiver-reports?{query}"
        headers = {"Content-Type": "application/octet-stream"}
        return who.ask("POST", path, octets=octets, headers=headers)

    def rows(self, who: ApiClient, table: str, query: str = "") -> dict[str, dict[str, Any]]:
        found = who.right("GET", f"/v1/receiver-reports/{table}?{query}")["rows"]
        return {each["key"]: each for each in found}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("receivers")
    inbound = free_port()
    stub = SndsStub()
    day = datetime.fromtimestamp(TODAY - 86_400, UTC)
    stub.days[day.date().isoformat()] = [
        ("192.0.2.10", f"{day:%m/%d/%Y} 1:00 AM", "", "9", "8", "8", "RED", "0.2%")
    ]
    with running(stub):
        (folder / "snds.json").write_bytes(stub.key_file())
        (folder / "snds.json").chmod(0o600)
        more = (
            '[feedback]\nfeedback_addresses = ["dmarc@example.com"]\n'
            '[[source]]\nname = "ip1"\naddress = "192.0.2.10"\n'
            f'[receiver_reports]\nsnds_key_file = "snds.json"\nsnds_url = "{stub.url}"\n'
        )
        listener = f'[[listener]]\nkind = "inbound"\naddress = "127.0.0.1:{inbound}"\n'
        product = Product(folder, listeners=TRUSTED + listener, more=more)
        try:
            found = Site(product, inbound, stub)
            yield found
            product.assert_clean()
        finally:
            product.kill()


def test_a_report_that_comes_by_mail_is_in_the_tables(site: Site) -> None:
    name = f"google.com!example.com!{TODAY}!{TODAY + 60}.xml.gz"
    site.mail(mailed(gzip.compress(of_today("google.xml")), name, "application/gzip"))
    wait_until(lambda: site.rows(site.shop, "dmarc"))
    rows = site.rows(site.shop, "dmarc")
    assert rows["192.0.2.10"] | {"reports": 1} == {
        "key": "192.0.2.10",
        "source": "ip1",
        "standing": "own",
        "messages": 1200,
        "aligned": 1200,
        "dkimAligned": 1200,
        "spfAligned": 1200,
        "quarantined": 0,
        "rejected": 0,
        "overridden": 0,
        "reports": 1,
    }
    assert rows["2001:db8::10"]["standing"] == "stranger"
    (listed,) = site.shop.right("GET", "/v1/receiver-reports?kind=dmarc&limit=1")["reports"]
    assert listed["via"] == "mail"
    shown = site.shop.right("GET", f"/v1/receiver-reports/{listed['id']}")
    assert shown["organization"] == "google.com"
    assert shown["head"]["p"] == "none"
    assert len(shown["details"]) == 2


def test_a_tenant_brings_and_sees_what_is_of_its_own_domains(site: Site) -> None:
    report = of_today("yahoo.xml", EXAMPLE_com="acme.test", example_com="acme.test")
    refused = site.bring(site.shop, report)
    assert refused.fault == (400, "VALIDATION_ERROR", "body"), refused.body
    assert "acme.test, which is not verified here as yours" in refused.json["message"]
    brought = site.bring(site.acme, zipped(("yahoo.xml", report)), "filename=yahoo.zip").json
    assert [each["status"] for each in brought["results"]] == ["new"]
    again = site.bring(site.acme, report).json
    assert [each["status"] for each in again["results"]] == ["again"]
    assert site.rows(site.acme, "dmarc", "by=domain").keys() == {"acme.test"}
    assert "acme.test" not in site.rows(site.shop, "dmarc", "by=domain")
    number = brought["results"][0]["id"]
    assert site.shop.ask("GET", f"/v1/receiver-reports/{number}").status == 404
    everything = site.rows(site.operator, "dmarc", "by=domain&tenant=*")
    assert "acme.test" in everything
    fault = site.shop.ask("GET", "/v1/receiver-reports/dmarc?tenant=*").fault
    assert fault[0] == 403
    insights = site.acme.right("GET", "/v1/receiver-reports/insights")["insights"]
    assert [each["kind"] for each in insights] == ["strangers_send"]


def test_tls_reports_are_in_their_tables(site: Site) -> None:
    today = datetime.fromtimestamp(TODAY, UTC).date().isoformat()
    report = of_today("tls_google.json").replace(b"2026-12-01", today.encode())
    assert site.bring(site.shop, gzip.compress(report)).status == 200
    rows = site.rows(site.shop, "tls")
    assert rows["mx1.example.com"]["failed"] == 100
    (told,) = [
        each
        for each in site.shop.right("GET", "/v1/receiver-reports/insights")["insights"]
        if each["kind"] == "tls_failing"
    ]
    assert (told["verdict"], told["subject"]) == ("fail", "mx1.example.com")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it is empty"),
        (b"hello", "neither XML, nor JSON"),
        (gzip.compress(b"\0" * (40 << 20)), "200 times"),
        (b'<!DOCTYPE f [<!ENTITY a "b">]><feedback>&a;</feedback>', "a DTD or entities"),
    ],
    ids=["empty", "text", "bomb", "entities"],
)
def test_what_is_not_taken_is_refused_with_the_reason(site: Site, octets: bytes, why: str) -> None:
    """C3"""
    reply = site.bring(site.shop, octets)
    assert reply.status == 400
    assert why in reply.json["message"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("dmarc?from=yesterday", "from"),
        ("dmarc?from=2020-01-01", "from"),
        ("dmarc?by=mood", "by"),
        ("tls?to=2026-1-1", "to"),
        ("?cursor=zz", "cursor"),
        ("?cursor=616263", "cursor"),
    ],
)
def test_a_wrong_parameter_is_named(site: Site, path: str, field: str) -> None:
    reply = site.shop.ask("GET", f"/v1/receiver-reports/{path}".replace("/?", "?"))
    assert reply.status == 400
    assert reply.fault[2] == field


def test_figures_of_the_whole_server_are_for_who_runs_it(site: Site) -> None:
    wait_until(lambda: site.stub.grants)
    path = "/v1/receiver-reports/figures?tenant=*"
    wait_until(lambda: site.operator.right("GET", path)["figures"])
    figures = site.operator.right("GET", path)["figures"]
    assert {each["name"]: each["word"] for each in figures}["filter_result"] == "red"
    assert site.shop.right("GET", "/v1/receiver-reports/figures")["figures"] == []
    snds = sample("snds.csv")
    assert site.bring(site.shop, snds, "kind=snds").status == 403
    assert site.bring(site.operator, snds, "kind=snds&tenant=*").json["results"][0]["rows"] == 12


def test_the_command_shows_and_takes_the_same(site: Site) -> None:
    run = site.product.postmaster
    folder = str(FOLDER)
    said = run("receivers", "import", folder, code=65)
    assert "8 new, 0 there already, 3 not taken" in said
    assert "8 there already" in run("receivers", "import", folder, code=65)
    span = ("--from", "2026-12-01", "--to", "2026-12-01")
    told = json.loads(run("receivers", "dmarc", *span, "--json"))
    assert told["total"]["messages"] >= 1954
    rows = list(csv.DictReader(io.StringIO(run("receivers", "dmarc", *span, "--csv"))))
    assert rows[0]["source"] == "192.0.2.10"
    assert "certificate-expired" in run("receivers", "tls", *span, "--by", "result")
    assert "Outlook.com" in run("receivers", "list", *span)
    number = json.loads(run("receivers", "list", *span, "--json"))[0]["id"]
    assert json.loads(run("receivers", "show", str(number), "--json"))["rows"]
    assert "neither XML, nor JSON" in run("receivers", "list", "--refused")
    run("receivers", "import", "--kind", "snds", f"{folder}/snds.csv")
    run("receivers", "import", "--kind", "snds-status", f"{folder}/snds_status.csv")
    google = ("--kind", "postmaster-tools", "--domain", "example.com")
    run("receivers", "import", *google, f"{folder}/postmaster_tools.csv")
    assert "spam_rate" in run("receivers", "figures", *span)
    assert "microsoft: " in run("receivers", "poll")
    strange = site.product.folder / "strange.xml"
    strange.write_bytes(of_today("yahoo.xml", EXAMPLE_com="x.test", example_com="x.test"))
    run("receivers", "import", str(strange))
    kinds = {each["kind"] for each in json.loads(run("receivers", "insights", "--json"))}
    assert {"strangers_send", "address_disliked"} <= kinds
    assert "somebody else sends as x.test" in run("receivers", "insights")
    found = json.loads(run("doctor", "--json", code=None))["findings"]
    assert [each for each in found if each["check"] == "receivers"]


def test_metrics_say_when_a_provider_was_read_last(site: Site) -> None:
    report = of_today("yahoo.xml", EXAMPLE_com="y.test", example_com="y.test")
    site.mail(mailed(report, "report.xml", "text/xml"))
    wanted = 'angarium_receiver_reports_total{kind="dmarc",outcome="new"} '
    wait_until(lambda: wanted in site.product.get("/metrics").decode())
    metrics = site.product.get("/metrics").decode()
    assert 'angarium_receiver_poll_last_success_timestamp_seconds{provider="microsoft"}' in metrics
