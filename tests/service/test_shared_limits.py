"""A listener's limits hold over all ingress processes together (S7, S13)."""

import base64
import os
import signal
import smtplib
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from angarium.access.credential_file import add_user, credential_path
from tests.service.running_server import Server, StartServer, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PROCESSES = 4
LIMITS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "required"
auth_without_tls = ["127.0.0.0/8"]
limits = { connections_per_client = 8, connections = 10, auth_failures_per_client = 6 }
"""


class Clients:
    """Connections and the first line that each was told."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self._port = port
        self._stack = stack

    def open(self, source: str = "127.0.0.1") -> tuple[socket.socket, bytes]:
        connection = socket.create_connection(
            ("127.0.0.1", self._port), timeout=20, source_address=(source, 0)
        )
        self._stack.enter_context(connection)
        return connection, connection.recv(1000)

    def codes(self, number: int, source: str = "127.0.0.1") -> list[bytes]:
        return [self.open(source)[1][:9] for _ in range(number)]


def limited_port(server: Server) -> int:
    address = server.wait_for("ready")["addresses"][-1]
    return int(address.rpartition(":")[2])


def test_connections_are_counted_over_all_processes(start_server: StartServer) -> None:
    server = start_server(server=f"ingress_processes = {PROCESSES}", more=LIMITS)
    port = limited_port(server)
    seen = len(server.lines)
    with ExitStack() as stack:
        clients = Clients(port, stack)
        assert clients.codes(8) == [b"220 mx1.e"] * 8
        assert clients.codes(3) == [b"421 4.7.0"] * 3
        assert clients.codes(2, "127.0.0.2") == [b"220 mx1.e"] * 2
        assert clients.codes(3, "127.0.0.3") == [b"421 4.3.2"] * 3
        killed = [f"ingress-{number}" for number in range(1, PROCESSES)]
        for slot in killed:
            os.kill(server.pid_of(slot), signal.SIGKILL)
        for slot in killed:
            server.wait_for("process_ready", after=seen, slot=slot)
    with ExitStack() as stack:
        clients = Clients(port, stack)
        wait_until(lambda: clients.codes(1, "127.0.0.4") == [b"220 mx1.e"])  # ingress-0 has noticed
        assert clients.codes(8) == [b"220 mx1.e"] * 8
        assert clients.codes(1) == [b"421 4.7.0"]
    assert server.end() == 0


def log_in(port: int) -> tuple[int, bytes]:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo("client.example")
        return client.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0joe\0wrong").decode())


def test_failed_log_ins_are_counted_over_all_processes(
    start_server: StartServer, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    add_user(
        credential_path(tmp_path / "data"),
        *("joe", "secret"),
        senders=["*"],
        created="2026-11-24T00:00:00+00:00",
    )
    server = start_server(server=f"ingress_processes = {PROCESSES}", more=LIMITS)
    port = limited_port(server)
    assert [log_in(port)[0] for _ in range(10)] == [535] * 6 + [454] * 4
    assert server.end() == 0
