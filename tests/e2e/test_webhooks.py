"""Webhooks of the running product: commands make endpoints, and what becomes of mail is told to them."""

import asyncio
import contextlib
import io
import json
import smtplib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from angarium.cli.main import run
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink
from tests.webhooks.receiver import Receiver, Taken
from tests.webhooks.sinks.syslog_receiver import SyslogReceiver
from tests.webhooks.sinks.world import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SETTINGS = '[webhook]\nallow_networks = ["127.0.0.1/32"]\n'


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with RecordingSink() as sink:
        folder: Path = tmp_path_factory.mktemp("webhooks")
        started = Product(folder, sink=sink.port, more=SETTINGS)
        try:
            yield started
            started.assert_clean()
        finally:
            started.kill()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as started:
        yield started


def run_here(product: Product, words: Sequence[str]) -> tuple[int, str]:
    """Run a command in this process, which saves the start of another one."""
    out = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = run([*words, "--config", str(product.config)])
    out.flush()
    out.seek(0)
    return code, out.read()


async def command(product: Product, *words: str, code: int = 0) -> Any:
    found, text = await asyncio.to_thread(run_here, product, ("webhook", *words, "--json"))
    assert found == code
    lines = [json.loads(line) for line in text.splitlines()]
    return lines if words[0] in ("deliveries", "list") else lines[0] if lines else None


def send(product: Product, mark: str) -> None:
    with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
        text = f"From: <a@shop.example>\r\nTo: <b@example.net>\r\nSubject: {mark}\r\n\r\nx\r\n"
        client.sendmail("a@shop.example", ["b@example.net"], text)


def verified(taken: Taken, secret: str) -> dict[str, Any]:
    found: dict[str, Any] = Webhook(secret).verify(taken.body, taken.headers)
    return found


async def test_mail_is_told_of_from_its_acceptance_to_its_end(
    product: Product, receiver: Receiver
) -> None:
    made = await command(product, "add", receiver.url(), "--event", "email.*")
    await asyncio.to_thread(send, product, "one")
    await receiver.until(lambda: len(receiver.taken) == 2)
    accepted, sent = [verified(each, made["secret"]) for each in receiver.taken]
    assert (accepted["type"], sent["type"]) == ("email.accepted", "email.sent")
    assert accepted["emailId"] == sent["emailId"]
    assert sent["recipient"] == "b@example.net"
    assert sent["details"]["smtpResponse"].startswith("250 ")
    assert receiver.taken[0].headers["svix-id"] == accepted["id"]
    # A second secret: for a while both verify
    rotated = await command(product, "rotate", made["id"])
    answer = await command(product, "test", made["id"])
    assert (answer["status"], answer["httpStatus"]) == ("delivered", 200)
    tested = receiver.taken[-1]
    for secret in (made["secret"], rotated["secret"]):
        assert verified(tested, secret)["type"] == "webhook.test"
    listed = await command(product, "deliveries", made["id"], "--status", "delivered")
    assert [each["type"] for each in listed] == ["webhook.test", "email.sent", "email.accepted"]
    await command(product, "remove", made["id"])


async def test_what_failed_is_told_again_on_demand(product: Product, receiver: Receiver) -> None:
    made = await command(product, "add", receiver.url(), "--event", "email.accepted")
    receiver.statuses = [500] * 10
    await asyncio.to_thread(send, product, "two")
    await receiver.until(lambda: len(receiver.taken) >= 2)  # the first try, and the one after 1 s
    assert {each.headers["webhook-id"] for each in receiver.taken[:2]} == {
        receiver.taken[0].headers["webhook-id"]
    }
    await command(product, "disable", made["id"], "--reason", "mended soon")
    async with asyncio.timeout(30):
        while not await command(product, "deliveries", made["id"], "--status", "failed"):
            await asyncio.sleep(0.05)
    count = len(receiver.taken)
    receiver.statuses = []
    await command(product, "replay", made["id"], "--failed", code=64)  # not while it is disabled
    await command(product, "enable", made["id"])
    assert await command(product, "replay", made["id"], "--failed") == {"replayed": 1}
    await receiver.until(lambda: len(receiver.taken) > count)
    assert verified(receiver.taken[-1], made["secret"])["type"] == "email.accepted"
    await command(product, "remove", made["id"])


