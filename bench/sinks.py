"""Running a sink beside the system that is measured: Postfix's smtp-sink, or our own that knows recipients."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, Literal, Protocol

import msgspec

from bench.errors import BenchError, PeerAbsent
from bench.ports import LOOPBACK, free_port, wait_for_listener

SBIN: Final = "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin"
SinkKind = Literal["own", "smtp-sink"]
_COUNTER: Final = re.compile(rb"mesg=(\d+)")


class Count(msgspec.Struct, frozen=True, kw_only=True):
    messages: int = 0
    recipients: int | None = None  # different ones; None: the sink does not know
    duplicates: int | None = None
    signed: int | None = None
    octets: int = 0
    first: float = 0.0  # time.monotonic() of the first and last message
    last: float = 0.0


class Sink(Protocol):
    port: int

    @property
    def pid(self) -> int: ...
    def count(self) -> Count: ...
    def __enter__(self) -> "Sink": ...
    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None: ...


def make_sink(kind: SinkKind) -> Sink:
    return OwnSink() if kind == "own" else SmtpSink()


class OwnSink:
    """``bench.sink`` as a child process."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "OwnSink":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sink", str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._answer()
        return self

    def count(self) -> Count:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return msgspec.convert(self._answer(), Count)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError("the sink ended")
        return msgspec.json.decode(line)

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=10)  # closes its standard input


class SmtpSink:
    """Postfix's smtp-sink, its running counters read every few milliseconds."""

    def __init__(self) -> None:
        program = shutil.which("smtp-sink", path=SBIN)
        if program is None:
            raise PeerAbsent("smtp-sink is not installed: bin/bench --install-peers")
        self.port = free_port()
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        self._command = [
            program,
            "-4",
            "-c",
            "-m",
            "1000",
            *user,
            f"{LOOPBACK}:{self.port}",
            "1024",
        ]
        self._process: subprocess.Popen[bytes]
        self._lock = threading.Lock()
        self._count = Count()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "SmtpSink":
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        wait_for_listener(self.port)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def count(self) -> Count:
        with self._lock:
            return self._count

    def _read(self) -> None:
        assert self._process.stdout is not None
        while block := os.read(self._process.stdout.fileno(), 65_536):
            if counters := _COUNTER.findall(block):
                with self._lock:
                    self._seen(int(counters[-1]))
            # A block for some messages at a time: reading must not cost the machine.
            time.sleep(0.005)

    def _seen(self, messages: int) -> None:
        now, old = time.monotonic(), self._count
        if messages > old.messages:
            self._count = Count(messages=messages, first=old.first or now, last=now)

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
