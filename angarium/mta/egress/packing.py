"""Makes parcels of claimed work: what goes out is the signature first, then the content as it was accepted."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, Protocol

import msgspec

from angarium.dkim import UnsignableMessageError, signature_names
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


class NotSigned(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody signs a message."""

    kind: Literal["no_key", "no_from", "unsignable"]
    text: str


class SignatureRequiredError(Exception):
    """A message that must be signed cannot be: it waits until it can."""


class Packer:
    """Personal parts per recipient would go in here, before the signature."""

    def __init__(
        self,
        signer: Signs,
        clock: Callable[[], UnixMs],
        unsigned: Callable[[Work, NotSigned], None],
        is_required: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_required``: nothing is sent unsigned."""
        self._signer = signer
        self._clock = clock
        self._unsigned = unsigned
        self._is_required = is_required
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
        A message that is not signed is reported, and goes out unsigned, if it may. ``failed`` is for those that
        may not (SignatureRequiredError), and for defects of ours.
        """
        signing: deque[tuple[Work, asyncio.Future[bytes] | NotSigned]] = deque()
        works.reverse()
        number = 0
        while works:
            work = works.pop()
            number += 1
            try:
                begun = self._begin(work, work.message.content, work.message.header_octets)
            except Exception as error:  # noqa: BLE001 - a defect ends one message, not its batch
                failed(work, error)
                continue
            if isinstance(begun, NotSigned) and not signing:
                await self._finish(work, begun, ready, failed)
                continue
            signing.append((work, begun))
            del work
            if number % YIELD_AFTER == 0:
                await asyncio.sleep(0)
                while signing and (isinstance(signing[0][1], NotSigned) or signing[0][1].done()):
                    await self._finish(*signing.popleft(), ready, failed)
        while signing:
            await self._finish(*signing.popleft(), ready, failed)

    async def seven_bit(self, parcel: Parcel) -> Transfer | None:
        """Return the parcel's transfer for a host without 8BITMIME (RFC 6152 section 3), signed as it is then.

        None: the message cannot be converted, or not signed as it must be.
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
        signature = await self._signature(
            parcel.work, self._begin(parcel.work, header + body, len(header))
        )
        if isinstance(signature, NotSigned):
            if self._is_required():
                return None
            signature = b""
        return msgspec.structs.replace(
            parcel.transfer,
            header=signature + header,
            body=body,
            body_8bit=False,
            has_dot_lines=None,
        )

    def _begin(
        self, work: Work, content: bytes, header_octets: int
    ) -> asyncio.Future[bytes] | NotSigned:
        header_from = work.message.header_from
        if not header_from:
            return NotSigned(kind="no_from", text="no domain in From")
        try:
            begun = self._signer.sign(content, header_octets, header_from, self._clock())
        except UnsignableMessageError as error:
            return NotSigned(kind="unsignable", text=str(error))
        return no_key(header_from) if begun is None else begun

    async def _signature(
        self, work: Work, begun: asyncio.Future[bytes] | NotSigned
    ) -> bytes | NotSigned:
        """Why there is none is reported. Raises what is a defect of ours."""
        if not isinstance(begun, NotSigned):
            try:
                signature = await begun
            except UnsignableMessageError as error:
                begun = NotSigned(kind="unsignable", text=str(error))
            else:
                if signature:
                    return signature
                begun = no_key(work.message.header_from)  # of a large message this is known now
        self._unsigned(work, begun)
        return begun

    async def _finish(
        self,
        work: Work,
        begun: asyncio.Future[bytes] | NotSigned,
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        try:
            signature = await self._signature(work, begun)
        except Exception as error:  # noqa: BLE001 - as above
            failed(work, error)
            return
        if not isinstance(signature, NotSigned):
            ready(_parcel(work, signature))
        elif self._is_required():
            failed(work, SignatureRequiredError(f"{signature.text}, and dkim.required is true"))
        else:
            ready(_parcel(work, b"", signature.text))


def no_key(domain: str) -> NotSigned:
    return NotSigned(kind="no_key", text=f"no DKIM key for {domain}")


def _parcel(work: Work, signature: bytes, unsigned: str = "") -> Parcel:
    dkim = signature_names(signature)
    work = msgspec.structs.replace(work, dkim=dkim, unsigned=unsigned)
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
