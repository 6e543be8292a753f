"""A running server stops a tenant whose addresses are dead, and lets it go on: as its operator sees it."""

import json
import os
import signal
import smtplib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recording_sink import RecordingSink, wait_until
from tests.service.life.test_supervisor import get
from tests.service.running_server import TOP, StartServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MORE = """
[breaker]
bounces_at_least = 5
[blocklists]
first_s = 0
shipped = false
"""
DEAD = [f"dead{number}@site.example" for number in range(5)]
MESSAGE = "From: news@acme.example\r\nSubject: hello\r\n\r\nhello\r\n"


def command(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "angarium", "--config", str(config), *arguments],
        capture_output=True,
        cwd=TOP,
        timeout=60,
        check=False,
        text=True,
    )


def postmaster(config: Path, *arguments: str) -> Any:
    done = command(config, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def submit(port: int, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("news@acme.example", recipients, MESSAGE)


def test_a_tenant_is_stopped_shown_and_resumed(start_server: StartServer) -> None:
    with RecordingSink(replies={b"RCPT TO:<dead": b"550 5.1.1 user unknown"}) as sink:
        server = start_server(smart_host=sink.port, more=MORE)
        smtp, http = server.ports()
        submit(smtp, "alive@site.example", *DEAD)
        paused = server.wait_for("sender_paused")
        assert (paused["tenant"], paused["campaign"]) == ("default", "")
        assert "do not exist" in paused["reason"]
        wait_until(lambda: b"angarium_paused_senders 1.0" in get(http, "/metrics")[1], timeout=60)

        submit(smtp, "late@site.example")
        wait_until(lambda: postmaster(server.config, "queue", "list", "--state", "held")["entries"])
        (entry,) = postmaster(server.config, "queue", "list", "--state", "held")["entries"]
        explained = command(server.config, "queue", "explain", entry["id"]).stdout
        assert "tenant paused for 4h" in explained
        assert "breaker" in explained
        seen = len(server.lines)
        os.kill(server.pid_of("platform-0"), signal.SIGKILL)
        server.wait_for("process_ready", seen, slot="platform-0")

        shown = postmaster(server.config, "reputation", "tenant", "default")
        (tenant,) = shown["subjects"]
        assert tenant["paused"]["reason"] == paused["reason"]
        assert tenant["day"]["bounced"] == {"user_unknown": 5}
        assert (tenant["day"]["sent"], tenant["day"]["delivered"]) == (6, 1)
        words = command(server.config, "reputation", "tenant", "default").stdout
        assert "postmaster reputation resume default" in words
        everything = command(server.config, "reputation").stdout
        for each in (
            "tenant default",
            "domain acme.example",
            f"provider smtp://127.0.0.1:{sink.port}",
        ):
            assert each in everything
        assert command(server.config, "reputation", "domain", "other.example").returncode == 66
        assert "default is paused: 5 of 6" in command(server.config, "status").stdout

        resumed = postmaster(server.config, "reputation", "resume", "default", "--reason", "mended")
        assert (resumed["count"], resumed["tenant"]) == (1, "default")
        wait_until(lambda: any(b"late@" in each.rcpts[0] for each in sink.taken), timeout=60)
        server.wait_for("sender_resumed", reason="mended")
        again = command(server.config, "reputation", "resume", "default")
        assert again.returncode == 66
        assert "default is not paused" in again.stderr

        blocklists = postmaster(server.config, "reputation", "blocklists", "--now")
        assert (blocklists["enabled"], blocklists["zones"], blocklists["listings"]) == (
            True,
            [],
            [],
        )
        assert server.end(timeout=60) == 0
    log = [json.loads(line) for line in mail_log(server.config).splitlines()]
    told = [each for each in log if each["event"] in ("sender_paused", "sender_resumed")]
    assert [(each["event"], each["tenant"]) for each in told] == [
        ("sender_paused", "default"),
        ("sender_resumed", "default"),
    ]
    assert told[1]["reason"] == "mended"


def mail_log(config: Path) -> str:
    return (config.parent / "data" / "mail.log").read_text()
