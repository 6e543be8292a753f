"""A line of questions before one thread: as many as have come meanwhile are answered at a time.

Under load a change of threads costs more than a look-up; so the thread is asked for a lot of them at once, and all of
their answers come back to the event loop together.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")
Question = Callable[[Any], Any]
# Answers to questions, in their order: each its result, or what it raised
AnswerAll = Callable[[Sequence[Question]], Sequence[Any]]
# Ours: while they are answered, nobody hears of the first ones
AT_ONCE: Final = 32


class Line:
    """Invariant QL1: each question is answered once, in the order in which they were asked."""

    def __init__(self, name: str, answer_all: AnswerAll) -> None:
        """``answer_all``: called in the thread. What it raises is the answer to all that it was asked."""
        self._answer_all = answer_all
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Question, asyncio.Future[Any]]] = deque()
        self._is_busy = False

    def __len__(self) -> int:
        """Return how many wait for the thread."""
        return len(self._waiting)

    async def ask(self, question: Callable[[Any], T]) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        with self._lock:
            self._waiting.append((question, answer))
            if not self._is_busy:
                self._is_busy = True
                self._thread.submit(self._work, loop)
        return await answer

    def close(self) -> None:
        """Wait until all that was asked is answered."""
        self._thread.shutdown()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while lot := self._next_lot():
            wanted = [each for each in lot if not each[1].cancelled()]
            asked = [question for question, _ in wanted]
            waiting = [answer for _, answer in wanted]
            try:
                answers = self._answer_all(asked)
            except Exception as error:  # noqa: BLE001 - whoever asked handles it
                answers = [error] * len(asked)
            loop.call_soon_threadsafe(_deliver, waiting, answers)

    def _next_lot(self) -> list[tuple[Question, "asyncio.Future[Any]"]]:
        with self._lock:
            lot = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            self._is_busy = bool(lot)
            return lot  # QL1


def _deliver(waiting: Sequence["asyncio.Future[Any]"], answers: Sequence[Any]) -> None:
    for future, answer in zip(waiting, answers, strict=True):
        if future.cancelled():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
