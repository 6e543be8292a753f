"""A sink that answers no message while its gate is closed, and counts its connections."""

import socket
import threading
from typing import Any

from tests.e2e.recording_sink import RecordingSink, Taken


class GatedSink(RecordingSink):
    def __init__(self) -> None:
        super().__init__(before=self._count)
        self.gate = threading.Event()
        self.gate.set()
        self.open = 0
        self.opened = 0  # since the start
        self._lock = threading.Lock()
        self._end = self._server.shutdown_request
        self._server.shutdown_request = self._ended  # type: ignore[method-assign]

    def add(self, taken: Taken) -> None:
        self.gate.wait(60)
        super().add(taken)

    def _count(self, _: socket.socket) -> None:
        with self._lock:
            self.open += 1
            self.opened += 1

    def _ended(self, request: Any) -> None:
        with self._lock:
            self.open -= 1
        self._end(request)
