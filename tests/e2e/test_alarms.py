"""Alarms of a running server: raised, told to everybody in their form, ended by themselves, over a restart once."""

import http.server
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.e2e.product import TRUSTED, Product, RawClient, message, stuffed
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import Server, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SECRET = f"whsec_{b64encode(b'k' * 24).decode()}"
KEY = "R0UT1NGKEY"
LIMITS = """
[breaker]
enabled = false
[[alarm]]
name = "bounce_rate"
minimum = 5
for_s = 0
end_for_s = 0
[[alarm]]
name = "delivery_rate"
minimum = 5
for_s = 0
end_for_s = 0
"""


class Ears:
    """Listens as Slack, PagerDuty and a webhook of the operator's do."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        ears = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if ears.status == 200:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    ears.heard.append((self.path, headers, body))
                self.send_response(ears.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def at(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(body) for where, _, body in list(self.heard) if where == path]


@contextmanager
def listening() -> Iterator[Ears]:
    ears = Ears()
    thread = threading.Thread(target=ears.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield ears
    finally:
        ears.server.shutdown()
        ears.server.server_close()


def alarms_of(ears: Ears, folder: Path, *, group: str = "0") -> str:
    for name, text in (("hook", SECRET), ("pager", KEY)):
        (folder / f"{name}.secret").write_text(f"{text}\n")
        (folder / f"{name}.secret").chmod(0o600)
    (folder / "slack.url").write_text(f"http://127.0.0.1:{ears.port}/slack\n")
    return f"""
