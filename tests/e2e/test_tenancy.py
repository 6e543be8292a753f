"""Tenants of the running product: their keys log in, their domains are theirs, their keys sign."""

import json
import smtplib
from collections.abc import Callable
from typing import Any

import dkim
import pytest

from angarium.config.loader import load
from angarium.tenancy.keys import KeyWish
from angarium.tenancy.platform import Platform
from tests.e2e.product import Product, token
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LISTENER = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth_without_tls = ["127.0.0.0/8"]
"""


def command(product: Product, words: str) -> Any:
    return json.loads(product.postmaster(*words.split(), "--json"))


def log_in(product: Product, user: str, password: str) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20)
    try:
        client.login(user, password)
    except smtplib.SMTPException:
        client.close()
        raise
    return client


def send(client: smtplib.SMTP, sender: str, mark: str, author: str = "") -> None:
    text = f"From: <{author or sender}>\r\nTo: <b@example.net>\r\nSubject: x\r\n\r\n{mark}\r\n"
    client.sendmail(sender, ["b@example.net"], text)


def verifies(content: bytes, domain: dict[str, Any]) -> bool:
    """Whether a signature of the domain verifies, by the records that were printed for it, and these alone."""
    records = {f"{each['name']}.".encode(): each["value"] for each in domain["records"]}

    def find(name: bytes, timeout: int = 5) -> bytes | None:
        value = records.get(name)
        return None if value is None else value.encode()

    return f"d={domain['domain']};".encode() in content and dkim.verify(content, dnsfunc=find)


@pytest.mark.parametrize("single", [True, False])
def test_a_tenant_sends_as_its_own_domain_signed_by_its_own_key_a2(
    start_product: Callable[..., Product], single: bool
) -> None:
    with RecordingSink() as sink:
        product = start_product(listeners=LISTENER, sink=sink.port, single=single)
        command(product, "tenant create shop")
        shop = command(product, "domain add shop.example --tenant shop --assume-verified")
        command(product, "domain add other.example --assume-verified")
        command(product, "domain add pending.example --tenant shop")
        key = command(product, "key create --kind smtp --tenant shop")
        mark = token()
        with log_in(product, key["id"], key["key"]) as client:
            send(client, "orders@shop.example", mark)
            taken = sink.wait_for_token(mark)
            assert verifies(taken.content, shop)
            for domain in ("other.example", "pending.example", "sub.shop.example"):
                with pytest.raises(smtplib.SMTPSenderRefused, match="may not send from"):
                    send(client, f"a@{domain}", token())
                client.rset()
                with pytest.raises(smtplib.SMTPDataError, match="may not send as"):
                    send(client, "orders@shop.example", token(), f"a@{domain}")
                client.rset()
        wait_until(lambda: [e for e in product.mail_log() if e["event"] == "relayed"])
        (accepted,) = (each for each in product.mail_log() if each["event"] == "accepted")
        assert (accepted["tenant"], accepted["user"]) == ("shop", key["id"])


def test_a_tenants_key_signs_for_it_alone(start_product: Callable[..., Product]) -> None:
    with RecordingSink() as sink:
        product = start_product(
            listeners=LISTENER, sink=sink.port, users=(("anyone", "secret", "*"),)
        )
        command(product, "tenant create shop")
        shop = command(product, "domain add shop.example --tenant shop --assume-verified")
        own = command(product, "domain add own.example --assume-verified")
        marks = token(), token()
        with log_in(product, "anyone", "secret") as client:
            # The user is of tenant default, as is the domain
            send(client, "a@own.example", marks[0])
            send(client, "a@shop.example", marks[1])
        assert verifies(sink.wait_for_token(marks[0]).content, own)
        assert not verifies(sink.wait_for_token(marks[1]).content, shop)
        assert b"DKIM-Signature" not in sink.wait_for_token(marks[1]).content


def has_ended(client: smtplib.SMTP) -> bool:
    try:
        return bool(client.noop()[0] == 421)
    except smtplib.SMTPServerDisconnected:
        return True


@pytest.mark.parametrize("single", [True, False])
def test_a_key_that_is_revoked_ends_its_sessions_and_logs_in_no_more(
    start_product: Callable[..., Product], single: bool
) -> None:
    product = start_product(listeners=LISTENER, single=single)
    command(product, "domain add shop.example --assume-verified")
    key = command(product, "key create --kind smtp")
    second = command(product, f"key rotate {key['id']} --overlap 1h")
    clients = [
        log_in(product, key["id"], key["key"]),
        log_in(product, "any name", second["key"]),  # the key says whose it is
    ]
    assert [each.noop()[0] for each in clients] == [250, 250]
    command(product, f"key revoke {key['id']}")
    for each in clients:
        wait_until(lambda each=each: has_ended(each))
        each.close()
    for made in (key, second):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            log_in(product, key["id"], made["key"])


def test_only_a_key_for_it_logs_in(start_product: Callable[..., Product]) -> None:
    product = start_product(listeners=LISTENER)
    command(product, "tenant create shop")
    refused = [
        command(product, "key create --kind api"),
        command(product, "key create --kind smtp --network 192.0.2.0/24"),
        command(product, "key create --kind smtp --scopes emails:read"),
        command(product, "key create --kind smtp --tenant shop"),
    ]
    product.postmaster("tenant", "disable", "shop")
    for each in refused:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            log_in(product, each["id"], each["key"])
    placed = command(product, "key create --kind smtp --network 127.0.0.0/8")
    with log_in(product, placed["id"], placed["key"]) as client:
        assert client.noop()[0] == 250


def test_a_change_in_the_database_reaches_the_server_without_a_word(
    start_product: Callable[..., Product],
) -> None:
    """As one that was made on another machine: nobody publishes it but the server."""
    product = start_product(listeners=LISTENER)
    with Platform.open(load(product.config), actor="tests") as platform:
        made = platform.keys.create(KeyWish(tenant="default", kind="smtp"))

    def is_known() -> bool:
        try:
            log_in(product, made.key.id, made.text).close()
        except smtplib.SMTPAuthenticationError:
            return False
        return True

    wait_until(is_known)
