"""The SES stub beside a product: on a loop of its own, in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from angarium.simulator.ses import SesStub

T = TypeVar("T")


class RunningStub:
    def __init__(self, stub: SesStub) -> None:
        self.stub = stub
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(stub.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def wait_for_mails(self, number: int, timeout: float = 30) -> None:
        wait_until(lambda: len(self.stub.mails) >= number, timeout)

    def end(self) -> None:
        self.run(self.stub.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def running_stub(**settings: Any) -> Iterator[RunningStub]:
    running = RunningStub(SesStub(**settings))
    try:
        yield running
    finally:
        running.end()


def wait_until(condition: Callable[[], object], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def ses_table(running: RunningStub, more: str = "") -> str:
    return f'[ses]\nregion = "eu-central-1"\nendpoint_url = "{running.stub.url}"\n{more}\n'