async def test_an_inner_address_is_refused_by_command_and_when_it_is_called_p1(
    product: Product,
) -> None:
    for url in ("http://127.0.0.2/", "https://10.0.0.1/", "https://169.254.169.254/", "ftp://x/"):
        await command(product, "add", url, code=65)
    async with Receiver("127.0.0.2") as inner:
        # Its name is only known to be inside when it is resolved: here not at all
        made = await command(product, "add", "https://inner.invalid/")
        answer = await command(product, "test", made["id"], code=75)
        assert (answer["status"], answer["httpStatus"]) == ("waiting", 0)
        assert inner.taken == []
        await command(product, "remove", made["id"])


class Api:
    """A key's way to the API; each call returns status and JSON."""

    def __init__(self, product: Product, session: aiohttp.ClientSession, key: str) -> None:
        self._url = f"http://127.0.0.1:{product.http}/v1"
        self._session = session
        self._headers = {"X-API-Key": key}

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(
            method, self._url + path, json=body, headers=self._headers
        ) as response:
            return response.status, await response.json()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def new_api(product: Product, session: aiohttp.ClientSession, *words: str) -> Api:
    code, text = await asyncio.to_thread(run_here, product, ("key", "create", "--json", *words))
    assert code == 0
    return Api(product, session, json.loads(text)["key"])


