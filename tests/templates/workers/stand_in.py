"""An engine that does what a filling tells it: what hostile templates do, and worse. Runs in workers."""

import ctypes
import os
import signal
import time
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from angarium.templates.rendering import Examination, Filling, Problem, ProblemKind, Rendered


class Panic(BaseException):
    """As a library in Rust throws it."""


class Prepared:
    def __init__(self, bundle: bytes) -> None:
        self._bundle = bundle.decode()

    def render(self, filling: Filling) -> Rendered | Problem:
        return act(self._bundle, filling.data)


def act(bundle: str, data: Mapping[str, Any]) -> Rendered | Problem:
    text = f"{bundle} {data.get('n', '')}".strip()
    match data.get("do", ""):
        case "":
            return Rendered(subject=text)
        case "hang":
            while True:
                pass
        case "spin":
            signal.setitimer(signal.ITIMER_PROF, 0)
            while True:
                pass
        case "sleep":
            time.sleep(3600)
        case "eat":
            held = [bytes(1 << 20)]
            while True:
                held.append(bytes(1 << 20))
        case "abort":
            os.abort()
        case "crash":
            ctypes.string_at(0)
        case "exit":
            os._exit(7)
        case "panic":
            raise Panic("so it is")
        case "fail":
            raise ValueError("no such thing")
        case "problem":
            return Problem(kind=ProblemKind.SYNTAX, message="wrong", line=3)
        case "long":
            return Rendered(subject=text, html="x" * int(data["octets"]))
        case "seen":
            return Rendered(subject=text, html=repr(seen()))
    raise AssertionError(data)


def tried(act: Any) -> str:
    try:
        act()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done"


def seen() -> dict[str, Any]:
    """What a worker can see and do."""
    import socket

    return {
        "environment": dict(os.environ),
        "files": [fd for fd in range(100) if tried(lambda fd=fd: os.fstat(fd)) == "done"],
        "socket": tried(socket.socket),
        "open": tried(lambda: os.open("/etc/passwd", os.O_RDONLY)),
        "fork": tried(os.fork),
        "exec": tried(lambda: os.execv("/bin/true", ["true"])),
        "kill": tried(lambda: os.kill(os.getppid(), 0)),
        "write": tried(lambda: os.open("/tmp/written", os.O_WRONLY | os.O_CREAT)),
        "library": tried(lambda: os.open(os.__file__, os.O_RDONLY)),
        "zone": tried(lambda: zoneinfo.ZoneInfo("Europe/Berlin")),
        "folder": str(Path.cwd()),
        "nice": os.nice(0),
    }


class Engine:
    def prepare(self, bundle: bytes) -> Prepared:
        if bundle.startswith(b"hang"):
            while True:
                pass
        if bundle.startswith(b"read"):
            Path("/proc/self/statm").read_bytes()
        return Prepared(bundle)

    def examine(self, bundle: bytes, sample: Filling | None) -> Examination:
        answer = act("", {} if sample is None else sample.data)
        if isinstance(answer, Problem):
            return Examination(problems=(answer,))
        return Examination(sample=answer)


def open_engine() -> Engine:
    return Engine()


def no_engine() -> Engine:
    raise RuntimeError("the engine is not there")


def deadly() -> Engine:
    os._exit(9)
