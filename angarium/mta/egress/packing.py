"""Makes parcels of claimed work: what goes out is the signature first, then what marks the message as ours, then the
content as it was accepted.
"""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, Protocol

import msgspec

from angarium.dkim import UnsignableMessageError, signature_names
from angarium.feedback.marks import Marks
from angarium.feedback.reference import Subject
from angarium.mta.egress.work import Parcel, Work
from angarium.mta.transport.transfer import Transfer
from angarium.queue import Claimed, ClaimedMessage, Personal, UnixMs
from angarium.queue.message_id import message_id_text
from angarium.smtp.seven_bit import as_seven_bit

# Messages whose signing was begun: canonicalising 20 KB takes a tenth of a millisecond.
YIELD_AFTER: Final = 8
# Converted on the event loop: a millisecond. More goes to a thread.
INLINE_OCTETS: Final = 65_536


class Signs(Protocol):
    def sign(
        self,
        content: bytes,
        header_octets: int,
        header_from: str,
        now: UnixMs,
        front: bytes = b"",
        tenant: str = "",
    ) -> asyncio.Future[bytes] | None:
        """Begin to sign; the future has the fields to put in front of ``front``, which goes before the content.

        None: no key is for the domain.

        Raises UnsignableMessageError, at once or by the future.
        """
        ...


class MarksMail(Protocol):
    def mark(
        self, subject: Subject, reverse_path: str, header_from: str, header: bytes, now: UnixMs
    ) -> Marks: ...


class NotSigned(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody signs a message."""

    kind: Literal["no_key", "no_from", "unsignable"]
    text: str


class FillsMail(Protocol):
    def fill(
        self, message: ClaimedMessage, personal: Personal, recipient: Claimed, now: UnixMs
    ) -> bytes:
        """Return the content as this recipient is to get it; its header is as long as before."""
        ...


class WithheldError(Exception):
    """A message cannot be signed that must be, or its personal parts not be put in: it waits until they can."""


_Signing = asyncio.Future[bytes] | NotSigned


class Packer:
    """Puts personal parts in, marks and signs, in this order."""

    def __init__(
        self,
        signer: Signs,
        clock: Callable[[], UnixMs],
        unsigned: Callable[[Work, NotSigned], None],
        is_required: Callable[[], bool] = lambda: False,
        marker: MarksMail | None = None,
        filler: FillsMail | None = None,
    ) -> None:
        """``is_required``: nothing is sent unsigned. ``marker``: None: mail goes out under its own reverse path.
        ``filler``: None: what has personal parts waits.
        """
        self._signer = signer
        self._clock = clock
        self._unsigned = unsigned
        self._is_required = is_required
        self.marker = marker  # may change at any time, as the next
        self.filler = filler
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
        may not (WithheldError), and for defects of ours.
        """
        signing: deque[tuple[Work, Marks, _Signing]] = deque()
        works.reverse()
        number = 0
        while works:
            work = works.pop()
            number += 1
            try:
                work = self._filled(work)
                message = work.message
                marks = self._mark(work)
                begun = self._begin(work, message.content, message.header_octets, marks.fields)
            except Exception as error:  # noqa: BLE001 - a defect ends one message, not its batch
                failed(work, error)
                continue
            if isinstance(begun, NotSigned) and not signing:
                await self._finish(work, marks, begun, ready, failed)
                continue
            signing.append((work, marks, begun))
            del work, message
            if number % YIELD_AFTER == 0:
                await asyncio.sleep(0)
                while signing and (isinstance(signing[0][2], NotSigned) or signing[0][2].done()):
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
        front = self._mark(parcel.work).fields
        signature = await self._signature(
            parcel.work, self._begin(parcel.work, header + body, len(header), front)
        )
        if isinstance(signature, NotSigned):
            if self._is_required():
                return None
            signature = b""
        return msgspec.structs.replace(
            parcel.transfer,
            header=signature + front + header,
            body=body,
            body_8bit=False,
            has_dot_lines=None,
        )

    def _filled(self, work: Work) -> Work:
        """Return it with its recipient's parts, where it has any; then it has one recipient. Raises WithheldError."""
        message = work.message
        if message.personal is None:
            return work
        if self.filler is None:
            raise WithheldError("its links cannot be signed: tracking.key_file is missing")
        content = self.filler.fill(message, message.personal, work.recipients[0], self._clock())
        message = msgspec.structs.replace(message, content=content)
        return msgspec.structs.replace(work, message=message, reserved=work.octets)

    def _mark(self, work: Work) -> Marks:
        message, marker = work.message, self.marker
        if marker is None:
            return Marks(reverse_path=message.envelope.reverse_path, fields=b"")
        # Believed so long from its acceptance on: each attempt has the same reverse path, by which hosts that greylist
        # know it again
        return marker.mark(
            _subject_of(work),
            message.envelope.reverse_path,
            message.header_from,
            message.content[: message.header_octets],
            message.accepted,
        )

    def _begin(self, work: Work, content: bytes, header_octets: int, front: bytes) -> _Signing:
        header_from = work.message.header_from
        if not header_from:
            return NotSigned(kind="no_from", text="no domain in From")
        try:
            tenant, now = work.message.tenant, self._clock()
            begun = self._signer.sign(content, header_octets, header_from, now, front, tenant)
        except UnsignableMessageError as error:
            return NotSigned(kind="unsignable", text=str(error))
        return no_key(header_from) if begun is None else begun

    async def _signature(self, work: Work, begun: _Signing) -> bytes | NotSigned:
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
        marks: Marks,
        begun: _Signing,
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        try:
            signature = await self._signature(work, begun)
        except Exception as error:  # noqa: BLE001 - as above
            failed(work, error)
            return
        if not isinstance(signature, NotSigned):
            ready(_parcel(work, marks, signature))
        elif self._is_required():
            failed(work, WithheldError(f"{signature.text}, and dkim.required is true"))
        else:
            ready(_parcel(work, marks, b"", signature.text))


def no_key(domain: str) -> NotSigned:
    return NotSigned(kind="no_key", text=f"no DKIM key for {domain}")


def _subject_of(work: Work) -> Subject:
    """What the transaction is about: with one recipient, that person."""
    message = work.message
    is_one = len(work.recipients) == 1
    return Subject(
        message_id=message.message_id,
        index=work.recipients[0].id.index if is_one else None,
        address=work.recipients[0].forward_path if is_one else "",
        tenant=message.tenant,
        stream=message.stream,
        campaign=message.campaign,
        sender_domain=message.header_from,
        topic=message.topic,
        language=message.language,
    )


def _parcel(work: Work, marks: Marks, signature: bytes, unsigned: str = "") -> Parcel:
    dkim = signature_names(signature)
    work = msgspec.structs.replace(work, dkim=dkim, unsigned=unsigned)
    message = work.message
    content, envelope = memoryview(message.content), message.envelope
    return Parcel(
        work,
        Transfer(
            reverse_path=marks.reverse_path,
            recipients=work.recipients,
            header=signature + marks.fields + content[: message.header_octets],
            body=content[message.header_octets :],  # no second copy of a large message (L3)
            has_dot_lines=message.has_dot_lines,
            body_8bit=envelope.body_8bit,
            smtputf8=envelope.smtputf8,
            ret=envelope.ret,
            envid=envelope.envid,
            reference=message_id_text(message.message_id),
        ),
    )
