"""Tells systemd how the server is doing (sd_notify(3)), without a library."""

import os
import socket
import time
from typing import Final

_OFF: Final = ""


class Notifier:
    """Sends nothing when systemd did not ask (NOTIFY_SOCKET is unset)."""

    def __init__(self, address: str, watchdog_s: float | None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s  # how often it expects ``alive``; None: it does not

    @classmethod
    def from_environment(cls) -> "Notifier":
        """Read what systemd set, and clear it so that children do not speak for us."""
        address = os.environ.pop("NOTIFY_SOCKET", _OFF)
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "")
        wanted = microseconds.isdigit() and (not pid or pid == str(os.getpid()))
        return cls(address, int(microseconds) / 1e6 if wanted else None)

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}")

    def stopping(self, status: str) -> None:
        self._send(f"STOPPING=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto(text.encode(), self._address)
            except OSError:
                return  # systemd is gone or restarts: nothing depends on it
