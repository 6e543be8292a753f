"""The small internet as a process of its own, as scripts and fault runs use it."""

import base64
import json
import signal
import smtplib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.oak import MESSAGE

SCENARIO = """
[[provider]]
name = "oak"
domains = ["oak.example"]

[[provider.mailboxes]]
local = "late"
behaviour = { report = { kind = "dsn" } }
"""


def http(url: str, *, post: bytes | None = None) -> Any:
    with urllib.request.urlopen(url, data=post, timeout=10) as response:
        return [json.loads(line) for line in response.read().splitlines()]


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    scenario = tmp_path / "net.toml"
    scenario.write_text(SCENARIO)
    command = [sys.executable, "-m", "angarium.simulator", "--scenario", str(scenario)]
    command += ["--port", "0", "--dns", "0", "--status-file", str(tmp_path / "ready.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_a_process_serves_mail_statistics_and_controls(
    ready: tuple[subprocess.Popen[bytes], dict[str, Any]], tmp_path: Path
) -> None:
    process, line = ready
    assert json.loads((tmp_path / "ready.json").read_text()) == line
    status = line["status"]
    (host,) = line["hosts"]["oak"]
    context = ssl.create_default_context(cafile=line["ca_file"])
    context.check_hostname = False  # smtplib checks against the address that it was given
    with smtplib.SMTP(host, line["smtp_port"], timeout=10) as client:
        client.starttls(context=context)
        for _ in range(2):
            client.sendmail("a@sender.example", ["b@oak.example", "late@oak.example"], MESSAGE)

    assert http(f"{status}/statistics")[0]["oak"]["accepted"] == 4
    (first, _) = http(f"{status}/messages?provider=oak")
    assert base64.b64decode(first["content"]) == MESSAGE
    assert first["tls"] == "TLSv1.3"
    assert len(http(f"{status}/copies?more_than=1")) == 2
    assert [report["kind"] for report in http(f"{status}/outbox")] == ["dsn", "dsn"]
    record = json.dumps({"name": "s1._domainkey.oak.example", "record": "TXT v=DKIM1"}).encode()
    assert http(f"{status}/dns", post=record) == [{"ok": True}]

    assert http(f"{status}/providers/oak/down", post=b"") == [{"ok": True}]
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(host, line["smtp_port"], timeout=10)
    assert http(f"{status}/providers/oak/up", post=b"") == [{"ok": True}]
    with smtplib.SMTP(host, line["smtp_port"], timeout=10) as client:
        assert client.noop()[0] == 250
    for url, body in (("providers/elm/down", b""), ("dns", b"{}"), ("copies?more_than=x", None)):
        with pytest.raises(urllib.error.HTTPError, match=r"40[04]"):
            http(f"{status}/{url}", post=body)

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert not Path(line["ca_file"]).exists()


def test_a_wrong_scenario_is_a_configuration_error(tmp_path: Path) -> None:
    scenario = tmp_path / "net.toml"
    scenario.write_text("[[provider]]\nname = 3\n")
    command = [sys.executable, "-m", "angarium.simulator", "--scenario", str(scenario)]
    result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert result.returncode == 78  # EX_CONFIG
    assert b"net.toml" in result.stderr
    assert b"Traceback" not in result.stderr
