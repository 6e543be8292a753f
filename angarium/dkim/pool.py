"""Signing beside the event loop: threads for the key operation, which OpenSSL does without the GIL."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from angarium.dkim.sign import Signer, UnsignedField
from angarium.queue.model import UnixMs

# Hashing and searching so much takes a tenth of a millisecond; more than that belongs off the loop.
INLINE_OCTETS: Final = 131_072

_Job = tuple[Callable[[], bytes], "asyncio.Future[bytes]"]


class SigningPool:
    """Bound to one event loop. Jobs wait in one deque; callers bound its length.

    A worker takes jobs until none is left and hands results back in batches: one wake-up of the loop
    serves all that were finished meanwhile, and under load no thread is ever put to sleep and woken per
    message. Canonicalisation of ordinary messages is done on the loop: a thread would have to fight it
    for the GIL twice to save those tens of microseconds.
    """

    def __init__(self, signer: Signer, threads: int) -> None:
        self._signer = signer
        self._threads = max(1, threads)
        self._executor = ThreadPoolExecutor(self._threads, "dkim")
        self._lock = threading.Lock()  # guards the three below
        self._pending: deque[_Job] = deque()
        self._finished: list[tuple[asyncio.Future[bytes], bytes | BaseException]] = []
        self._workers = 0  # running _work now

    def sign(
        self,
        content: bytes,
        header_octets: int,
        header_from: str,
        now: UnixMs,
        front: bytes = b"",
        tenant: str = "",
    ) -> asyncio.Future[bytes] | None:
        """Begin to sign: the future has the fields to put before ``front`` and ``content``.

        None if the domain has no key.

        Raises UnsignableMessageError; of a large message the future does.
        """
        job: Callable[[], bytes]
        if len(content) <= INLINE_OCTETS:
            fields = self._signer.prepare(content, header_octets, header_from, now, front, tenant)
            if not fields:
                return None
            job = fields[0].sign if len(fields) == 1 else partial(_sign_all, fields)
        else:
            job = partial(
                self._signer.sign, content, header_octets, header_from, now, front, tenant
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        with self._lock:
            self._pending.append((job, future))
            start = self._workers < self._threads
            self._workers += start
        if start:
            self._executor.submit(self._work, loop)
        return future

    def exchange(self, signer: Signer, threads: int) -> None:
        """Sign by this from now on; what was begun is signed as it was begun."""
        self._signer = signer
        if threads != self._threads:
            executor, self._executor = self._executor, ThreadPoolExecutor(threads, "dkim")
            executor.shutdown(wait=False)  # its workers go on until nothing is pending
            self._threads = threads

    def close(self) -> None:
        """End the threads after what they are at. Nothing may be waiting in ``sign`` any more."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            with self._lock:
                if not self._pending:
                    self._workers -= 1
                    return
                job, future = self._pending.popleft()
            if future.cancelled():  # the message is not sent after all
                continue
            result: bytes | BaseException
            try:
                result = job()
            except BaseException as e:  # noqa: BLE001 - the task boundary; the future has it
                result = e
            with self._lock:
                self._finished.append((future, result))
                wake = len(self._finished) == 1  # else the loop has been woken already
            if wake:
                loop.call_soon_threadsafe(self._hand_back)

    def _hand_back(self) -> None:
        with self._lock:
            finished, self._finished = self._finished, []
        for future, result in finished:
            if future.cancelled():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _sign_all(fields: Sequence[UnsignedField]) -> bytes:
    return b"".join([field.sign() for field in fields])
