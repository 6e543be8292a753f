"""What happened to mail, asked by HTTP of a running server: mirrors angarium/history and api/native/history."""

import json
import smtplib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.telemetry.timestamp import rfc3339
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Site:
    def __init__(self, product: Product) -> None:
        self.product = product
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        self.client = self.new_client("emails,events:read")

    def new_client(self, scopes: str) -> ApiClient:
        made = self.product.postmaster("key", "create", "--scopes", scopes, "--json")
        return ApiClient(self.product.http, json.loads(made)["key"])

    def send(self, **more: Any) -> str:
        mail = {
            "from": "shop@shop.example",
            "to": ["b@example.net"],
            "subject": "Hello",
            "bodyText": "Hi.",
            **more,
        }
        return str(self.client.right("POST", "/v1/send", mail)["emailId"])

    def status(self, email_id: str) -> Any:
        return self.client.right("GET", f"/v1/status/{email_id}")

    def until(self, email_id: str, status: str) -> Any:
        wait_until(lambda: self.status(email_id)["status"] == status)
        return self.status(email_id)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("history"), sink=sink.port)
        try:
            yield Site(product)
            product.assert_clean()
        finally:
            product.kill()


def test_the_status_of_what_was_just_sent_is_never_unknown(site: Site) -> None:
    for number in range(8):
        email_id = site.send(tags={"number": str(number)}, metadata={"number": number})
        found = site.status(email_id)
        assert found["metadata"] == {"number": number}
        assert found["events"][0]["type"] == "accepted"


def test_what_a_smart_host_took_is_sent_and_says_by_whom(site: Site) -> None:
    email_id = site.send(to=["b@example.net", "c@example.net"], tags={"kind": "receipt"})
    found = site.until(email_id, "sent")
    assert found["subject"] == "Hello"
    assert found["messageId"] == f"<{email_id}@shop.example>"
    assert [each["status"] for each in found["recipients"]] == ["sent", "sent"]
    last = found["events"][-1]
    assert last["type"] == "sent"
    assert last["details"]["smtpResponse"].startswith("250")
    assert last["details"]["processingTimeMillis"] >= 0
    attempts = site.client.right("GET", f"/v1/emails/{email_id}/attempts")["attempts"]
    assert {each["outcome"] for each in attempts} == {"sent"}
    listed = site.client.right("GET", "/v1/emails?tag=kind:receipt&status=sent")["emails"]
    assert [each["emailId"] for each in listed] == [email_id]


def test_what_is_scheduled_moved_and_called_off_says_so(site: Site) -> None:
    start, later = (rfc3339(1000 * int(time.time() + days * 86_400)) for days in (300, 330))
    email_id = site.send(sendAt=start)
    assert site.status(email_id)["status"] == "scheduled"
    assert site.status(email_id)["sendAt"] == start
    site.client.right("PATCH", f"/v1/emails/{email_id}", {"sendAt": later})
    wait_until(lambda: site.status(email_id)["sendAt"] == later)
    assert site.status(email_id)["status"] == "scheduled"
    site.client.right("DELETE", f"/v1/emails/{email_id}")
    found = site.until(email_id, "cancelled")
    assert [each["type"] for each in found["events"]] == ["accepted", "rescheduled", "cancelled"]


def test_mail_that_came_by_smtp_has_a_history(site: Site) -> None:
    with smtplib.SMTP("127.0.0.1", site.product.smtp[0], timeout=30) as client:
        content = "From: a@shop.example\r\nMessage-ID: <own@shop.example>\r\n\r\nHi.\r\n"
        client.sendmail("a@shop.example", ["smtp@example.net"], content)
    path = "/v1/emails?recipient=SMTP@example.net"
    wait_until(lambda: len(site.client.right("GET", path)["emails"]) == 1)
    found = site.client.right("GET", path)["emails"][0]
    assert (found["messageId"], found["from"]) == ("<own@shop.example>", "a@shop.example")


def test_events_are_waited_for(site: Site) -> None:
    email_id = site.send()
    page = site.client.right("GET", "/v1/events")
    seen = page["events"]
    while email_id not in {each["emailId"] for each in seen}:
        page = site.client.right("GET", f"/v1/events?wait=30&cursor={page['cursor']}")
        assert page["events"]
        seen += page["events"]
    assert len({each["id"] for each in seen}) == len(seen)


def test_who_may_only_send_reads_nothing(site: Site) -> None:
    sender = site.new_client("emails:send")
    for path in ("/v1/emails", "/v1/events", f"/v1/status/{site.send()}"):
        assert sender.ask("GET", path).status == 403
    assert ApiClient(site.product.http).ask("GET", "/v1/emails").status == 401
