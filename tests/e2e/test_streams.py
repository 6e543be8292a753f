"""Streams, pools and sources of the running product: what a field decides, and by whom a message leaves."""

import smtplib
from collections import Counter
from collections.abc import Callable

import pytest

from tests.e2e.product import Product, token
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

POOLS = """
[[source]]
name = "warm"
address = "127.0.0.1"
[[source]]
name = "cold"
address = "127.0.0.2"
[[source]]
name = "gone"
address = "192.0.2.77"
[[pool]]
name = "default"
sources = [{name = "warm", weight = 3}, {name = "cold"}]
[[pool]]
name = "bulk"
sources = [{name = "gone"}, {name = "cold"}]
[[stream]]
name = "bulk"
pool = "bulk"
"""


def send(product: Product, mark: str, *fields: str) -> None:
    text = "\r\n".join(("From: <a@example.org>", *fields, "", mark, ""))
    with smtplib.SMTP("127.0.0.1", product.smtp[0], timeout=20) as client:
        client.sendmail("a@example.org", ["b@example.net"], text)


def lines(product: Product, event: str) -> list[dict[str, object]]:
    return [each for each in product.mail_log() if each["event"] == event]


def test_a_field_chooses_the_stream_and_is_taken_out(
    start_product: Callable[..., Product],
) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        mark = token()
        send(
            product,
            mark,
            "X-Angarium-Stream: transactional",
            "X-Angarium-Campaign: spring",
            "X-Angarium-Tag: a, b",
        )
        assert b"angarium-" not in sink.wait_for_token(mark).content.lower()
        wait_until(lambda: lines(product, "relayed"))
        (accepted,) = lines(product, "accepted")
        assert (accepted["stream"], accepted["campaign"]) == ("transactional", "spring")
        assert accepted["tags"] == ["a", "b"]
        with pytest.raises(smtplib.SMTPDataError, match="X-Angarium-Stream names no stream"):
            send(product, mark, "X-Angarium-Stream: nope")


def test_each_source_of_a_pool_has_its_share_and_one_that_is_gone_takes_itself_out(
    start_product: Callable[..., Product],
) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port, more=POOLS)
        for _ in range(40):
            send(product, token())
        wait_until(lambda: len(lines(product, "relayed")) == 40)
        sources = Counter(each["source"] for each in lines(product, "relayed"))
        assert sources == {"warm": 30, "cold": 10}
        for _ in range(6):
            send(product, token(), "X-Angarium-Stream: bulk")
        wait_until(lambda: len(lines(product, "relayed")) == 46)
        bulk = [each for each in lines(product, "relayed") if each["stream"] == "bulk"]
        assert {each["source"] for each in bulk} == {"cold"}
        # Nobody was asked by the address that is gone: no attempt is counted
        assert {each["attempts"] for each in bulk} == {1}
        assert not lines(product, "deferred")
        status = product.postmaster("status")
        assert "source gone is out: our source address 192.0.2.77 cannot be used" in status
