"""Hands spans to a collector, from a thread: who makes them never waits, and too many are dropped and counted."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.telemetry.log import log, log_exception
from angarium.traces.header_file import HeaderFileError
from angarium.traces.span import Span

# Ours: some 2 KB each
MOST_WAITING: Final = 20_000
BATCH: Final = 500
# Ours: the collector gets fewer, larger requests
GATHER_S: Final = 1.0
# Until it is looked for again, where it cannot be set up
RETRY_S: Final = 10.0


class Exporter(Protocol):
    def send(self, spans: Sequence[Span]) -> str:
        """Return why they were not taken; "": they were. Blocks, for a bounded time."""
        ...

    def close(self) -> None:
        """Have ``send`` return soon. From any thread."""
        ...


class SendCounts(msgspec.Struct, kw_only=True):
    """Spans since the start."""

    sent: int = 0
    dropped: int = 0
    failed: int = 0


class SpanSender:
    """Invariant SSN1: at most ``most`` spans wait; more are dropped, and nobody waits for room."""

    def __init__(self, open_exporter: Callable[[], Exporter], most: int = MOST_WAITING) -> None:
        """``open_exporter`` is called by the thread, again after a failure. It may raise HeaderFileError."""
        self._open_exporter = open_exporter
        self.limit: Final = most
        self.counts = SendCounts()
        self._waiting: deque[Span] = deque()
        self._exporter: Exporter | None = None
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._is_troubled = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, spans: Sequence[Span]) -> None:
        room = max(0, self.limit - len(self._waiting))
        self._waiting.extend(spans[:room])  # SSN1
        self.counts.dropped += len(spans[room:])
        if spans:
            self._woken.set()

    def close(self, grace_s: float) -> None:
        """Have what waits sent, for so long at most. Blocks."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(grace_s)
        if (exporter := self._exporter) is not None:
            exporter.close()
        self.counts.dropped += len(self._waiting)
        self._waiting.clear()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            self._stopping.wait(GATHER_S)
            while self._waiting:
                try:
                    self._send_some()
                except Exception as error:  # noqa: BLE001 - a thread's boundary: what comes next may go
                    log_exception("traces_failed", error)
            if self._stopping.is_set():
                return

    def _send_some(self) -> None:
        spans = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        problem = self._send(spans)
        if not problem:
            self.counts.sent += len(spans)
            self._is_troubled = False
            return
        self.counts.failed += len(spans)
        if not self._is_troubled:
            log("traces_not_sent", "warning", problem=problem)
        self._is_troubled = True

    def _send(self, spans: Sequence[Span]) -> str:
        try:
            if self._exporter is None:
                self._exporter = self._open_exporter()
        except HeaderFileError as error:
            self._stopping.wait(RETRY_S)
            return str(error)
        problem = self._exporter.send(spans)
        if problem:
            # Its headers may have another token by now
            self._exporter.close()
            self._exporter = None
        return problem
