"""The operator beside a running server: acts, rules, explanations and connections through its admin sockets."""

import contextlib
import json
import os
import pwd
import signal
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Product, RawClient, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

ME = pwd.getpwuid(os.getuid()).pw_name


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[Product]:
    product = Product(folder, **options)
    try:
        yield product
    finally:
        product.kill()


def ask(product: Product, *arguments: str, code: int = 0) -> Any:
    return json.loads(product.postmaster(*arguments, "--json", code=code))


class StallingHost:
    """Takes a message up to its final dot, and never says what became of it."""

    def __init__(self) -> None:
        self.has_all = threading.Event()
        self.released = threading.Event()
        host = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 host.example\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    self.wfile.write(b"354 go on\r\n" if verb == b"DATA" else b"250 ok\r\n")
                    if verb == b"DATA":
                        while self.rfile.readline() not in (b".\r\n", b""):
                            continue
                        host.has_all.set()
                        host.released.wait(60)
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> "StallingHost":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def one_connection(port: int) -> str:
    return f'[[provider]]\nname = "smtp://127.0.0.1:{port}"\nconnections = 1\n'


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_rule_binds_mail_that_comes_later(tmp_path: Path, single: bool) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port, single=single) as product:
        rule = ask(
            product, *("queue", "hold", "--domain", "example.net", "--rule", "--reason", "listed")
        )["rules"][0]
        good_session(product.smtp[0], "later@example.net")
        good_session(product.smtp[0], "other@example.org")
        sink.wait_for(1)
        wait_until(lambda: [each["state"] for each in product.queued()] == ["held"])
        (entry,) = product.queued()
        text = product.postmaster("queue", "explain", entry["id"])
        assert f"held by rule {rule['id']} of {ME}: listed" in text
        assert len(sink.taken) == 1
        removed = ask(product, *("queue", "rules", "remove", str(rule["id"]), "--release"))
        assert removed["count"] == 1
        sink.wait_for(2)
        assert product.wait_for_disposition(event="released", recipient="later@example.net")


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_the_log_answers_whether_mail_arrived_and_is_followed(tmp_path: Path, single: bool) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port, single=single) as product:
        good_session(product.smtp[0], "bob@example.net")
        product.wait_for_disposition(event="relayed", recipient="bob@example.net")
        text = product.postmaster("log", "--recipient", "bob@example.net")
        assert "the last of each recipient: 1 relayed" in text
        with product.started("log", "--recipient", "ann@", "--follow", "--json") as following:
            assert following.stdout is not None
            good_session(product.smtp[0], "ann@example.net")
            found = [json.loads(following.stdout.readline()) for _ in range(2)]
            following.terminate()
        assert [each["event"] for each in found] == ["accepted", "relayed"]
        assert found[1]["provider"] == f"smtp://127.0.0.1:{sink.port}"
        assert found[1]["unsigned"] == "no DKIM key for example.org"
        summary = ask(product, "queue", "summary")
        assert summary["total"]["count"] == 0


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_what_is_rerouted_leaves_by_the_way_that_was_chosen(tmp_path: Path, single: bool) -> None:
    later = {b"RCPT": b"451 4.7.1 not now"}
    with (
        RecordingSink(replies=later) as usual,
        RecordingSink() as chosen,
        running(tmp_path, sink=usual.port, single=single) as product,
    ):
        good_session(product.smtp[0], "bob@example.net")
        good_session(product.smtp[0], "ann@example.org")
        product.wait_for_disposition(event="deferred", recipient="bob@example.net")
        way = f"smtp://127.0.0.1:{chosen.port}"
        done = ask(product, "queue", "reroute", "--domain", "example.net", "--to", way)
        assert (done["count"], done["in_flight"]) in ((1, 0), (0, 1))
        if done["in_flight"]:
            ask(product, "queue", "reroute", "--domain", "example.net", "--to", way)
        chosen.wait_for(1)
        relayed = product.wait_for_disposition(event="relayed", recipient="bob@example.net")
        assert relayed["provider"] == way
        assert [each["recipient"] for each in product.queued()] == ["ann@example.org"]


