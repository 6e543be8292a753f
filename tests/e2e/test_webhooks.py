"""Webhooks of the running product: commands make endpoints, and what becomes of mail is told to them."""

import asyncio
import contextlib
import io
import json
import smtplib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from angarium.cli.main import run
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink
from tests.webhooks.receiver import Receiver, Taken

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
