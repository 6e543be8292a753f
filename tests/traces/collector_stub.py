"""A collector of OpenTelemetry that decodes what it is sent, and can be away, slow or ill."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class CollectorStub:
    def __init__(self, port: int = 0) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.hangs = threading.Event()  # set: nobody is answered
        self._arrived = threading.Condition()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                stub.hangs.wait(0) and stub.released.wait(30)
                with stub._arrived:
                    stub.headers.append({k.lower(): v for k, v in self.headers.items()})
                    if stub.status == 200:
                        stub.requests.append(ExportTraceServiceRequest.FromString(body))
                    stub._arrived.notify_all()
                self.send_response(stub.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1/traces"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def spans(self) -> Iterator[Any]:
        for request in list(self.requests):
            for of_resource in request.resource_spans:
                for of_scope in of_resource.scope_spans:
                    yield from of_scope.spans

    def wait_for(self, spans: int, timeout: float = 30) -> list[Any]:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len([*self.spans()]) >= spans, timeout)
        assert arrived, [each.name for each in self.spans()]
        return [*self.spans()]

    def wait_for_requests(self, count: int, timeout: float = 30) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.headers) >= count, timeout)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> "CollectorStub":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attributes(of: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in of.attributes:
        kind = each.value.WhichOneof("value")
        found[each.key] = getattr(each.value, kind)
    return found
