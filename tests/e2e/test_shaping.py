"""A provider's rates as its host sees them: ceilings, over all processes, and changed by a reload under way."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

# How much later than it was sent a message, or a connection, may be seen by a sink on a busy machine
LATE_S = 0.5


@contextlib.contextmanager
def running(folder: Path, sink: RecordingSink, keys: str, **options: Any) -> Iterator[Product]:
    routes = f'[[provider]]\nname = "smtp://127.0.0.1:{sink.port}"\n{keys}\n'
    product = Product(folder, sink=sink.port, routes=routes, **options)
    try:
        yield product
        product.assert_clean()
    finally:
        product.kill()


def most_in(times: Sequence[float], span_s: float) -> int:
    return max(sum(start <= each <= start + span_s for each in times) for start in times)


def assert_ceiling(times: Sequence[float], per_s: float, burst: int) -> None:
    for span_s in (0.5, 1.0, 2.0, 4.0):
        assert most_in(times, span_s) <= burst + (span_s + LATE_S) * per_s


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_host_sees_no_more_messages_than_the_rate_and_its_burst(
    tmp_path: Path, single: bool
) -> None:  # Invariant 6
    keys = 'connections = 5\nmessage_rate = "8/s burst 2"'
    with RecordingSink() as sink, running(tmp_path, sink, keys, single=single) as product:
        begun = time.monotonic()
        for number in range(30):
            good_session(product.smtp[0], f"u{number}@d{number % 7}.example")
        taken = sink.wait_for(30, timeout=60)
        assert_ceiling([each.at for each in taken], 8, 2)
        assert time.monotonic() - begun >= 28 / 8
        logged = [each for each in product.mail_log() if each.get("event") == "deferred"]
    assert not logged  # waiting for our own limit is no attempt


def test_a_host_sees_no_more_connections_than_their_rate_and_explain_says_why(
    tmp_path: Path,
) -> None:  # Invariant 6
    opened: list[float] = []
    keys = 'connections = 4\nmessages_per_connection = 1\nconnection_rate = "40/min burst 2"'
    with (
        RecordingSink(before=lambda _: opened.append(time.monotonic())) as sink,
        running(tmp_path, sink, keys) as product,
    ):
        for number in range(6):
            good_session(product.smtp[0], f"u{number}@example.org")
        wait_until(
            lambda: "connection_rate" in product.postmaster("queue", "explain", last(product))
        )
        sink.wait_for(6, timeout=60)
    assert len(opened) == 6
    assert_ceiling(opened, 40 / 60, 2)


def last(product: Product) -> str:
    """Return the id of a recipient that is still queued."""
    return str(product.queued()[-1]["id"])


def test_a_rate_that_is_reloaded_holds_at_once_and_no_session_notices(tmp_path: Path) -> None:
    keys = 'message_rate = "1/h"'
    with RecordingSink() as sink, running(tmp_path, sink, keys) as product:
        for number in range(3):
            good_session(product.smtp[0], f"u{number}@example.org")
        sink.wait_for(1)
        text = product.config.read_text()
        assert keys in text
        product.config.write_text(text.replace(keys, 'message_rate = "50/s"'))
        product.postmaster("reload")
        sink.wait_for(3, timeout=20)
        deferred = [line for line in product.mail_log() if "deferred" in json.dumps(line)]
    assert not deferred
