"""The SES stub beside a product."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from angarium.simulator.ses import SesStub
from tests.e2e.stub_thread import RunningStub as RunningAny


class RunningStub(RunningAny[SesStub]):
    def wait_for_mails(self, number: int, timeout: float = 30) -> None:
        wait_until(lambda: len(self.stub.mails) >= number, timeout)


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
