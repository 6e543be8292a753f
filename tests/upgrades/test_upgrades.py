"""A data directory of each version before this one is taken over whole: mail, users, keys, domains, suppressions."""

import hashlib
import json
import smtplib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until
from tests.upgrades.make import LISTENERS

HERE = Path(__file__).parent
VERSIONS = sorted(each.stem for each in HERE.glob("*.json"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class Upgraded:
    def __init__(self, product: Product, sink: RecordingSink, known: dict[str, Any]) -> None:
        self.product = product
        self.sink = sink
        self.known = known

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.product.postmaster(*arguments, "--json"))

    def lines(self, *arguments: str) -> list[Any]:
        text = self.product.postmaster(*arguments, "--json")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module", params=VERSIONS)
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    archive = HERE / f"{request.param}.tar.xz"
    known = json.loads((HERE / f"{request.param}.json").read_text())
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == known["sha256"]
    folder = tmp_path_factory.mktemp("upgraded")
    data = folder / "data"
    data.mkdir(mode=0o700)
    with tarfile.open(archive) as file:
        file.extractall(data)
    with RecordingSink() as sink:
        product = Product(folder, listeners=LISTENERS, sink=sink.port, retry="[3600]", single=False)
        try:
            yield Upgraded(product, sink, known)
        finally:
            product.kill()


def test_there_is_a_directory_of_a_version_before_this_one() -> None:
    assert VERSIONS


def test_all_mail_is_there_and_is_delivered(upgraded: Upgraded) -> None:
    known = upgraded.known["queued"]

    def arrived(address: str) -> int:
        taken = [command for each in upgraded.sink.taken for command in each.rcpts]
        return sum(address.encode() in command for command in taken)

    def is_all_there() -> bool:
        """As it was; but what was to be tried again by now may have been."""
        queued = {
            each["recipient"]: {name: each[name] for name in ("id", "state", "sender", "attempts")}
            for each in upgraded.product.queued()
        }
        return all(queued.get(name) == each or arrived(name) for name, each in known.items())

    wait_until(is_all_there, 60)
    upgraded.product.postmaster("queue", "release", "--recipient", "held@example.org")
    upgraded.product.postmaster("queue", "retry", "--sender", "@example.org")
    wait_until(lambda: not upgraded.product.queued(), 60)
    for address in known:
        assert arrived(address) == 1


def test_users_and_keys_log_in_and_a_revoked_one_does_not(upgraded: Upgraded) -> None:
    name, password, _ = upgraded.known["user"]
    key = upgraded.known["keys"]["smtp"]
    for user, secret in ((name, password), (key["id"], key["key"])):
        with smtplib.SMTP("127.0.0.1", upgraded.product.smtp[1], timeout=30) as client:
            client.login(user, secret)
    with (
        smtplib.SMTP("127.0.0.1", upgraded.product.smtp[1], timeout=30) as client,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        client.login(key["id"], key["key"][:-1] + "x")
    keys = {each["id"]: each for each in upgraded.lines("key", "list")}
    assert keys[upgraded.known["revoked"]]["revoked"] is not None
    assert set(keys) >= {each["id"] for each in upgraded.known["keys"].values()}


def test_a_tenants_domains_are_there_and_sign(upgraded: Upgraded) -> None:
    domains = {each["domain"]: each["status"] for each in upgraded.lines("domain", "list")}
    assert domains == upgraded.known["domains"]
    key = upgraded.known["keys"]["smtp"]
    before = len(upgraded.sink.taken)
    with smtplib.SMTP("127.0.0.1", upgraded.product.smtp[1], timeout=30) as client:
        client.login(key["id"], key["key"])
        text = "From: a@acme.example\r\nTo: b@example.net\r\nSubject: s\r\n\r\nt\r\n"
        client.sendmail("a@acme.example", ["b@example.net"], text)
    wait_until(lambda: len(upgraded.sink.taken) > before, 60)
    assert b"d=acme.example" in upgraded.sink.taken[-1].content


def test_suppressions_and_hold_rules_hold(upgraded: Upgraded) -> None:
    listed = [each["email"] for each in upgraded.ask("suppress", "list")["suppressions"]]
    assert listed == upgraded.known["suppressed"]
    assert len(upgraded.ask("queue", "rules")["rules"]) == upgraded.known["hold_rules"]
