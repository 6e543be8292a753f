"""Load by HTTP, cheap: one request prepared once, sent over kept connections. Run as a process of its own.

``python -m bench.http_load`` takes a ``Work`` as JSON, and prints a ``Done``. In a closed loop each connection sends
its next request when it has its answer; at a ``rate`` requests begin on time, and late answers count from then.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final, cast

import msgspec
import uvloop

from bench.errors import BenchError

TOP: Final = Path(__file__).resolve().parent.parent


class Work(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    method: str = "POST"
    path: str = ""
    paths: tuple[str, ...] = ()  # instead: each in turn, again and again
    host: str = "bench"
    key: str = ""
    body: str = ""
    seconds: float
    connections: int = 50
    rate: float = 0.0  # requests per second; 0: as fast as they are answered


class Done(msgspec.Struct, frozen=True, kw_only=True):
    answered: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int  # answers other than 200, 202 and 302

    @property
    def per_s(self) -> float:
        return self.answered / self.seconds


def run(work: Work) -> Done:
    """Raises BenchError."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.http_load"],
        input=msgspec.json.encode(work),
        capture_output=True,
        cwd=TOP,
        timeout=60 + 3 * work.seconds,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"the load failed: {done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Done)


class _Client(asyncio.Protocol):
    """One kept connection, one request at a time."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._answer = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._load.is_free(self)

    def begin(self, at: float) -> None:
        self.began = at
        self._transport.write(next(self._load.requests))

    def data_received(self, octets: bytes) -> None:
        self._answer += octets
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        is_ok = head[9:12] in (b"200", b"202", b"302")
        if not is_ok and not self._load.refused:
            print(self._answer[:500].decode(errors="replace"), file=sys.stderr)
        self._answer = b""
        self._load.ended(self, is_ok)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost()


class _Load:
    def __init__(self, work: Work) -> None:
        self.requests = itertools.cycle(
            [_request(work, path) for path in work.paths or (work.path,)]
        )
        self.refused = 0
        self._work = work
        self._free: deque[_Client] = deque()
        self._waiting: deque[float] = deque()  # when requests should have begun
        self._took: list[float] = []
        self._is_over = False
        self._under_way = 0
        self._ended = asyncio.Event()

    async def run(self) -> Done:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        for _ in range(self._work.connections):
            await loop.create_connection(lambda: _Client(self), "127.0.0.1", self._work.port)
        if self._work.rate:
            await self._paced(began)
        else:
            await asyncio.sleep(self._work.seconds)
        self._is_over = True
        took = time.perf_counter() - began
        count = len(self._took)
        while self._under_way:
            self._ended.clear()
            await asyncio.wait_for(self._ended.wait(), 30)
        ordered = sorted(self._took)

        def cut(share: float) -> float:
            return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

        return Done(
            answered=count,
            seconds=took,
            p50_ms=cut(0.5),
            p95_ms=cut(0.95),
            p99_ms=cut(0.99),
            refused=self.refused,
        )

    async def _paced(self, began: float) -> None:
        begun = 0
        while (now := time.perf_counter()) < began + self._work.seconds:
            while begun < (now - began) * self._work.rate:
                self._waiting.append(began + begun / self._work.rate)
                begun += 1
            while self._waiting and self._free:
                self._begin(self._free.popleft(), self._waiting.popleft())
            await asyncio.sleep(0.001)

    def _begin(self, client: _Client, at: float) -> None:
        self._under_way += 1
        client.begin(at)

    def is_free(self, client: _Client) -> None:
        if self._is_over:
            return
        if not self._work.rate:
            self._begin(client, time.perf_counter())
        elif self._waiting:
            self._begin(client, self._waiting.popleft())
        else:
            self._free.append(client)

    def ended(self, client: _Client, is_ok: bool) -> None:
        self._took.append(time.perf_counter() - client.began)
        self.refused += not is_ok
        self._under_way -= 1
        self._ended.set()
        self.is_free(client)

    def lost(self) -> None:
        if not self._is_over:
            print("a connection was lost", file=sys.stderr)
            self.refused += 1


def _request(work: Work, path: str) -> bytes:
    head = f"{work.method} {path} HTTP/1.1\r\nHost: {work.host}\r\n"
    if work.method == "GET" and not work.key:  # as a browser asks
        return (
            f"{head}User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html\r\nAccept-Language: en-US\r\n"
            "Sec-Fetch-Mode: navigate\r\n\r\n"
        ).encode()
    body = work.body.encode()
    return (
        f"{head}X-API-Key: {work.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def main() -> None:
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    done = uvloop.run(_Load(work).run())
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main()
