"""Each action of a rule, and each scope, as the host that caused it sees them."""

import contextlib
import itertools
import json
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gated_sink import GatedSink
from tests.e2e.product import TRUSTED, Product, good_session, token
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SAID = b"451 4.3.9 you are too eager"
LISTENERS = (
    TRUSTED
    + """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "required"
auth_without_tls = ["127.0.0.0/8"]
"""
)
# How long nothing must happen: what goes at all goes within a part of it
QUIET_S = 2.0


@contextlib.contextmanager
def running(
    folder: Path, sink: RecordingSink, rule: str, more: str = "", delivery: str = ""
) -> Iterator[Product]:
    provider = f'[[provider]]\nname = "smtp://127.0.0.1:{sink.port}"\nconnections = 4\nidle_s = 1\n'
    written = f'[[rule]]\nname = "eager"\nmatch = "too eager"\n{rule}\n'
    product = Product(
        folder,
        sink=sink.port,
        listeners=LISTENERS,
        routes=provider,
        more=more + written,
        delivery=delivery,
        users=(("shop", "secret", "@shop.example"), ("club", "secret", "@club.example")),
    )
    try:
        yield product
        product.assert_clean()
    finally:
        product.kill()


def trigger(product: Product, sink: RecordingSink, send: Callable[[], object]) -> dict[str, Any]:
    """Have the host say it once; returns the rule as it is in force then. It says so no more."""
    sink.replies[b"RCPT"] = SAID
    send()
    product.wait_for_disposition(60, event="rule_in_force")
    sink.replies.pop(b"RCPT")
    return dict(json.loads(product.postmaster("rules", "list", "--json"))["rules"][-1])


def send_as(product: Product, sender: str, *fields: str, user: str = "") -> str:
    mark = token()
    text = "\r\n".join((f"From: <{sender}>", *fields, "", mark, ""))
    port = product.smtp[1] if user else product.smtp[0]
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        if user:
            client.login(user, "secret")
        client.sendmail(sender, ["b@example.net"], text)
    return mark


def test_fewer_connections(tmp_path: Path) -> None:
    with (
        GatedSink() as sink,
        running(tmp_path, sink, 'actions = ["connections"]\nconnections = 1') as product,
    ):
        trigger(product, sink, lambda: good_session(product.smtp[0]))
        sink.wait_for(1, timeout=60)  # its next try
        sink.gate.clear()
        for _ in range(5):
            good_session(product.smtp[0])
        wait_until(lambda: sink.open == 1, 60)
        time.sleep(QUIET_S)
        assert sink.open == 1
        product.postmaster("rules", "undo", "eager")
        wait_until(lambda: sink.open == 4, 60)
        sink.gate.set()
        sink.wait_for(6, timeout=60)


def test_fewer_messages_over_each_connection(tmp_path: Path) -> None:
    keys = 'actions = ["messages_per_connection"]\nmessages_per_connection = 1'
    with GatedSink() as sink, running(tmp_path, sink, keys) as product:
        trigger(product, sink, lambda: good_session(product.smtp[0]))
        sink.wait_for(1, timeout=60)
        before = sink.opened
        for number in range(5):
            good_session(product.smtp[0])
            sink.wait_for(2 + number, timeout=60)  # one after the other: one connection would do
        assert sink.opened - before >= 4  # the first may have had one left
        product.postmaster("rules", "undo", "eager")
        good_session(product.smtp[0])
        sink.wait_for(7, timeout=60)
        before = sink.opened
        good_session(product.smtp[0])
        sink.wait_for(8, timeout=60)
        assert sink.opened - before <= 1


def test_another_schedule(tmp_path: Path) -> None:
    """Of a refusal for ever, too: it counts as one for now."""
    keys = 'codes = [550]\nactions = ["retry"]\nretry_s = [2]'
    with RecordingSink() as sink, running(tmp_path, sink, keys) as product:
        sink.replies[b"RCPT"] = b"550 5.7.1 you are too eager"
        good_session(product.smtp[0])
        deferred = product.wait_for_disposition(60, event="deferred")
        assert deferred["code"] == 550
        sink.replies.pop(b"RCPT")
        sink.wait_for(1, timeout=60)
        relayed = product.wait_for_disposition(60, event="relayed")
        assert relayed["queue_ms"] >= 2000  # retry_s of the configuration is 0.3 s


def test_by_another_pool(tmp_path: Path) -> None:
    pools = """
    [[source]]
    name = "one"
    address = "127.0.0.1"
    [[source]]
    name = "two"
    address = "127.0.0.2"
    [[pool]]
    name = "default"
    sources = [{ name = "one" }]
    [[pool]]
    name = "spare"
    sources = [{ name = "two" }]
    """
    keys = 'actions = ["reroute"]\npool = "spare"'
    with RecordingSink() as sink, running(tmp_path, sink, keys, pools) as product:
        rule = trigger(product, sink, lambda: good_session(product.smtp[0]))
        assert (rule["action"], rule["pool"]) == ("reroute", "spare")
        sink.wait_for(1, timeout=60)
        assert product.wait_for_disposition(60, event="relayed")["source"] == "two"


