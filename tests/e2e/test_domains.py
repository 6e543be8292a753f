"""Domains of the running product: looked at by the server, told, rotated; and as whom a tenant may send."""

import asyncio
import json
import smtplib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, token
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.test_tenancy import LISTENER, log_in, send, verifies
from tests.routing.scripted_dns import ScriptedDns
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
NAME = "shop.example"


class Zone:
    """A nameserver in a thread; its records may be changed at any time."""

    def __init__(self) -> None:
        self.dns = ScriptedDns()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self.dns.start())

    def publish(self, records: list[dict[str, Any]], *purposes: str) -> None:
        for each in records:
            if each["purpose"] in purposes:
                value = each["value"]
                parts = [f'"{value[at : at + 200]}"' for at in range(0, len(value), 200)]
                self.dns.add(each["name"], "TXT", " ".join(parts), ttl=0)

    def close(self) -> None:
        self._run(self.dns.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


class World:
    def __init__(self, folder: Path) -> None:
        self.zone = Zone()
        self.sink = RecordingSink()
        self.sink.__enter__()
        more = f'[dns]\nnameservers = ["127.0.0.1:{self.zone.dns.port}"]\n'
        self.product = Product(
            folder, listeners=LISTENER, sink=self.sink.port, more=more, single=True
        )

    def command(self, words: str) -> Any:
        return json.loads(self.product.postmaster(*words.split(), "--json"))

    def events(self, name: str, domain: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.product.mail_log()
            if each["event"] == name and each["domain"] == domain
        ]

    def close(self) -> None:
        try:
            self.product.assert_clean()
        finally:
            self.product.kill()
            self.sink.__exit__(None, None, None)
            self.zone.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("domains"))
    yield made
    made.close()


def test_the_server_looks_at_domains_and_a_rotation_changes_who_signs(world: World) -> None:
    shop = world.command(f"domain add {NAME} --assume-verified")
    wait_until(lambda: bool(world.events("domain_failed", NAME)))
    assert world.events("domain_verified", NAME)[0]["how"] == "operator"
    (failed,) = world.events("domain_failed", NAME)
    assert failed["records"] == [shop["keys"][0]["record"]]
    assert world.command(f"domain show {NAME}")["health"] == "failed"

    world.zone.publish(shop["records"], "ownership", "dkim", "dmarc")
    assert world.command(f"domain verify {NAME}")["health"] == "verified"
    rotated = world.command(f"domain rotate {NAME}")
    key = world.command("key create --kind smtp")
    marks = token(), token()
    with log_in(world.product, key["id"], key["key"]) as client:
        send(client, f"a@{NAME}", marks[0])
        assert verifies(world.sink.wait_for_token(marks[0]).content, shop)
        world.zone.publish(rotated["records"], "dkim")
        verified = world.command(f"domain verify {NAME}")
        assert sorted(each["state"] for each in verified["keys"]) == ["retired", "signs"]
        (new,) = (each["selector"] for each in verified["keys"] if each["state"] == "signs")

        def is_signed_by_the_new_one() -> bool:
            mark = token()
            send(client, f"a@{NAME}", mark)
            return f"s={new};".encode() in world.sink.wait_for_token(mark).content

        wait_until(is_signed_by_the_new_one)


def test_a_tenant_sends_as_its_alignment_says_a2(world: World) -> None:
    world.command("tenant create mill")
    world.command("domain add mill.example --tenant mill --assume-verified")
    pending = world.command("domain add dusk.example --tenant mill")
    key = world.command("key create --kind smtp --tenant mill")
    with (
        log_in(world.product, key["id"], key["key"]) as client,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        send(client, "a@news.mill.example", token())
    world.command("tenant set mill --alignment relaxed")
    mark = token()

    def sends() -> bool:
        try:
            with log_in(world.product, key["id"], key["key"]) as client:
                send(client, "a@news.mill.example", mark)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPServerDisconnected):
            return False
        return True

    wait_until(sends)
    assert b"d=mill.example;" in world.sink.wait_for_token(mark).content

    # Proved, but its key is not found: what it would send unsigned is refused with what is missing
    world.zone.publish(pending["records"], "ownership")
    assert world.command("domain verify dusk.example")["status"] == "verified"

    def refusal() -> str:
        try:
            with log_in(world.product, key["id"], key["key"]) as client:
                send(client, "a@dusk.example", token())
        except smtplib.SMTPDataError as error:
            return error.smtp_error.decode()
        except (smtplib.SMTPSenderRefused, smtplib.SMTPServerDisconnected):
            pass
        return ""

    told: list[str] = []

    def is_refused() -> bool:
        told.append(refusal())
        return bool(told[-1])

    wait_until(is_refused)
    record = next(each["name"] for each in pending["records"] if each["purpose"] == "dkim")
    assert f"publish {record} TXT" in told[-1].replace("\n", " ")
