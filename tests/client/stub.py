"""An API that gives prepared answers, and says what it was asked."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

SENT = b'{"success": true, "emailId": "e1", "messageId": "<e1@x>", "acceptedAt": "2026-11-30T00:00:00Z"}'
BUSY = b'{"success": false, "error": "UNAVAILABLE", "message": "busy"}'
WRONG = b"""{"success": false, "error": "VALIDATION_ERROR", "message": "Missing required field: to",
 "details": {"field": "to", "constraint": "required"}}"""
Answer = tuple[int, bytes] | None  # None: the connection is lost


class Seen(msgspec.Struct):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Stub:
    """Gives the answers in order, and says what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.seen: list[Seen] = []
        remaining = list(answers)
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                decoded = msgspec.json.decode(body) if body else None
                stub.seen.append(Seen(self.command, self.path, headers, decoded))
                following = remaining.pop(0)
                if following is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, octets = following
                self.send_response(status)
                self.send_header("Content-Length", str(len(octets)))
                self.send_header("X-Request-Id", "r1")
                if status in (429, 503):
                    self.send_header("Retry-After", "7")
                self.end_headers()
                self.wfile.write(octets)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None: ...

            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):  # it was closed above
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
