"""One large message to many sites: the delivery process stays within its budget and what it needs besides (L3)."""

import contextlib
import re
import socket
import socketserver
import threading
from pathlib import Path

import pytest

from tests.e2e.product import Product, RawClient
from tests.e2e.recording_sink import wait_until

SITES = 30
OCTETS = 49_000_000
BUDGET = 268_435_456  # delivery.bytes_in_flight as shipped
# The interpreter, its modules, one message while it is read, the buffers of connections
ROOM = 100 << 20
REPLIES = {
    b"EHLO": b"250-sink.example\r\n250-PIPELINING\r\n250 SIZE 99999999\r\n",
    b"DATA": b"354 go\r\n",
}


class Sinks:
    """SMTP servers at many ports that take mail, drop it, and keep their connections open."""

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()
        sinks = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    sinks.serve(self.request)

        self._servers = [
            socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) for _ in range(SITES)
        ]
        self.ports = [each.server_address[1] for each in self._servers]
        for each in self._servers:
            each.daemon_threads = True
            threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, peer: socket.socket) -> None:
        peer.sendall(b"220 sink.example ESMTP\r\n")
        tail, in_content = b"", False
        while octets := peer.recv(1 << 20):
            tail += octets
            if in_content:
                if not tail.endswith(b"\r\n.\r\n"):
                    tail = tail[-5:]
                    continue
                tail, in_content = b"", False
                with self._lock:
                    self.taken += 1
                peer.sendall(b"250 ok\r\n")
            while b"\r\n" in tail and not in_content:
                line, _, tail = tail.partition(b"\r\n")
                in_content = line == b"DATA"
                peer.sendall(REPLIES.get(line[:4], b"250 ok\r\n"))

    def close(self) -> None:
        for each in self._servers:
            each.shutdown()
            each.server_close()


def submit(port: int, line: bytes) -> None:
    with RawClient(port) as client:
        client.say(b"EHLO client.example\r\n")
        client.say(b"MAIL FROM:<a@example.com>\r\n")
        for number in range(SITES):
            client.say(b"RCPT TO:<b@site%d.example>\r\n" % number)
        assert client.say(b"DATA\r\n").startswith(b"354")
        client.send(b"From: a@example.com\r\n\r\n" + line * (OCTETS // len(line)) + b".\r\n")
        assert client.reply(60).startswith(b"250")


def peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.faults
@pytest.mark.parametrize(
    "line", [b"x" * 74 + b"\r\n", b"..y" * 10 + b"\r\n"], ids=["plain", "dots"]
)
def test_a_large_message_to_many_sites_stays_within_the_budget_l3(
    tmp_path: Path, line: bytes
) -> None:
    sinks = Sinks()
    routes = "".join(
        f'[[route]]\ndomain = "site{number}.example"\nvia = "smtp://127.0.0.1:{port}"\n'
        for number, port in enumerate(sinks.ports)
    )
    product = Product(tmp_path, routes=routes, single=False)
    try:
        submit(product.smtp[0], line)
        wait_until(lambda: sinks.taken == SITES, 120)
        peaks = {
            each["slot"]: peak(each["child"])
            for each in product.server.lines
            if each["event"] == "process_ready"
        }
    finally:
        product.kill()
        sinks.close()
    print({slot: octets >> 20 for slot, octets in peaks.items()})
    assert peaks["delivery-0"] < BUDGET + ROOM