MAILS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    # Of whom the rule is, and of whom it is not
    "tenant": (("a@shop.example",), {"user": "shop"}),
    "sender_domain": (("a@shop.example",), {}),
    "stream": (("a@example.org", "X-Angarium-Stream: bulk"), {}),
    "campaign": (("a@example.org", "X-Angarium-Campaign: spring"), {}),
}
OTHERS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "tenant": (("a@club.example",), {"user": "club"}),
    "sender_domain": (("a@club.example",), {}),
    "stream": (("a@example.org", "X-Angarium-Stream: transactional"), {}),
    "campaign": (("a@example.org", "X-Angarium-Campaign: autumn"), {}),
}


@pytest.mark.parametrize(
    ("scope", "action"),
    [
        *(("tenant", "hold"), ("sender_domain", "suspend")),
        *(("stream", "suspend"), ("campaign", "hold")),
    ],
)
def test_who_is_stopped_and_who_is_not(tmp_path: Path, scope: str, action: str) -> None:
    keys = f'actions = ["{action}"]\nscope = "{scope}"'
    with RecordingSink() as sink, running(tmp_path, sink, keys) as product:
        for name in ("shop", "club"):
            product.postmaster("user", "set", name, "--tenant", name)
        (fields, more), (others, theirs) = MAILS[scope], OTHERS[scope]
        rule = trigger(product, sink, lambda: send_as(product, *fields, **more))
        assert (rule["action"], rule["until"] is None) == (action, action == "hold")
        stopped = send_as(product, *fields, **more)
        going = send_as(product, *others, **theirs)
        sink.wait_for_token(going, timeout=60)
        time.sleep(QUIET_S)
        assert not [each for each in sink.taken if stopped.encode() in each.content]
        product.postmaster("rules", "undo", "eager")
        sink.wait_for_token(stopped, timeout=60)
        sink.wait_for(3, timeout=60)


def test_a_throttle_paces_whom_it_is_about(tmp_path: Path) -> None:
    keys = 'actions = ["throttle"]\nrate = "2/s"\nscope = "sender_domain"'
    with RecordingSink() as sink, running(tmp_path, sink, keys) as product:
        trigger(product, sink, lambda: send_as(product, "a@shop.example"))
        marks = [send_as(product, "a@shop.example") for _ in range(6)]
        free = [send_as(product, "a@club.example") for _ in range(6)]
        times = [sink.wait_for_token(each, timeout=60).at for each in marks]
        others = [sink.wait_for_token(each, timeout=60).at for each in free]
        assert max(times) - min(times) >= 2.0  # six at two a second, half a second late at most
        assert max(others) < max(times)


def test_mail_that_is_stopped_keeps_no_other_on_disk_however_much_it_is(tmp_path: Path) -> None:
    with RecordingSink() as sink:
        keys = 'actions = ["hold"]\nscope = "campaign"'
        with running(tmp_path, sink, keys, delivery="lane_limit = 4\n") as product:
            spring, autumn = "X-Angarium-Campaign: spring", "X-Angarium-Campaign: autumn"
            trigger(product, sink, lambda: send_as(product, "a@example.org", spring))
            for _ in range(12):
                send_as(product, "a@example.org", spring)
            others = [send_as(product, "a@example.org", autumn) for _ in range(6)]
            for each in others:
                sink.wait_for_token(each, timeout=60)
            assert len(sink.taken) == 6
            product.postmaster("rules", "undo", "eager")
            sink.wait_for(19, timeout=60)


def test_after_a_suspension_one_message_is_tried_and_all_go_when_one_was_taken(
    tmp_path: Path,
) -> None:
    pause_s, is_open = 2.0, threading.Event()
    refused: list[float] = []  # when

    def says(_client: str, line: bytes) -> bytes | None:
        if is_open.is_set() or not line.startswith(b"RCPT"):
            return None
        refused.append(time.time())
        return SAID

    rule = f'actions = ["suspend"]\nscope = "sender_domain"\nduration_s = {pause_s}'
    with RecordingSink(says=says) as sink, running(tmp_path, sink, rule) as product:
        send_as(product, "news@shop.example")
        product.wait_for_disposition(60, event="rule_in_force")
        for _ in range(8):
            send_as(product, "news@shop.example")
        wait_until(lambda: len(refused) >= 4, 60)
        is_open.set()
        sink.wait_for(9, timeout=60)
        # Each refusal suspends it: no other one may have gone before that was over
        gaps = [after - before for before, after in itertools.pairwise(refused)]
        assert min(gaps) > pause_s - 0.1, gaps
