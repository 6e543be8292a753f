"""A collector of traces that takes all and keeps nothing: ``python -m bench.collector PORT``."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from bench.ports import LOOPBACK


class Taken(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # http.server's name for it
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    HTTPServer((LOOPBACK, int(sys.argv[1])), Taken).serve_forever()
