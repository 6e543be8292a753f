"""Leaving in the running product: what a mail says of how to leave, and what a click there does to mail that waits and
to mail that comes.
"""

import email
import email.policy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.access.tracking_keys import read_tracking_keys
from angarium.queue.wall_clock import wall_clock
from angarium.tracking.tokens import Leaver, TrackingKeys
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
HOST = "t.shop.example"
MORE = f"""
[tracking]
host = "{HOST}"

[[stream]]
name = "bulk"
title = {{ en = "News", de = "Neues" }}
"""


@pytest.fixture
def sink() -> Iterator[RecordingSink]:
    with RecordingSink() as sink:
        yield sink


@pytest.fixture
def product(tmp_path: Path, sink: RecordingSink) -> Iterator[Product]:
    product = Product(tmp_path, sink=sink.port, more=MORE, retry="[3600]")
    try:
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        product.postmaster("topic", "add", "offers", "--title", "en=Offers")
        product.postmaster(
            "tenant",
            "set",
            "default",
            "--postal-address",
            "Shop Ltd",
            "--postal-address",
            "1 Main Street",
        )
        yield product
        product.assert_clean()
    finally:
        product.kill()


def ask(product: Product, method: str, path: str, form: str = "") -> tuple[int, str]:
    """Ask as a browser or a mail program does."""
    headers = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    octets = form.encode() if form else None
    reply = ApiClient(product.http).ask(method, path, octets=octets, headers=headers)
    return reply.status, reply.body.decode()


def test_one_click_ends_what_waits_and_refuses_what_comes(
    product: Product, sink: RecordingSink
) -> None:
    made = json.loads(product.postmaster("key", "create", "--json"))
    client = ApiClient(product.http, made["key"])
    mail = {
        "from": "a@shop.example",
        "to": "ann@two.example",
        "subject": "s",
        "bodyText": "Leave: {{unsubscribe_url}}\n\n{{postal_address}}",
        "stream": "bulk",
        "topic": "offers",
        "language": "de",
    }
    assert client.ask("POST", "/v1/send", mail).status == 200
    wait_until(lambda: bool(sink.taken), 30)
    found = email.message_from_bytes(sink.taken[0].content, policy=email.policy.SMTP)
    ways = str(found["List-Unsubscribe"])
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (token,) = re.findall(rf"<https://{re.escape(HOST)}/u/([A-Za-z0-9_-]+)>", ways)
    keys = TrackingKeys(read_tracking_keys(product.folder / "data" / "tracking.key"))
    leaver = keys.read_leave(token, wall_clock())
    assert isinstance(leaver, Leaver)
    assert (leaver.topic, leaver.stream, leaver.address) == ("offers", "bulk", "ann@two.example")
    body = found.get_body(("plain",))
    assert body is not None
    assert f"https://{HOST}/u/" in body.get_content()

    # One waits for its next attempt
    sink.replies[b"RCPT"] = b"451 4.3.0 later\r\n"
    assert client.ask("POST", "/v1/send", mail).status == 200
    product.wait_for_disposition(30, event="deferred")
    status, text = ask(product, "GET", f"/u/{token}")
    assert (status, "Offers" in text, "Shop" in text) == (200, True, True)
    assert ask(product, "POST", f"/u/{token}", "List-Unsubscribe=One-Click")[0] == 200
    told = product.wait_for_disposition(30, event="unsubscribed")
    assert (told["how"], told["scope"]) == ("one-click", "tenant:default/topic:offers")

    del sink.replies[b"RCPT"]
    refused = client.ask("POST", "/v1/send", mail)
    assert refused.fault[:2] == (422, "RECIPIENTS_SUPPRESSED")
    product.postmaster("queue", "retry", "--recipient", "ann@two.example")
    ended = product.wait_for_disposition(30, event="recipient_suppressed")
    assert ended["scope"] == "tenant:default/topic:offers"
    other = {**mail, "topic": "", "stream": "default", "bodyText": "t"}
    assert client.ask("POST", "/v1/send", other).status == 200
    status, text = ask(product, "GET", f"/p/{token}")
    assert (status, text.count('name="keep"')) == (200, 2)
    assert '<html lang="de"' in text
    assert "<bdi>Neues</bdi>" in text
    assert ask(product, "POST", f"/u/{token}", "do=rejoin")[0] == 200
    product.wait_for_disposition(30, event="resubscribed")
    assert client.ask("POST", "/v1/send", mail).status == 200
    wait_until(lambda: sum(b"ann@two" in each.rcpts[0] for each in sink.taken) == 3, 30)
