"""Plans of tenants in a running server: one count for SMTP and HTTP, what is over refused or sent later by itself."""

import json
import smtplib
import time
from collections.abc import Iterator

import pytest

from tests.e2e.api_client import ApiClient, ApiReply
from tests.e2e.product import Product, token
from tests.e2e.recording_sink import RecordingSink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Rig:
    def __init__(self, product: Product, sink: RecordingSink) -> None:
        self.product = product
        self.sink = sink
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = json.loads(product.postmaster("key", "create", "--json"))
        self.api = ApiClient(product.http, made["key"])
        self.rate = 500

    def plan(self, *options: str) -> None:
        """Change the tenant's plan, and wait until the server knows it."""
        self.rate += 1  # a number that each answer has
        rate = str(self.rate)
        self.product.postmaster("tenant", "set", "default", *options, "--rate", rate)
        end = time.monotonic() + 30
        while self.api.ask("GET", "/v1/key").headers["RateLimit-Limit"] != rate:
            assert time.monotonic() < end

    def send(self, mark: str) -> ApiReply:
        body = {
            "from": "a@shop.example",
            "to": ["b@example.net"],
            "subject": mark,
            "bodyText": mark,
        }
        return self.api.ask("POST", "/v1/send", body)

    def submit(self, mark: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.product.smtp[0], timeout=20) as client:
            text = f"From: a@shop.example\r\nSubject: {mark}\r\n\r\n{mark}\r\n"
            client.sendmail("a@shop.example", ["b@example.net"], text)

    def used(self) -> dict[str, int]:
        shown = json.loads(self.product.postmaster("tenant", "show", "default", "--json"))
        return {period: each["used"] for period, each in shown["quota_use"].items()}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with RecordingSink() as sink:
        product = Product(tmp_path_factory.mktemp("quotas"), sink=sink.port)
        try:
            yield Rig(product, sink)
            product.assert_clean()
        finally:
            product.kill()


def test_smtp_and_http_share_a_quota_and_are_told_when_it_opens(rig: Rig) -> None:
    rig.plan("--quota-month", "3")
    marks = [token() for _ in range(3)]
    assert rig.send(marks[0]).status == 200
    rig.submit(marks[1])
    assert rig.send(marks[2]).status == 200
    over = rig.send(token())
    assert over.fault[:2] == (429, "QUOTA_EXCEEDED"), over.body
    assert 0 < int(over.headers["Retry-After"]) <= 31 * 86_400
    with pytest.raises(smtplib.SMTPDataError) as refused:
        rig.submit(token())
    assert refused.value.smtp_code == 451
    assert (
        b"4.7.1 Over the quota of this tenant, 3 recipients per month" in refused.value.smtp_error
    )
    assert rig.used()["month"] == 3
    for mark in marks:
        rig.sink.wait_for_token(mark)
    rig.plan("--quota-month", "none")
    assert rig.send(token()).status == 200


def test_what_waits_for_its_quota_goes_by_itself(rig: Rig) -> None:
    rig.plan("--quota-second", "1", "--over-quota", "wait")
    marks = [token() for _ in range(4)]
    answers = [rig.send(mark) for mark in marks[:3]]
    assert [each.status for each in answers] == [200] * 3
    rig.submit(marks[3])
    for mark in marks:
        rig.sink.wait_for_token(mark)
    rig.plan("--quota-second", "none", "--over-quota", "refuse")


def test_a_stream_that_is_not_in_the_plan_is_refused(rig: Rig) -> None:
    rig.plan("--streams", "bulk")
    assert rig.send(token()).fault == (403, "FORBIDDEN", "stream")
    with pytest.raises(smtplib.SMTPDataError, match="not in this tenant's plan: bulk"):
        rig.submit(token())
    rig.plan("--streams", "all")
