"""A provider's own retry delays and timeouts, at its host: taken by a reload, under a client's open session."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Product, RawClient, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

BUSY = b"451 4.3.2 too busy"


@contextlib.contextmanager
def running(folder: Path, sink: RecordingSink, keys: str) -> Iterator[Product]:
    routes = f'[[provider]]\nname = "smtp://127.0.0.1:{sink.port}"\n{keys}\n'
    product = Product(folder, sink=sink.port, routes=routes, retry="[3600]", single=False)
    try:
        yield product
        product.assert_clean()
    finally:
        product.kill()


def reload_with(product: Product, old: str, new: str) -> None:
    text = product.config.read_text()
    assert old in text
    product.config.write_text(text.replace(old, new))
    product.postmaster("reload")


def test_a_reload_takes_a_providers_retry_delays_without_a_restart(tmp_path: Path) -> None:
    with (
        RecordingSink(replies={b"RCPT": BUSY}) as sink,
        running(tmp_path, sink, "retry_s = [1800]") as product,
    ):
        with contextlib.closing(RawClient(product.smtp[0]).socket):
            pids = {
                each["pid"] for each in product.server.lines if each["event"] == "process_ready"
            }
            good_session(product.smtp[0], "first@example.org")
            first = product.wait_for_disposition(60, event="deferred")
            (entry,) = product.queued()
            explained = product.postmaster("queue", "explain", entry["id"])
            assert f"retry_s of provider smtp://127.0.0.1:{sink.port} has 30 min" in explained
            reload_with(product, "retry_s = [1800]", "retry_s = [0.3]")
            good_session(product.smtp[0], "second@example.org")
            product.wait_for_disposition(60, event="deferred", recipient="second@example.org")
            del sink.replies[b"RCPT"]
            sink.wait_for(1, timeout=60)  # at its next try, not in half an hour
        (left,) = product.queued()
        assert left["recipient"] == first["recipient"]  # what is due already stays so
        ready = [each["pid"] for each in product.server.lines if each["event"] == "process_ready"]
        assert set(ready) == pids


def test_a_reload_takes_a_providers_timeouts_without_a_restart(tmp_path: Path) -> None:
    with (
        RecordingSink(replies={b"RCPT": b""}) as sink,  # it never answers
        running(tmp_path, sink, "timeouts = { mail_s = 90 }\nretry_s = [0.3]") as product,
    ):
        reload_with(product, "{ mail_s = 90 }", '{ mail_s = 90, rcpt_s = "500ms" }')
        began = time.monotonic()
        good_session(product.smtp[0], "first@example.org")
        failed = product.wait_for_disposition(100, event="deferred")
        assert "no reply within 0.5 s" in failed["reply"]
        assert time.monotonic() - began < 80  # command_s is five minutes
        del sink.replies[b"RCPT"]
        wait_until(lambda: len(sink.taken) == 1, 60)
