"""An operator's retry reaches delivery: what a server remembers of a host that was down is forgotten first."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.service.life.test_supervisor import submit
from tests.service.running_server import TOP, StartServer, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def mail_log(config: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in (config.parent / "data" / "mail.log").read_text().splitlines()
    ]


def serve_one(listening: socket.socket) -> None:
    """Take one message."""
    peer, _ = listening.accept()
    peer.settimeout(30)
    with peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 mx.test\r\n")
        for command in (b"EHLO", b"MAIL", b"RCPT", b"DATA"):
            assert lines.readline().startswith(command)
            peer.sendall(b"354 go on\r\n" if command == b"DATA" else b"250 ok\r\n")
        while lines.readline() != b".\r\n":
            pass
        peer.sendall(b"250 kept\r\n")
        lines.readline()


@pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
def test_a_retry_asks_a_host_that_was_down_at_once(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    with socket.socket() as host:
        host.bind(("127.0.0.1", 0))  # it does not listen: connections are refused
        server = start_server(*driver, smart_host=host.getsockname()[1], retry_s=3600)
        smtp, _ = server.ports()
        submit(smtp)
        wait_until(lambda: len(mail_log(server.config)) == 2)
        submit(smtp)  # the site is left alone by now: nothing is attempted
        host.settimeout(30)
        host.listen()
        arguments = [*(sys.executable, "-m", "angarium"), *("--config", str(server.config))]
        arguments += [*("queue", "retry"), *("--domain", "example.net")]
        subprocess.run(arguments, check=True, capture_output=True, cwd=TOP, timeout=60)
        serve_one(host)
        wait_until(lambda: any(each["event"] == "relayed" for each in mail_log(server.config)))
    assert server.end(timeout=60) == 0
    deferred = [each for each in mail_log(server.config) if each["event"] == "deferred"]
    assert deferred[0]["attempts"] == 1