[alarms]
every_s = 0.3
group_s = {group}
allow_networks = ["127.0.0.0/8"]
[[alarms.notify]]
name = "chat"
kind = "slack"
url_file = "slack.url"
[[alarms.notify]]
name = "pager"
kind = "pagerduty"
severity = "critical"
url = "http://127.0.0.1:{ears.port}/pager"
secret_file = "pager.secret"
[[alarms.notify]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:{ears.port}/hook"
secret_file = "hook.secret"
[[alarms.notify]]
name = "mail"
kind = "mail"
to = ["ops@example.org"]
only = ["bounce_rate"]
{LIMITS}"""


def submit(product: Product, *recipients: str) -> None:
    """One message for each, over one connection."""
    with RawClient(product.smtp[0]) as client:
        assert client.say(b"EHLO client.example.org\r\n").startswith(b"250")
        for each in recipients:
            assert client.say(b"MAIL FROM:<a@example.org>\r\n").startswith(b"250")
            assert client.say(b"RCPT TO:<%b>\r\n" % each.encode()).startswith(b"250")
            assert client.say(b"DATA\r\n").startswith(b"354")
            assert client.say(stuffed(message())).startswith(b"250")


def refusing(_: str, line: bytes) -> bytes | None:
    return b"550 5.1.1 no such user" if line.upper().startswith(b"RCPT TO:<BAD") else None


def restarted(product: Product) -> None:
    assert product.server.end() == 0
    product.server.close()
    arguments = ["--single"] if product.is_single else []
    product.server = Server(product.config, *arguments, environment={})
    addresses = product.server.wait_for("ready")["addresses"]
    ports = [int(each.rpartition(":")[2]) for each in addresses]
    product.smtp, product.http = ports[:-1], ports[-1]


def listed(product: Product) -> list[dict[str, Any]]:
    return list(json.loads(product.postmaster("alerts", "--json", code=None))["raised"])


def mails(sink: RecordingSink) -> list[bytes]:
    return [each.content for each in sink.taken if b"X-Angarium-Alarm: bounce_rate" in each.content]


def test_an_alarm_is_raised_told_to_all_kept_over_a_restart_and_ends_by_itself(
    tmp_path: Path,
) -> None:
    with listening() as ears, RecordingSink(says=refusing) as sink:
        more = alarms_of(ears, tmp_path)
        product = Product(tmp_path, listeners=TRUSTED, sink=sink.port, more=more, single=False)
        try:
            submit(product, *(f"bad{number}@example.net" for number in range(8)))
            for path in ("/slack", "/pager", "/hook"):
                wait_until(lambda path=path: bool(ears.at(path)))  # type: ignore[misc]
            wait_until(lambda: len(mails(sink)) == 1)

            (raised,) = [
                each
                for each in listed(product)
                if (each["alarm"], each["subject"]["kind"]) == ("bounce_rate", "all")
            ]
            assert raised["figure"] == 100.0
            assert raised["volume"] == 8
            assert raised["detail"] == "user_unknown 8"

            slack = ears.at("/slack")[0]
            assert "Too much mail is given up" in slack["text"]
            (trigger,) = ears.at("/pager")
            assert trigger["routing_key"] == KEY
            assert trigger["event_action"] == "trigger"
            hook = ears.at("/hook")[0]
            assert hook["type"] == "alarm.raised"
            assert [each["subject"]["kind"] for each in hook["data"]["raised"]] == ["all"]
            parts = {each["subject"]["kind"] for each in hook["data"]["parts"]}
            assert {"tenant", "stream"} <= parts
            signed = next(each for each in ears.heard if each[0] == "/hook")
            Webhook(SECRET).verify(signed[2], signed[1])
            (mail,) = mails(sink)
            assert b"Auto-Submitted: auto-generated" in mail
            # What follows of it is listed, and told to nobody
            assert {each["alarm"] for each in listed(product)} == {"bounce_rate", "delivery_rate"}
            assert all(b"delivery_rate" not in body for _, _, body in ears.heard)

            told = len(ears.heard)
            restarted(product)
            wait_until(lambda: bool(listed(product)))
            assert raised["id"] in {each["id"] for each in listed(product)}
            submit(product, *(f"b{number}@example.net" for number in range(250)))
            wait_until(lambda: not listed(product), timeout=60)
            wait_until(lambda: len(mails(sink)) == 2)
            wait_until(lambda: len(ears.heard) >= told + 3)
            # The restart told nobody anything, and the end was told once
            assert [each["event_action"] for each in ears.at("/pager")] == ["trigger", "resolve"]
            assert [each["type"] for each in ears.at("/hook")] == ["alarm.raised", "alarm.ended"]
            assert b"worst 100 %" in mails(sink)[1]
            product.postmaster("alerts", code=0)
            history = json.loads(product.postmaster("alerts", "history", "--json"))["alarms"]
            assert raised["id"] in {each["id"] for each in history}
            events = [
                (each["event"], each["alarm_id"])
                for each in product.mail_log()
                if each["event"].startswith("alarm_") and each["alarm_id"] == raised["id"]
            ]
            assert [each for each, _ in events] == ["alarm_raised", "alarm_ended"]
        finally:
            product.kill()


def test_who_cannot_be_told_is_tried_again_and_is_itself_an_alarm_that_others_hear_of(
    tmp_path: Path,
) -> None:
    with listening() as ears, listening() as others, RecordingSink(says=refusing) as sink:
        more = alarms_of(ears, tmp_path) + (
            '[[alarms.notify]]\nname = "other"\nkind = "slack"\n'
            f'url = "http://127.0.0.1:{others.port}/slack"\nonly = ["notices_failing"]\n'
            '[[alarm]]\nname = "notices_failing"\nlevel = 1\n'
        )
        ears.status = 503
        product = Product(tmp_path, listeners=TRUSTED, sink=sink.port, more=more)
        try:
            submit(product, *(f"bad{number}@example.net" for number in range(8)))
            wait_until(lambda: bool(others.at("/slack")), timeout=40)
            assert "Nobody hears of alarms here" in others.at("/slack")[0]["text"]
            failing = {
                each["subject"]["name"]
                for each in listed(product)
                if each["alarm"] == "notices_failing"
            }
            assert failing <= {"chat", "pager", "hook"}
            ears.status = 200
            wait_until(lambda: bool(ears.at("/pager")), timeout=60)
            problem = [
                each for each in product.server.lines if each["event"] == "alarm_notice_failed"
            ]
            assert problem[0]["problem"].startswith("HTTP 503")
        finally:
            product.kill()


def test_commands_show_silence_and_try_and_see_what_was_kept_when_nothing_runs(
    tmp_path: Path,
) -> None:
    with listening() as ears, RecordingSink(says=refusing) as sink:
        product = Product(
            tmp_path, listeners=TRUSTED, sink=sink.port, more=alarms_of(ears, tmp_path)
        )
        try:
            assert "No alarm is raised." in product.postmaster("alerts", "list")
            for alarm in ("bounce_rate", "delivery_rate"):
                product.postmaster("alerts", "silence", alarm, "--for", "1h", "--reason", "we know")
            submit(product, *(f"bad{number}@example.net" for number in range(8)))
            wait_until(lambda: len(listed(product)) >= 2)
            # Exit code 0: all that is raised is silenced
            text = product.postmaster("alerts", code=0)
            assert "bounce_rate" in text
            assert "silence 1: bounce_rate, for 5" in text
            assert "by root: we know" in text or "we know" in text
            assert not ears.heard
            raised = next(each for each in listed(product) if each["subject"]["kind"] == "all")
            shown = product.postmaster("alerts", "show", raised["id"])
            assert "Runbook: docs/runbooks/" in shown
            assert "it is silenced" in shown
            assert "bounce_rate" in product.postmaster("status", code=None)
            tried = json.loads(product.postmaster("alerts", "test", "--json"))["targets"]
            assert {each["outcome"] for each in tried} == {"told"}
            assert [each["event_action"] for each in ears.at("/pager")] == ["trigger", "resolve"]
            assert ears.at("/hook")[0]["type"] == "alarm.test"
            product.postmaster("alerts", "test", "nobody", code=66)
            product.postmaster("alerts", "unsilence", "1")
            wait_until(lambda: len(ears.at("/hook")) == 2)
            product.postmaster("alerts", code=75)
            product.postmaster("alerts", "silence", "bounces", "--for", "1h", code=64)
            product.postmaster("alerts", "silence", "all", "--for", "31d", code=64)
            product.postmaster("alerts", "show", "al_none", code=66)
            assert product.server.end() == 0
            kept = json.loads(product.postmaster("alerts", "--json", code=75))
            assert kept["running"] is False
            assert raised["id"] in {each["id"] for each in kept["raised"]}
            assert [each["alarm"] for each in kept["silences"]] == ["delivery_rate"]
            product.postmaster("alerts", "silence", "all", "--for", "1h", code=69)
        finally:
            product.kill()