def test_acts_under_load_lose_nothing_and_are_signed(tmp_path: Path) -> None:
    with RecordingSink() as sink, running(tmp_path, sink=sink.port, single=False) as product:
        marks: list[str] = []
        stop = threading.Event()

        def submit() -> None:
            while not stop.is_set():
                marks.append(good_session(product.smtp[0], "b@example.net"))

        senders = [threading.Thread(target=submit) for _ in range(2)]
        for each in senders:
            each.start()
        held = 0
        for _ in range(2):
            act = ("--domain", "example.net", "--reason", "a trial")
            held += ask(product, "queue", "hold", *act)["count"]
            ask(product, "queue", "release", *act)
        rule = ask(product, "queue", "hold", "--domain", "example.net", "--rule")["rules"][0]["id"]
        wait_until(lambda: any(each["state"] == "held" for each in product.queued()))
        stop.set()
        for each in senders:
            each.join(60)
        ask(product, "queue", "rules", "remove", str(rule), "--release")
        taken = sink.wait_for(len(marks), timeout=60)
        wait_until(lambda: product.queued() == [])
        # Nothing is lost, and nothing came twice
        subjects = [each.content.partition(b"Subject: ")[2][:32].decode() for each in taken]
        assert sorted(subjects) == sorted(marks)
        wait_until(
            lambda: sum(each["event"] == "relayed" for each in product.mail_log()) == len(marks)
        )
        acts = [each for each in product.mail_log() if each["event"] in ("held", "released")]
        assert acts
        assert {each["actor"] for each in acts} == {ME}
        by_hand = [each for each in acts if each["event"] == "held" and not each.get("rule")]
        assert len(by_hand) == held
        assert {each["reason"] for each in by_hand} <= {"a trial"}
        product.assert_clean()


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_stuck_transfer_is_seen_explained_and_aborted(tmp_path: Path, single: bool) -> None:
    with (
        StallingHost() as host,
        running(tmp_path, sink=host.port, single=single, retry="[600]") as product,
    ):
        good_session(product.smtp[0], "b@example.net")
        assert host.has_all.wait(30)
        listed = ask(product, "connections")["connections"]
        (out,) = [each for each in listed if each["direction"] == "out"]
        assert (out["phase"], out["peer"], out["transfers"]) == ("transfer", "127.0.0.1", 1)
        (entry,) = product.queued()
        assert entry["state"] == "in_flight"
        explained = ask(product, "queue", "explain", entry["id"])
        live = explained["recipients"][0]["live"]
        assert (live["state"], live["connection"]) == ("transfer", out["id"])
        assert any("in transfer to 127.0.0.1" in line for line in explained["lines"])
        assert out["id"] in product.postmaster("connections", "list")
        aborted = ask(product, "connections", "abort", out["id"], "--reason", "stuck")["aborted"]
        assert aborted["id"] == out["id"]
        deferred = product.wait_for_disposition(event="deferred")
        assert deferred["in_doubt"] == 1
        product.postmaster("connections", "abort", out["id"], code=66)
        product.postmaster("connections", "abort", "nonsense", code=64)
        product.postmaster("connections", "abort", "delivery-9/1", code=66)


class HangingOnce:
    """Answers one line that begins so not before it is released, whatever becomes of the connection; says which."""

    def __init__(self, start: bytes) -> None:
        self.hangs, self.released = threading.Event(), threading.Event()
        self._start = start

    def says(self, _client: str, line: bytes) -> bytes | None:
        if line.startswith(self._start) and not self.hangs.is_set():
            self.hangs.set()
            self.released.wait(60)
        return None


