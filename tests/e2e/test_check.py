"""POST /v1/check, and what a tenant's checks refuse, on a running server: mirrors angarium/api/native/checking.py."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink

MALWARE = b"angarium-test-malware"
WORDS = "Your order has left our warehouse today, and should reach you within three working days."
MAIL: dict[str, Any] = {
    "from": "Shop <news@good.example>",
    "to": "ann@dest.example",
    "subject": "Your order is on its way",
    "bodyHtml": f'<p>{WORDS}</p><p><a href="https://good.example/o/7">See your order</a></p>',
}


class Scanner(socketserver.ThreadingUnixStreamServer):
    """Speaks as clamd does, and knows one piece of malware."""

    daemon_threads = True


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.read(len(b"zINSTREAM\0"))
        content = b""
        while size := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(size)
        self.wfile.write(b"stream: Test FOUND\0" if MALWARE in content else b"stream: OK\0")


class Site(Product):
    client: ApiClient


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("check")
    place = folder / "clamd"
    scanner = Scanner(str(place), Talk)
    threading.Thread(target=scanner.serve_forever, daemon=True).start()
    more = f'\n[check]\nclamd = "unix:{place}"\nat_sending = ["clamd"]\n'
    with RecordingSink() as sink:
        started = Site(folder, sink=sink.port, more=more)
        made = started.postmaster("key", "create", "--scopes", "*,tenants", "--json")
        started.postmaster("domain", "add", "good.example", "--assume-verified")
        started.client = ApiClient(started.http, json.loads(made)["key"])
        try:
            yield started
            started.assert_clean()
        finally:
            started.kill()
            scanner.shutdown()
            scanner.server_close()


# What DNS says of a domain that nobody has registered is another thing from one moment to the next
OF_DNS = {"authentication_unknown", "dkim_wrong", "spf_wrong", "dmarc_missing"}


def codes(found: dict[str, Any]) -> list[str]:
    """Of what the mail itself says."""
    return [each["code"] for each in found["findings"] if each["code"] not in OF_DNS]


def test_of_nothing_is_said_that_there_is_nothing_to_read(site: Site) -> None:
    for given in ({}, {"from": "Shop <news@good.example>", "subject": "Your order"}):
        assert "body_empty" in codes(site.client.right("POST", "/v1/check", given))


def test_a_mail_is_looked_at_and_nobody_gets_it(site: Site) -> None:
    found = site.client.right("POST", "/v1/check", {**MAIL, "subject": "Hello {{ name }} again"})
    assert (found["success"], found["verdict"], found["wouldBeRefused"]) == (True, "blocked", False)
    (first,) = [each for each in found["findings"] if each["code"] not in OF_DNS]
    assert (first["code"], first["level"], first["field"]) == (
        "variable_left",
        "blocker",
        "subject",
    )
    assert first["detail"] == "{{ name }}"
    assert found["score"]["rspamd"] is None
    assert {"code": "variable_left", "points": 0.5} in found["score"]["rules"]
    assert found["sizes"]["html"] == len(MAIL["bodyHtml"])
    assert found["sizes"]["message"] > found["sizes"]["html"]
    assert found["sizes"]["htmlClippedAt"] == 102_400
    assert found["links"] == [
        {
            "field": "bodyHtml",
            "url": "https://good.example/o/7",
            "kind": "web",
            "host": "good.example",
        }
    ]
    listed = site.client.right("GET", "/v1/emails?limit=200")["emails"]
    assert "Hello {{ name }} again" not in [each["subject"] for each in listed]


def test_what_is_known_of_the_domain_is_told(site: Site) -> None:
    found = site.client.right("POST", "/v1/check", MAIL)
    assert codes(found) == []
    told = {each["code"] for each in found["findings"]}
    assert told
    assert told <= OF_DNS
    stranger = {**MAIL, "from": "Shop <news@other.example>"}
    assert codes(site.client.right("POST", "/v1/check", stranger)) == ["domain_not_verified"]


def test_a_whole_message_is_looked_at_too(site: Site) -> None:
    raw = b"From: news@good.example\r\nSubject: " + b"x" * 10 + b"!!\r\n\r\ntext\r\n"
    found = site.client.right("POST", "/v1/check", {"raw": base64.b64encode(raw).decode()})
    assert set(codes(found)) == {
        "from_name_missing",
        "subject_punctuation",
    }
    assert found["sizes"]["message"] == len(raw)
    both = site.client.ask("POST", "/v1/check", {**MAIL, "raw": "eA=="})
    assert both.fault == (400, "VALIDATION_ERROR", "raw")


def test_malware_is_found_and_not_sent(site: Site) -> None:
    content = base64.b64encode(b"x" + MALWARE).decode()
    mail = {**MAIL, "attachments": [{"filename": "a.txt", "content": content}]}
    # As base64 it is hidden from our scanner, who does not decode: in the text it is not
    mail["bodyText"] = f"{WORDS} {MALWARE.decode()}"
    found = site.client.right("POST", "/v1/check", mail)
    assert codes(found) == ["malware_found"]
    assert "Test" in [each["detail"] for each in found["findings"]]
    refused = site.client.ask("POST", "/v1/send", mail)
    assert refused.fault == (400, "VALIDATION_ERROR", "body")
    assert site.client.right("POST", "/v1/send", MAIL)["success"]


def test_a_tenants_checks_refuse_at_once(site: Site) -> None:
    mail = {**MAIL, "subject": "Hello {{ name }}"}
    path = "/v1/tenants/default"
    shown = site.client.right("PATCH", path, {"check": {"mode": "hints"}})
    assert shown["check"] == {"mode": "hints", "codes": []}
    sent = site.client.right("POST", "/v1/send", mail)
    assert codes(sent) == ["variable_left"]
    site.client.right("PATCH", path, {"check": {"mode": "block", "codes": ["variable_left"]}})
    assert site.client.right("POST", "/v1/check", mail)["wouldBeRefused"]
    refused = site.client.ask("POST", "/v1/send", mail)
    assert refused.fault == (400, "VALIDATION_ERROR", "subject")
    assert refused.json["details"]["constraint"] == "variable_left"
    assert "findings" not in site.client.right("POST", "/v1/send", MAIL)
    wrong = site.client.ask("PATCH", path, {"check": {"codes": ["no_such"]}})
    assert wrong.fault == (400, "VALIDATION_ERROR", "codes")
    neither = site.client.ask("PATCH", path, {"check": {"mode": "off"}, "active": True})
    assert neither.status == 400
    site.client.right("PATCH", path, {"check": {"mode": "off"}})
    site.client.right("POST", "/v1/send", mail)


def test_a_template_is_filled_in_and_looked_at(site: Site) -> None:
    """And its mail is refused by what the filled text says, not by the template's own."""
    parts = {"subject": "Dear {{ name }}", "html": f"<p>{WORDS}</p><p>{{{{ more }}}}</p>"}
    version = {"parts": parts, "publish": True, "sample": {"name": "A", "more": "B"}}
    site.client.right("POST", "/v1/templates", {"alias": "dear", "version": version})
    mail = {"from": MAIL["from"], "to": MAIL["to"], "templateId": "dear"}
    good = {**mail, "templateData": {"name": "Ann", "more": "Bye"}}
    bad = {**mail, "templateData": {"name": "Ann", "more": "lorem ipsum"}}
    assert codes(site.client.right("POST", "/v1/check", good)) == []
    found = site.client.right("POST", "/v1/check", bad)
    assert set(codes(found)) == {"filler_text"}  # in the HTML, and in the text that is made of it
    assert found["sizes"]["html"] > len(WORDS)
    missing = site.client.ask("POST", "/v1/check", {**mail, "templateId": "none"})
    assert missing.json["details"]["field"] == "templateId"
    path = "/v1/tenants/default"
    site.client.right("PATCH", path, {"check": {"mode": "block", "codes": ["filler_text"]}})
    assert site.client.right("POST", "/v1/send", good)["success"]
    refused = site.client.ask("POST", "/v1/send", bad)
    assert refused.json["details"] == {"field": "bodyHtml", "constraint": "filler_text"}
    site.client.right("PATCH", path, {"check": {"mode": "off", "codes": []}})


def test_who_sends_or_writes_templates_may_ask(site: Site) -> None:
    for scope, status in (("emails:send", 200), ("templates:write", 200), ("emails:read", 403)):
        made = site.client.right("POST", "/v1/keys", {"scopes": [scope]})
        asked = ApiClient(site.http, made["key"]).ask("POST", "/v1/check", MAIL)
        assert asked.status == status
    assert ApiClient(site.http).ask("POST", "/v1/check", MAIL).status == 401