async def test_endpoints_are_managed_by_http(
    product: Product, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    api = await new_api(product, session)
    wish = {"url": receiver.url(), "events": ["delivered", "email.sent"], "tags": []}
    status, made = await api("POST", "/webhooks", wish)
    assert (status, made["events"]) == (201, ["email.delivered", "email.sent"])
    path = f"/webhooks/{made['id']}"
    status, tested = await api("POST", f"{path}/test")
    assert (status, tested["status"], tested["log"][0]["httpStatus"]) == (200, "delivered", 200)
    assert verified(receiver.taken[0], made["secret"])["type"] == "webhook.test"
    await asyncio.to_thread(send, product, "by http")
    await receiver.until(lambda: len(receiver.taken) == 2)
    status, listed = await api("GET", f"{path}/deliveries?limit=1")
    assert (status, listed["deliveries"][0]["type"]) == (200, "email.sent")
    rest = await api("GET", f"{path}/deliveries?cursor={listed['cursor']}&status=delivered")
    assert [each["type"] for each in rest[1]["deliveries"]] == ["webhook.test"]
    delivery = f"{path}/deliveries/{listed['deliveries'][0]['id']}"
    while (await api("GET", delivery))[1]["status"] != "delivered":
        await asyncio.sleep(0.02)
    status, again = await api("POST", f"{delivery}/replay")
    assert (status, again["status"]) == (200, "waiting")
    await receiver.until(lambda: len(receiver.taken) == 3)
    ids = [each.headers["webhook-id"] for each in receiver.taken]
    assert ids[1] == ids[2] == again["eventId"]
    status, shown = await api("GET", path)
    assert (status, shown["failures"], "secret" in shown) == (200, 0, False)
    status, rotated = await api("POST", f"{path}/rotate", {"overlapSeconds": 0})
    assert status == 200
    assert rotated["secret"] != made["secret"]
    status, changed = await api("PATCH", path, {"enabled": False, "reason": "later"})
    assert (status, changed["disabledReason"], changed["url"]) == (200, "later", receiver.url())
    status, answer = await api("POST", f"{path}/replay", {"status": "failed"})
    assert (status, answer["error"]) == (409, "CONFLICT")
    assert [each["id"] for each in (await api("GET", "/webhooks"))[1]["webhooks"]] == [made["id"]]
    assert (await api("DELETE", path))[0] == 200
    assert (await api("GET", path))[0] == 404


async def test_what_cannot_be_is_refused_with_its_field(
    product: Product, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    api = await new_api(product, session)
    for wish, field in (
        ({}, "url"),
        ({"url": "http://127.0.0.2/"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": receiver.url(), "events": ["x"]}, "events[0]"),
        ({"url": receiver.url(), "format": "fax"}, "format"),
        ({"url": receiver.url(), "colour": "red"}, "colour"),
    ):
        status, answer = await api("POST", "/webhooks", wish)
        assert (status, answer["details"]["field"]) == (400, field)


async def test_a_key_manages_its_tenants_endpoints_only_p7(
    product: Product, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    owner = await new_api(product, session)
    _, made = await owner("POST", "/webhooks", {"url": receiver.url()})
    await asyncio.to_thread(run_here, product, ("tenant", "create", "other"))
    other = await new_api(product, session, "--tenant", "other")
    path = f"/webhooks/{made['id']}"
    for method, of in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
        ("POST", f"{path}/rotate"),
        ("GET", f"{path}/deliveries"),
        ("POST", f"{path}/replay"),
        ("GET", f"{path}/deliveries/1"),
    ):
        assert (await other(method, of, {} if method == "PATCH" else None))[0] == 404, of
    reader = await new_api(product, session, "--scopes", "webhooks:read")
    assert (await reader("GET", path))[0] == 200
    assert (await reader("DELETE", path))[0] == 403
    assert (await owner("DELETE", path))[0] == 200


async def test_a_messages_callback_hears_of_it_alone(
    product: Product, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    code, _ = await asyncio.to_thread(
        run_here, product, ("domain", "add", "shop.example", "--assume-verified")
    )
    assert code == 0
    api = await new_api(product, session)
    mail = {
        "from": "a@shop.example",
        "to": ["b@example.net"],
        "subject": "Grüße",
        "bodyText": "x",
        "metadata": {"order": 5},
        "tags": {"campaign": "welcome"},
        "callbackUrl": receiver.url("/callback"),
    }
    status, sent = await api("POST", "/send", mail)
    assert status == 200
    await receiver.until(lambda: len(receiver.taken) == 2)
    _, secret = await api("GET", "/callback-secret")
    events = [verified(each, secret["secret"]) for each in receiver.taken]
    assert [each["type"] for each in events] == ["email.accepted", "email.sent"]
    for event in events:
        assert event["emailId"] == sent["emailId"]
        assert event["metadata"] == {"order": 5}
        assert event["subject"] == "Grüße"
        assert "campaign:welcome" in event["tags"]


async def test_syslog_hears_as_a_url_does(product: Product) -> None:
    async with SyslogReceiver().serving() as syslog:
        url = f"syslog+tcp://127.0.0.1:{syslog.port}"
        made = await command(product, "add", url, "--event", "email.*")
        answer = await command(product, "test", made["id"])
        assert (answer["status"], answer["httpStatus"]) == ("delivered", 200)
        await asyncio.to_thread(send, product, "syslog")
        await until(lambda: len(syslog.messages) == 3)
    words = [each.split(b" ", 7) for each in syslog.messages]
    assert [each[5] for each in words] == [b"webhook.test", b"email.accepted", b"email.sent"]
    assert {each[2] for each in words} == {b"mx1.example.com"}
    accepted = json.loads(words[1][7])
    assert (accepted["type"], accepted["recipient"]) == ("email.accepted", "b@example.net")
    # nobody is there any more: it waits, is seen, and is told on demand
    answer = await command(product, "test", made["id"], code=75)
    assert answer["status"] == "waiting"
    await command(product, "remove", made["id"])


async def test_what_obeys_no_guard_is_the_operators_to_name_p1(
    product: Product, session: aiohttp.ClientSession
) -> None:
    tenant = await new_api(product, session)
    url = "kafka://127.0.0.1:9092/mail"
    status, refused = await tenant("POST", "/webhooks", {"url": url})
    assert (status, refused["details"]["field"]) == (403, "url")
    operator = await new_api(product, session, "--scopes", "*,tenants")
    status, made = await operator("POST", "/webhooks", {"url": url})
    assert status == 201
    changed = {"url": url.replace("mail", "other")}
    assert (await tenant("PATCH", f"/webhooks/{made['id']}", changed))[0] == 403
    await command(product, "remove", made["id"])


async def test_a_server_that_is_killed_tells_it_after_its_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    with RecordingSink() as sink:
        first = Product(tmp_path, sink=sink.port, more=SETTINGS)
        try:
            made = await command(first, "add", receiver.url(), "--event", "email.accepted")
            receiver.statuses = [503]
            await asyncio.to_thread(send, first, "three")
            await receiver.until(lambda: len(receiver.taken) == 1)
        finally:
            first.kill()
        again = Product(tmp_path, sink=sink.port, more=SETTINGS)
        try:
            await receiver.until(lambda: len(receiver.taken) == 2)
            ids = {verified(each, made["secret"])["id"] for each in receiver.taken}
            assert len(ids) == 1
        finally:
            again.kill()