@pytest.mark.parametrize("start", [b"EHLO", b"MAIL", b"DATA"])
@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_mail_for_a_host_that_hangs_is_delivered_after_an_abort(
    tmp_path: Path, single: bool, start: bytes
) -> None:
    host = HangingOnce(start)
    with (
        RecordingSink(says=host.says) as sink,
        running(
            tmp_path, sink=sink.port, single=single, routes=one_connection(sink.port)
        ) as product,
    ):
        marks = [good_session(product.smtp[0], f"u{number}@example.net") for number in range(3)]
        assert host.hangs.wait(30)
        (out,) = [
            each
            for each in ask(product, "connections")["connections"]
            if each["direction"] == "out"
        ]
        ask(product, "connections", "abort", out["id"], "--reason", "it hangs")
        aborted = product.server.wait_for("connection_aborted", id=out["id"])
        assert (aborted["by"], aborted["reason"]) == (ME, "it hangs")
        sink.wait_for(3, timeout=60)  # while the old connection's other end still hangs
        assert not host.released.is_set()
        wait_until(lambda: product.queued() == [], 60)
        listed = ask(product, "connections")["connections"]
        assert out["id"] not in [each["id"] for each in listed]
        host.released.set()
        # Each of them, and none twice: it was known that the host had not got it
        contents = [each.content for each in sink.taken]
        assert len(contents) == 3
        assert all(any(mark.encode() in each for each in contents) for mark in marks)
        product.assert_clean()


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_client_is_seen_and_hung_up_on(tmp_path: Path, single: bool) -> None:
    with running(tmp_path, single=single) as product, RawClient(product.smtp[0]) as client:
        client.say(b"EHLO client.example.org\r\n")
        (found,) = ask(product, "connections")["connections"]
        assert (found["direction"], found["peer"]) == ("in", "127.0.0.1")
        assert found["place"] == "127.0.0.1:0"
        product.postmaster("connections", "abort", found["id"], "--reason", "a trial")
        assert client.reply().startswith(b"421 4.3.2")
        assert client.reply() == b""
        client.drop()
        wait_until(lambda: ask(product, "connections")["connections"] == [])
        aborted = product.server.wait_for("connection_aborted", id=found["id"])
        assert (aborted["by"], aborted["reason"]) == (ME, "a trial")


def test_status_names_each_process_and_says_when_none_runs(tmp_path: Path) -> None:
    with running(tmp_path, single=False) as product:
        rows = ask(product, "status")["processes"]
        assert [each["slot"] for each in rows] == [
            *("campaigns-0", "delivery-0", "ingress-0", "ingress-1", "platform-0"),
        ]
        assert len({each["pid"] for each in rows}) == 5
        assert not any(each["reasons"] for each in rows)
        product.server.end()
        assert product.postmaster("status", code=69) == ""
        assert product.postmaster("connections", code=69) == ""
        assert not list((tmp_path / "data" / "run" / "admin").iterdir())
        product.postmaster("queue", "list")  # opened directly


def test_a_process_that_is_started_anew_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, sink=9, single=False, retry="[600]") as product:
        good_session(product.smtp[0], "b@example.net")
        (platform,) = [
            each for each in ask(product, "status")["processes"] if each["slot"] == "platform-0"
        ]
        os.kill(platform["pid"], signal.SIGKILL)
        assert len(product.queued()) == 1  # by its successor


@pytest.mark.parametrize("mistake", ["[queue\n", '[[route]]\ndomain = "a b"\n', 'x = "'])
def test_a_broken_configuration_keeps_nobody_from_the_running_server(
    tmp_path: Path, mistake: str
) -> None:
    with running(tmp_path, more="", delivery="") as product:
        product.config.write_text(product.config.read_text() + mistake)
        for command in (("queue", "list"), ("queue", "rules"), ("status",), ("connections",)):
            assert ask(product, *command) is not None
        product.postmaster("queue", "hold", "--domain", "example.net", "--rule")
        assert "example.net" in product.postmaster("queue", "rules")
        product.server.signal(signal.SIGHUP)
        product.server.wait_for("configuration_refused")
        assert ask(product, "queue", "rules") is not None
