"""Smart hosts that stand in for each other, for sources that may not send, and for a warm-up that is full."""

import json
import socket

import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.product import good_session
from tests.e2e.recording_sink import RecordingSink
from tests.e2e.ses_stub import running_stub, ses_table, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_the_next_one_takes_over_and_the_first_is_used_again_when_it_is_well(
    start_product: StartProduct, *, single: bool
) -> None:
    port = closed_port()
    with running_stub() as running:
        product = start_product(
            routes=f'[[route]]\ndomain = "*"\nvia = ["smtp://127.0.0.1:{port}", "ses"]\n',
            more=ses_table(running),
            single=single,
        )
        for number in range(3):
            good_session(product.smtp[0], f"b{number}@example.net")
        running.wait_for_mails(3)
        rested = product.wait_for_disposition(event="smart_host_rested")
        assert rested["via"] == f"smtp://127.0.0.1:{port}"
        rerouted = product.wait_for_disposition(event="rerouted")
        assert (rerouted["via"], rerouted["actor"]) == ("ses", "policy")
        shown = json.loads(product.postmaster("sources", "--json"))
        assert f"smtp://127.0.0.1:{port} rests" in json.dumps(shown)
        assert b"angarium_smart_hosts_resting 1.0" in product.get("/metrics")
        with RecordingSink(at=("127.0.0.1", port)) as sink:
            product.postmaster("queue", "retry", "--state", "scheduled", "--reason", "it is back")
            product.wait_for_disposition(event="smart_host_back")
            good_session(product.smtp[0], "c@example.net")
            sink.wait_for(1, timeout=60)
        assert len(running.stub.mails) == 3


def test_a_message_that_may_have_been_delivered_stays_with_its_smart_host(
    start_product: StartProduct,
) -> None:
    with running_stub() as running, RecordingSink() as other:
        running.stub.faults.extend(["hang up"] * 100)
        product = start_product(
            routes=f'[[route]]\ndomain = "*"\nvia = ["ses", "smtp://127.0.0.1:{other.port}"]\n',
            more=ses_table(running),
        )
        good_session(product.smtp[0], "first@example.net")
        product.wait_for_disposition(event="smart_host_rested", via="ses")
        good_session(product.smtp[0], "second@example.net")
        other.wait_for(1, timeout=60)
        (entry,) = product.queued()
        assert entry["recipient"] == "first@example.net"
        assert entry["in_doubt"] >= 2
        explained = product.postmaster("queue", "explain", entry["id"])
        assert "the smart host ses rests" in explained
        assert [rcpt for each in other.taken for rcpt in each.rcpts] == [
            b"RCPT TO:<second@example.net>"
        ]


def pool(more: str) -> str:
    return (
        '[[source]]\nname = "ip2"\n[[pool]]\nname = "default"\nsources = [{ name = "ip2" }]\n'
        f'smart_host = "ses"\n{more}\n'
    )


def test_ses_rescues_what_a_provider_takes_from_none_of_our_sources(
    start_product: StartProduct,
) -> None:
    slow = {b"MAIL": b"421 4.7.0 slow down, your address is deferred"}
    with running_stub() as running, RecordingSink(replies=slow) as host:
        rule = (
            f'[[rule]]\nname = "slow"\nproviders = ["smtp://127.0.0.1:{host.port}"]\n'
            'match = ["slow down"]\nduration_s = 3600\n'
        )
        product = start_product(
            sink=host.port,
            more=pool("rescue_after_s = 1") + rule + ses_table(running),
        )
        for number in range(3):
            good_session(product.smtp[0], f"b{number}@example.net")
        running.wait_for_mails(3)
        assert product.queued() == []
        rerouted = product.wait_for_disposition(event="rerouted")
        assert (rerouted["via"], rerouted["actor"]) == ("ses", "policy")
        assert "slow" in rerouted["reason"]


def test_ses_takes_what_a_warm_up_does_not_allow(start_product: StartProduct) -> None:
    with running_stub() as running, RecordingSink() as host:
        warmup = '[[warmup]]\nsource = "ip2"\nmessages_per_hour = [2, 900]\n'
        product = start_product(
            sink=host.port,
            more=pool('overflow = "smart-host"') + warmup + ses_table(running),
        )
        for number in range(5):
            good_session(product.smtp[0], f"b{number}@example.net")
        wait_until(lambda: len(host.taken) + len(running.stub.mails) == 5)
        # The hour may have ended in between
        assert len(running.stub.mails) in (1, 2, 3)
