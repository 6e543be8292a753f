"""Free ports of loopback, and waiting for a listener."""

import socket
import time
from collections.abc import Callable
from typing import Final

from bench.errors import BenchError

LOOPBACK: Final = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_listener(
    port: int, timeout_s: float = 20.0, *, still: Callable[[], bool] = lambda: True
) -> None:
    """Return once a connection is taken. Raises BenchError; at once, when ``still`` says that there is no hope."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and still():
        try:
            with socket.create_connection((LOOPBACK, port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise BenchError(f"nothing listens on {LOOPBACK}:{port}")
