"""Makes parcels of claimed work: what goes out is the signature first, then the content as it was accepted."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from angarium.dkim import UnsignableMessageError
from angarium.mta.egress.work import Parcel, Work
from angarium.mta.transport.transfer import Transfer
from angarium.queue import UnixMs
from angarium.smtp.seven_bit import as_seven_bit

# Messages whose signing was begun: canonicalising 20 KB takes a tenth of a millisecond.
YIELD_AFTER: Final = 8
# Converted on the event loop: a millisecond. More goes to a thread.
INLINE_OCTETS: Final = 65_536


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
        # What a conversion needs besides its result is held for one message at a time
        self._converting = asyncio.Lock()

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
                future = self._begin(work, work.message.content, work.message.header_octets)
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

    async def seven_bit(self, parcel: Parcel) -> Transfer | None:
        """Return the parcel's transfer for a host without 8BITMIME (RFC 6152 section 3), signed as it is then.

        None: the message cannot be converted.
        """
        message = parcel.work.message
        convert = functools.partial(
            as_seven_bit,
            message.content[: message.header_octets],
            message.content[message.header_octets :],
        )
        async with self._converting:
            small = len(message.content) <= INLINE_OCTETS
            converted = convert() if small else await asyncio.to_thread(convert)
        if converted is None:
            return None
        header, body = converted.header, converted.body
        signature = b""
        future = self._begin(parcel.work, header + body, len(header))
        try:
            if future is not None:
                signature = await future
        except UnsignableMessageError as error:
            self._unsignable(parcel.work, error)
        return msgspec.structs.replace(
            parcel.transfer,
            header=signature + header,
            body=body,
            body_8bit=False,
            has_dot_lines=None,
        )

    def _begin(
        self, work: Work, content: bytes, header_octets: int
    ) -> asyncio.Future[bytes] | None:
        if not work.message.header_from:
            return None
        try:
            return self._signer.sign(
                content, header_octets, work.message.header_from, self._clock()
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
