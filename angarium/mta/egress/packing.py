"""Makes parcels of claimed work: what goes out is the signature first, then the content as it was accepted."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from angarium.dkim import UnsignableMessageError
from angarium.mta.egress.work import Parcel, Work
from angarium.mta.transport.transfer import Transfer
from angarium.queue import UnixMs

# Messages whose signing was begun: canonicalising 20 KB takes a tenth of a millisecond.
YIELD_AFTER: Final = 8


class Signs(Protocol):
    def sign(
        self, content: bytes, header_octets: int, header_from: str, now: UnixMs
    ) -> asyncio.Future[bytes] | None:
        """Begin to sign; the future has the fields to put in front. None: no key is for the domain.

        Raises UnsignableMessageError, at once or by the future.
        """
        ...


class Packer:
    """Personal parts per recipient would go in here, before the signature."""

    def __init__(
        self,
        signer: Signs,
        clock: Callable[[], UnixMs],
        unsignable: Callable[[Work, UnsignableMessageError], None],
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._unsignable = unsignable

    async def pack(
        self,
        works: list[Work],
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        """Sign each and hand it to ``ready`` as soon as it is, in order; returns when all are.

        ``works`` is emptied on the way: what has been handed on, and perhaps sent, is not kept in memory here (L3).
        A message that may not be signed goes out unsigned, and is reported. ``failed`` is for defects of ours.
        """
        signing: deque[tuple[Work, asyncio.Future[bytes] | None]] = deque()
        works.reverse()
        number = 0
        while works:
            work = works.pop()
            number += 1
            try:
                future = self._begin(work)
            except Exception as error:  # noqa: BLE001 - a defect ends one message, not its batch
                failed(work, error)
                continue
            if future is None and not signing:
                ready(_parcel(work, b""))
                continue
            signing.append((work, future))
            del work
            if number % YIELD_AFTER == 0:
                await asyncio.sleep(0)
                while signing and (signing[0][1] is None or signing[0][1].done()):
                    await self._finish(*signing.popleft(), ready, failed)
        while signing:
            await self._finish(*signing.popleft(), ready, failed)

    def _begin(self, work: Work) -> asyncio.Future[bytes] | None:
        message = work.message
        if not message.header_from:
            return None
        try:
            return self._signer.sign(
                message.content, message.header_octets, message.header_from, self._clock()
            )
        except UnsignableMessageError as error:
            self._unsignable(work, error)
            return None

    async def _finish(
        self,
        work: Work,
        future: asyncio.Future[bytes] | None,
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        signature = b""
        try:
            if future is not None:
                signature = await future
        except UnsignableMessageError as error:
            self._unsignable(work, error)
        except Exception as error:  # noqa: BLE001 - as above
            failed(work, error)
            return
        ready(_parcel(work, signature))


def _parcel(work: Work, signature: bytes) -> Parcel:
    message = work.message
    content, envelope = memoryview(message.content), message.envelope
    return Parcel(
        work,
        Transfer(
            reverse_path=envelope.reverse_path,
            recipients=work.recipients,
            header=signature + content[: message.header_octets],
            body=content[message.header_octets :],  # no second copy of a large message (L3)
            has_dot_lines=message.has_dot_lines,
            body_8bit=envelope.body_8bit,
            smtputf8=envelope.smtputf8,
            ret=envelope.ret,
            envid=envelope.envid,
        ),
    )
