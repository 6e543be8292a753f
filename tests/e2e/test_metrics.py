"""/metrics of a server of several processes, as a monitor reads it."""

import re
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def metrics(product: Product) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{product.http}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_what_an_operator_asks_first_is_there(tmp_path: Path) -> None:
    with RecordingSink() as sink:
        product = Product(tmp_path, sink=sink.port, single=False)
        try:
            product.postmaster("queue", "hold", "--domain", "held.example", "--rule")
            good_session(product.smtp[0], "b@example.net")
            good_session(product.smtp[0], "b@held.example")
            sink.wait_for(1)
            wait_until(lambda: metrics(product).get("angarium_delivery_seconds_count") == 1)
            wait_until(lambda: metrics(product)["angarium_queue_oldest_seconds"] > 0)
            found = metrics(product)
        finally:
            product.kill()
    relayed = 'angarium_provider_deliveries_total{outcome="relayed",provider="other"}'
    assert found[relayed] == 1
    assert found["angarium_delivery_seconds_sum"] < 60
    assert found["angarium_commit_seconds_count"] > 0
    processes = {
        match[1]: value
        for name, value in found.items()
        if (match := re.fullmatch(r'angarium_process_open_files{process="(.*)"}', name))
    }
    assert {"delivery-0", "ingress-0", "platform-0"} <= set(processes)
    assert all(value > 3 for value in processes.values())
    memory = 'angarium_process_memory_bytes{kind="own",process="platform-0"}'
    assert found[memory] > 4 << 20
    assert [value for name, value in found.items() if name.startswith("angarium_build_info{")] == [
        1
    ]
