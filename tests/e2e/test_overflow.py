"""What a warm-up does not allow goes by the pool's smart host, as the hosts see it; never what may be delivered."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.gated_sink import GatedSink
from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

HOUR_S = 3600


def keys(helper: int, hour: int) -> str:
    return f"""
[[source]]
name = "ip2"
[[pool]]
name = "default"
sources = [{{ name = "ip2" }}]
overflow = "smart-host"
smart_host = "smtp://127.0.0.1:{helper}"
[[warmup]]
source = "ip2"
messages_per_hour = [{hour}, 90]
"""


@contextlib.contextmanager
def running(folder: Path, host: int, helper: int, hour: int, *, single: bool) -> Iterator[Product]:
    product = Product(folder, sink=host, more=keys(helper, hour), single=single)
    try:
        yield product
        product.assert_clean()
    finally:
        product.kill()


def beginning_of_an_hour() -> int:
    """Return the hour; not its last two minutes: what is counted in it begins anew with the next one."""
    while time.time() % HOUR_S > HOUR_S - 120:
        time.sleep(5)
    return int(time.time()) // HOUR_S


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_what_exceeds_the_hour_arrives_by_the_smart_host(tmp_path: Path, *, single: bool) -> None:
    beginning_of_an_hour()
    with (
        RecordingSink() as host,
        RecordingSink() as helper,
        running(tmp_path, host.port, helper.port, 3, single=single) as product,
    ):
        for number in range(8):
            good_session(product.smtp[0], f"u{number}@example.org")
        host.wait_for(3, timeout=60)
        helper.wait_for(5, timeout=60)
        at_host, at_helper = (
            sorted(rcpt for each in sink.taken for rcpt in each.rcpts) for sink in (host, helper)
        )
        assert len({*at_host, *at_helper}) == 8  # each at one of them
        rerouted = product.wait_for_disposition(60, event="rerouted")
        assert rerouted["via"] == f"smtp://127.0.0.1:{helper.port}"
        assert rerouted["actor"] == "policy"
        assert rerouted["reason"].startswith("the warm-up of ip2 allows 3 an hour")
        explained = product.postmaster("queue", "explain", rerouted["id"])
        assert f"sent by smtp://127.0.0.1:{helper.port} from now on by policy" in explained
        assert "the warm-up of ip2 allows 3 an hour" in explained
        (row,) = json.loads(product.postmaster("warmup", "show", "--json"))["warmups"]
        assert (row["hour_used"], row["overflowed"]) == (3, 5)
        assert "5 went by the smart host of its pool today" in product.postmaster("warmup", "show")


def test_what_may_be_delivered_waits_for_its_source(tmp_path: Path) -> None:
    hour = beginning_of_an_hour()
    with GatedSink() as host, RecordingSink() as helper:
        product = Product(tmp_path, sink=host.port, more=keys(helper.port, 1), single=True)
        try:
            host.gate.clear()  # its octets are there, and the last reply never comes
            good_session(product.smtp[0], "first@example.org")
            wait_until(lambda: any(each.startswith(b"RCPT") for each in host.commands), 60)
        finally:
            product.kill()
            host.gate.set()
        with running(tmp_path, host.port, helper.port, 1, single=True) as product:
            good_session(product.smtp[0], "second@example.org")
            helper.wait_for(1, timeout=60)
            (entry,) = product.queued()
            assert (entry["recipient"], entry["in_doubt"]) == ("first@example.org", 1)

            def explained() -> str:
                return product.postmaster("queue", "explain", entry["id"])

            wait_until(lambda: "the warm-up of ip2 allows 1 an hour" in explained(), 60)
            assert int(time.time()) // HOUR_S == hour
            assert [rcpt for each in helper.taken for rcpt in each.rcpts] == [
                b"RCPT TO:<second@example.org>"
            ]
