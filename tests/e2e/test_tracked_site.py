"""Tracking in a real server: pictures and links are answered, judged and told; kills and drains lose nothing of it."""

import json
import re
import signal
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from angarium.access.tracking_keys import read_tracking_keys
from angarium.queue import MessageId, UnixMs
from angarium.queue.message_id import parse_message_id
from angarium.tracking.tokens import TrackingKeys
from tests.e2e.api_client import ApiClient, ApiReply
from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink, wait_until
from tests.tracking.labelled_making import CHROME, GMAIL, HTML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HOST = "t.example.com"
MORE = '[tracking]\nhost = "t.example.com"\ninsecure = true\njudged_after_s = {after_s}\n'
TARGET = "https://shop.example/?a=ü"
BROWSER = {"User-Agent": CHROME.format("126.0.0.0"), "Accept": HTML, "Accept-Language": "en"}


class TrackedServer:
    """A server that may be killed and started again, and tokens of mail that it took."""

    def __init__(self, folder: Path, sink: RecordingSink, after_s: float) -> None:
        self._folder = folder
        self._sink = sink
        self._more = MORE.format(after_s=after_s)
        self.product = self._start()
        self.keys = TrackingKeys(read_tracking_keys(folder / "data" / "tracking.key"))

    def _start(self) -> Product:
        return Product(self._folder, sink=self._sink.port, more=self._more)

    def start_again(self) -> None:
        self.product = self._start()

    def accept(self) -> MessageId:
        """Return the id of a message that was taken just now."""
        known = {each["message"] for each in self.product.mail_log() if each["event"] == "accepted"}
        good_session(self.product.smtp[0])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for each in self.product.mail_log():
                if each["event"] == "accepted" and each["message"] not in known:
                    return parse_message_id(each["message"])
            time.sleep(0.05)
        raise AssertionError("it was not accepted")

    def who(self, message: MessageId) -> str:
        """Return a token of a copy that was sent an hour ago."""
        return self.keys.who(message, 0, "default", UnixMs(time.time_ns() // 1_000_000 - 3_600_000))

    def link(self, message: MessageId, number: int = 0) -> str:
        return f"/c/{self.who(message)}/{self.keys.link(message, 'default', number, TARGET)}"

    def get(self, path: str, headers: dict[str, str] | None = None, host: str = HOST) -> ApiReply:
        client = ApiClient(self.product.http)
        return client.ask("GET", path, headers={"Host": host, **(headers or {})})

    def events(self, *names: str) -> list[dict[str, Any]]:
        return [each for each in self.product.mail_log() if each["event"] in names]

    def wait_for(self, count: int, *names: str) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while len(found := self.events(*names)) < count:
            assert time.monotonic() < deadline, (count, names, self.product.mail_log()[-5:])
            time.sleep(0.05)
        return found


@pytest.fixture
def sink() -> Iterator[RecordingSink]:
    with RecordingSink() as started:
        yield started


@pytest.fixture
def server(tmp_path: Path, sink: RecordingSink) -> Iterator[TrackedServer]:
    started = TrackedServer(tmp_path, sink, 0.5)
    try:
        yield started
        started.product.assert_clean()
    finally:
        started.product.kill()


def test_who_opened_and_followed_what_is_told_with_a_verdict(server: TrackedServer) -> None:
    message = server.accept()
    picture = server.get(f"/o/{server.who(message)}", {"User-Agent": GMAIL})
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/gif")
    clicked = server.get(server.link(message, 4), BROWSER)
    assert (clicked.status, clicked.headers["Location"]) == (302, "https://shop.example/?a=%C3%BC")
    told = server.wait_for(2, "opened", "clicked")
    assert [(each["event"], each["verdict"]) for each in told] == [
        ("opened", "human"),
        ("clicked", "human"),
    ]
    assert told[0]["reasons"] == ["via:gmail"]
    assert told[1]["link"] == TARGET
    assert told[1]["client"] == "127.0.0.0 Chrome 126, Windows"
    assert told[1]["recipient"] == "b@example.net"

    second = server.accept()
    for path in (f"/o/{server.who(second)}", server.link(second), f"/h/{server.who(second)}"):
        server.get(path, {"User-Agent": "curl/8"})
    machines = server.wait_for(4, "opened", "clicked")[2:]
    assert {each["verdict"] for each in machines} == {"machine"}
    assert all("program" in each["reasons"] for each in machines)

    key = json.loads(server.product.postmaster("key", "create", "--json"))["key"]
    api = ApiClient(server.product.http, key)
    deadline = time.monotonic() + 30
    while True:
        events = api.right("GET", f"/v1/emails/{told[0]['message']}/events")["events"]
        seen = {each["type"]: each["details"] for each in events}
        if {"email.opened", "email.clicked"} <= seen.keys() or {"opened", "clicked"} <= seen.keys():
            break
        assert time.monotonic() < deadline, events
        time.sleep(0.1)
    details = next(each for name, each in seen.items() if name.endswith("clicked"))
    assert details["human"] is True
    assert details["linkNumber"] == 4
    metrics = server.product.get("/metrics").decode()
    assert 'angarium_judged_fetches_total{event="clicked",verdict="human"} 1.0' in metrics
    assert 'angarium_fetches_total{kind="honeypot"} 1.0' in metrics


def test_a_tracking_host_and_the_api_have_nothing_in_common(server: TrackedServer) -> None:
    for path in ("/healthz", "/metrics", "/readyz", "/v1/docs", "/v1/openapi.json", "/"):
        assert server.get(path).status == 404, path
    assert server.get("/healthz", host="mx1.example.com").status == 200
    assert server.get(f"/o/{server.who(MessageId(bytes(16)))}", host="x").status == 404


def test_a_kill_changes_no_figure(tmp_path: Path, sink: RecordingSink) -> None:
    """What was fetched before it has its event after it, once."""
    server = TrackedServer(tmp_path, sink, 3.0)
    try:
        message = server.accept()
        for number in range(12):
            assert server.get(server.link(message, number % 3), BROWSER).status == 302
        server.wait_for(12, "fetched")
        assert not server.events("clicked")
        server.product.kill()
        server.start_again()
        first = server.wait_for(12, "clicked")
        # The next one is a barrier: what would come twice comes before it
        other = server.accept()
        server.get(server.link(other), BROWSER)
        told = server.wait_for(13, "clicked")
        sequences = [each["sequence"] for each in told]
        assert len(set(sequences)) == 13
        assert len({each["sequence"] for each in server.events("fetched")}) == 13
        # Three different links within the window, whichever process saw them
        assert {each["verdict"] for each in first} == {"machine"}
        assert all("many_links" in each["reasons"] for each in first)
        assert told[-1]["verdict"] == "human"
    finally:
        server.product.kill()


def test_a_drain_loses_nothing_that_was_answered(tmp_path: Path, sink: RecordingSink) -> None:
    server = TrackedServer(tmp_path, sink, 0.5)
    try:
        message = server.accept()
        for _ in range(20):
            assert server.get(f"/o/{server.who(message)}", {"User-Agent": GMAIL}).status == 200
        server.product.server.process.send_signal(signal.SIGTERM)
        server.product.server.process.wait(30)
        server.product.server.close()
        server.start_again()
        assert len(server.wait_for(20, "opened")) == 20
    finally:
        server.product.kill()


def test_a_mail_that_was_sent_is_told_of_when_its_copy_is_opened(
    tmp_path: Path, sink: RecordingSink
) -> None:
    """From the API by way of the mail to the verdict; nobody reads so soon, and it says so."""
    more = MORE.format(after_s=0.3) + "opens = true\nclicks = true\n"
    product = Product(tmp_path, sink=sink.port, more=more)
    try:
        product.postmaster("domain", "add", "shop.example", "--assume-verified")
        key = json.loads(product.postmaster("key", "create", "--json"))["key"]
        body = {
            "from": "a@shop.example",
            "to": ["ann@example.net"],
            "subject": "s",
            "bodyHtml": '<p><a href="https://shop.example/x">here</a></p>',
        }
        sent = ApiClient(product.http, key).right("POST", "/v1/send", body)
        wait_until(lambda: bool(sink.taken))
        message = message_from_bytes(sink.taken[0].content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        part = message.get_body(("html",))
        assert part is not None
        paths = re.findall(r'"http://t\.example\.com(/[och]/[^"]*)"', str(part.get_content()))
        assert sorted(each[1] for each in paths) == ["c", "h", "o"]
        client = ApiClient(product.http)
        for path in (each for each in paths if not each.startswith("/h/")):
            client.ask("GET", path, headers={"Host": HOST, **BROWSER})
        told = [
            product.wait_for_disposition(event=name, message=sent["emailId"])
            for name in ("opened", "clicked")
        ]
        assert [each["recipient"] for each in told] == ["ann@example.net"] * 2
        assert all(each.get("verdict") in ("human", "machine") for each in told)
        assert told[1]["link"] == "https://shop.example/x"
        product.assert_clean()
    finally:
        product.kill()
