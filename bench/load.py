"""Postfix's smtp-source as load."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

from bench.errors import BenchError, PeerAbsent
from bench.ports import LOOPBACK
from bench.sinks import SBIN

DOMAIN: Final = "sink.test"  # of recipients; RFC 2606: exists nowhere
SENDER: Final = "bench@example.com"
SESSIONS: Final = 50
SLOWEST_PER_S: Final = 5  # slower than this is a hang


def submit(
    port: int,
    *,
    messages: int,
    size: int,
    sessions: int = SESSIONS,
    reconnect: bool = False,
    name: str = "load",
    letter: Path | None = None,
) -> float:
    """Send so many messages, each to a recipient of its own, and return the seconds it took.

    All must be accepted. ``reconnect``: a new connection per message. ``letter``: a file that is sent instead of
    ``size`` octets of nothing.
    """
    program = shutil.which("smtp-source", path=SBIN)
    if program is None:
        raise PeerAbsent("smtp-source is not installed: bin/bench --install-peers")
    command = [program, "-4", "-N", "-s", str(sessions), "-m", str(messages)]
    command += ["-l", str(size)] if letter is None else ["-F", str(letter)]
    command += ["-f", SENDER, "-t", f"{name}@{DOMAIN}", "-M", "load.test", "-S", "bench"]
    command += [] if reconnect else ["-d"]
    limit_s = 30 + messages / SLOWEST_PER_S
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, f"{LOOPBACK}:{port}"],
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{messages} messages were not accepted within {limit_s:.0f} s") from None
    if done.returncode:
        raise BenchError(f"smtp-source failed: {done.stderr.strip()}")
    return time.monotonic() - began
