"""The HTTP listener under malformed and slow requests."""

import json
import socket
import time

import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.product import good_session
from tests.e2e.recording_sink import RecordingSink, wait_until


def ask(port: int, octets: bytes, timeout: float = 5) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(timeout)
        answer = b""
        try:
            peer.sendall(octets)
            while b"\r\n\r\n" not in answer and (octets := peer.recv(65536)):
                answer += octets
        except ConnectionError:
            pass
        return answer


BAD: list[tuple[bytes, tuple[bytes, ...]]] = [
    (b"GARBAGE\r\n\r\n", (b"400",)),
    (b"GET /healthz HTTP/9.9\r\n\r\n", (b"400", b"505")),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", (b"400",)),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (b"400",)),
    (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (b"400",),
    ),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"400", b"414")),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", (b"400", b"431")),
    (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        (b"400", b"431", b""),
    ),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", (b"400",)),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", (b"400",)),
    (b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", (b"400", b"404")),
    (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", (b"400", b"404")),
    (b"GET /%2e%2e/%00 HTTP/1.1\r\nHost: x\r\n\r\n", (b"400", b"404")),
    (b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", (b"405",)),
    (b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", (b"405",)),
    (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", (b"404", b"405", b"400")),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", (b"404", b"405", b"400")),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (b"400", b"505")),
    (b"EHLO x\r\n", (b"400",)),
    (bytes(range(256)) * 100, (b"400",)),
]


def test_malformed_requests_get_a_clear_no(start_product: StartProduct) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        for request, codes in BAD:
            answer = ask(product.http, request)
            assert answer[9:12] in codes, (request[:80], answer[:300])
            assert b"Traceback" not in answer
            assert b"/work" not in answer
            product.assert_clean()
        good_session(product.smtp[0])
        assert product.get("/healthz").startswith(b"HTTP/1.1 200")


def test_hundreds_of_slow_requests_do_not_stop_the_rest(start_product: StartProduct) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        slow = []
        for _ in range(300):
            peer = socket.create_connection(("127.0.0.1", product.http), 5)
            peer.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
            slow.append(peer)
        begun = time.monotonic()
        good_session(product.smtp[0])
        assert product.get("/healthz").startswith(b"HTTP/1.1 200")
        assert time.monotonic() - begun < 10
        for peer in slow:
            peer.close()


@pytest.mark.parametrize("single", [True, False])
def test_health_and_metrics_tell_what_happened(start_product: StartProduct, single: bool) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port, single=single)
        mark = good_session(product.smtp[0])
        sink.wait_for_token(mark)
        wait_until(lambda: product.get("/readyz").startswith(b"HTTP/1.1 200"))
        wait_until(lambda: b"delivered" in product.get("/metrics"))
        _, _, body = product.get("/metrics").partition(b"\r\n\r\n")
        names = {
            line.split(b"{")[0].split(b" ")[0] for line in body.splitlines() if line[:1] != b"#"
        }
        assert any(name.startswith(b"angarium_") for name in names), names
        assert b"example.net" not in body
        record = product.wait_for_disposition(event="relayed")
        assert json.dumps(record)
