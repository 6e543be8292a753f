"""Mirrors angarium/mta/egress/packing.py."""

import asyncio
from typing import Any

import msgspec
import pytest

from angarium.dkim import UnsignableMessageError
from angarium.feedback.marks import Marks
from angarium.feedback.reference import Subject
from angarium.mta.egress.packing import (
    INLINE_OCTETS,
    YIELD_AFTER,
    NotSigned,
    Packer,
    WithheldError,
)
from angarium.mta.egress.work import Parcel, Work, split
from angarium.mta.transport.transfer import Transfer
from angarium.queue import Claimed, ClaimedMessage, Personal, UnixMs
from tests.mta.egress.fakes import SetClock, head, message, parcel, settle


class Signer:
    """Signs when it is told to; by the domain of the author."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[bytes]] = []
        self.signed: list[bytes] = []

    def sign(
        self,
        content: bytes,
        header_octets: int,
        header_from: str,
        now: int,
        front: bytes = b"",
        tenant: str = "",
    ) -> Any:
        if header_from == "no-key.example":
            return None
        if header_from == "unsignable.example":
            raise UnsignableMessageError("two of them")
        if header_from == "defect.example":
            raise RuntimeError
        self.signed.append(front + content)
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


class FakeMarker:
    """Marks with what it was asked for."""

    def __init__(self) -> None:
        self.subjects: list[Subject] = []
        self.headers: list[bytes] = []
        self.times: list[UnixMs] = []

    def mark(
        self, subject: Subject, reverse_path: str, header_from: str, header: bytes, now: UnixMs
    ) -> Marks:
        self.subjects.append(subject)
        self.headers.append(header)
        self.times.append(now)
        return Marks(reverse_path=f"token+{reverse_path}", fields=b"X-Mark: m\r\n")


class Rig:
    def __init__(self, *, is_required: bool = False, marker: FakeMarker | None = None) -> None:
        self.signer = Signer()
        self.clock = SetClock()
        self.unsigned: list[NotSigned] = []
        self.packer = Packer(
            self.signer,
            self.clock,
            lambda work, reason: self.unsigned.append(reason),
            lambda: is_required,
            marker,
        )
        self.parcels: list[Parcel] = []
        self.failed: list[BaseException] = []

    async def pack(self, *domains: str) -> None:
        of = [message([head(n)], header_from=each) for n, each in enumerate(domains, 1)]
        await self.packer.pack(
            [Work(each, each.recipients) for each in of],
            self.parcels.append,
            lambda work, error: self.failed.append(error),
        )

    def numbers(self) -> list[int]:
        return [each.work.message.message_id[-1] for each in self.parcels]


async def test_the_signature_comes_first_then_the_content_as_it_was_accepted() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack("key.example"))
    await settle()
    rig.signer.futures[0].set_result(b"DKIM-Signature: x\r\n")
    await task
    (parcel,) = rig.parcels
    content = parcel.work.message.content
    assert parcel.transfer.header == b"DKIM-Signature: x\r\n" + content[:8]
    assert parcel.transfer.body == content[8:]
    assert parcel.transfer.recipients == parcel.work.recipients


async def test_marks_are_signed_and_stand_between_the_signature_and_the_content() -> None:
    marker = FakeMarker()
    rig = Rig(marker=marker)
    task = asyncio.create_task(rig.pack("key.example", "no-key.example"))
    await settle()
    rig.signer.futures[0].set_result(b"DKIM-Signature: x\r\n")
    await task
    signed, unsigned = (each.transfer for each in rig.parcels)
    assert signed.header == b"DKIM-Signature: x\r\nX-Mark: m\r\nA: b\r\n\r\n"
    assert unsigned.header == b"X-Mark: m\r\nA: b\r\n\r\n"
    assert signed.reverse_path == "token+" + rig.parcels[0].work.message.envelope.reverse_path
    assert rig.signer.signed[0].startswith(b"X-Mark: m\r\nA: b\r\n")
    assert marker.headers[0] == b"A: b\r\n\r\n"


class FakeFiller:
    def fill(
        self, message: ClaimedMessage, personal: Personal, recipient: Claimed, now: UnixMs
    ) -> bytes:
        return message.content + f"for {recipient.forward_path}".encode()


def personal(index: int) -> Work:
    of = message([head(7, 0), head(7, 1)], header_from="key.example")
    of = msgspec.structs.replace(of, personal=Personal())
    (work,) = [each for each in split([of], 100) if each.recipients[0].id.index == index]
    return work


async def test_personal_parts_are_put_in_before_the_signature_and_what_is_reserved_stays() -> None:
    rig = Rig()
    rig.packer.filler = FakeFiller()
    work = personal(1)
    assert len(work.recipients) == 1
    task = asyncio.create_task(rig.packer.pack([work], rig.parcels.append, lambda *_: None))
    await settle()
    rig.signer.futures[0].set_result(b"DKIM-Signature: x\r\n")
    await task
    (parcel,) = rig.parcels
    ends = f"for {work.recipients[0].forward_path}".encode()
    assert rig.signer.signed[0].endswith(ends)
    assert bytes(parcel.transfer.body).endswith(ends)
    assert parcel.work.octets == len(work.message.content)
    assert parcel.again([], counts=False, is_detour=False).work.octets == work.octets


async def test_personal_mail_waits_where_nobody_can_fill_it() -> None:
    rig = Rig()
    failed: list[BaseException] = []
    work = personal(0)
    await rig.packer.pack([work], rig.parcels.append, lambda _, error: failed.append(error))
    assert [type(each) for each in failed] == [WithheldError]
    assert not rig.parcels


async def test_a_transaction_of_one_recipient_is_marked_as_that_persons() -> None:
    marker = FakeMarker()
    rig = Rig(marker=marker)
    of = message([head(7, 0), head(7, 1)], header_from="no-key.example")
    works = [Work(of, of.recipients), Work(of, of.recipients[1:])]
    await rig.packer.pack(works, rig.parcels.append, lambda *_: None)
    several, one = marker.subjects
    assert (several.index, several.address) == (None, "")
    assert (one.index, one.address) == (1, of.recipients[1].forward_path)
    assert (one.tenant, one.stream, one.sender_domain) == (of.tenant, of.stream, "no-key.example")


async def test_each_attempt_at_a_message_has_the_same_marks_however_late_it_is() -> None:
    marker = FakeMarker()
    rig = Rig(marker=marker)
    of = message([head(7)], header_from="no-key.example")
    for later in (0, 10**9):
        rig.clock.now += later
        await rig.packer.pack([Work(of, of.recipients)], rig.parcels.append, lambda *_: None)
    assert marker.times == [of.accepted, of.accepted]


async def test_what_is_converted_keeps_its_marks() -> None:
    rig = Rig(marker=FakeMarker())
    transfer = await convert(rig, b"MIME-Version: 1.0\r\n\r\n\xc3\xa4\r\n", "key.example")
    assert transfer is not None
    assert transfer.header.startswith(b"DKIM-Signature: x\r\nX-Mark: m\r\nMIME-Version: 1.0\r\n")
    assert rig.signer.signed[0].startswith(b"X-Mark: m\r\n")


async def test_without_a_key_or_an_author_it_goes_unsigned_at_once() -> None:
    rig = Rig()
    await rig.pack("no-key.example", "")
    assert [each.transfer.header for each in rig.parcels] == [b"A: b\r\n\r\n"] * 2
    assert [each.kind for each in rig.unsigned] == ["no_key", "no_from"]
    assert rig.parcels[0].work.unsigned == "no DKIM key for no-key.example"


async def test_parcels_keep_their_order_whichever_signature_is_done_first() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack("key.example", "no-key.example", "key.example"))
    await settle()
    rig.signer.futures[1].set_result(b"")
    await settle()
    assert rig.numbers() == []
    rig.signer.futures[0].set_result(b"")
    await task
    assert rig.numbers() == [1, 2, 3]
    assert [each.kind for each in rig.unsigned] == ["no_key"] * 3


async def test_what_is_signed_goes_while_others_of_its_batch_are_being_signed() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack(*["key.example"] * YIELD_AFTER, "key.example"))
    await asyncio.sleep(0)
    rig.signer.futures[0].set_result(b"")
    await settle()
    assert rig.numbers() == [1]
    for future in rig.signer.futures[1:]:
        future.set_result(b"")
    await task
    assert len(rig.parcels) == YIELD_AFTER + 1


async def test_what_may_not_be_signed_goes_unsigned_and_is_reported() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack("unsignable.example", "key.example"))
    await settle()
    rig.signer.futures[0].set_exception(UnsignableMessageError("large"))
    await task
    assert (rig.numbers(), len(rig.unsigned)) == ([1, 2], 2)
    assert [each.work.unsigned for each in rig.parcels] == ["two of them", "large"]


async def test_a_defect_ends_one_message_not_its_batch() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack("defect.example", "key.example", "no-key.example"))
    await settle()
    rig.signer.futures[0].set_exception(RuntimeError())
    await task
    assert (rig.numbers(), len(rig.failed)) == ([3], 2)


async def convert(rig: Rig, content: bytes, header_from: str) -> Transfer | None:
    of = message([head(1)], header_from=header_from)
    header_octets = content.find(b"\r\n\r\n") + 4
    of = msgspec.structs.replace(of, content=content, header_octets=header_octets)
    work = Work(of, of.recipients)
    rig.signer.futures.clear()
    given = msgspec.structs.replace(parcel(work), work=work)
    task = asyncio.create_task(rig.packer.seven_bit(given))
    while not task.done() and not rig.signer.futures:
        await asyncio.sleep(0.001)
    for each in rig.signer.futures:
        each.set_result(b"DKIM-Signature: x\r\n")
    return await task


@pytest.mark.parametrize("octets", [10, INLINE_OCTETS])
async def test_what_is_converted_to_seven_bits_is_signed_as_it_then_is(octets: int) -> None:
    rig = Rig()
    content = b"MIME-Version: 1.0\r\n\r\n" + b"x" * octets + b"\xc3\xa4.\r\n"
    transfer = await convert(rig, content, "key.example")
    assert transfer is not None
    assert transfer.header.startswith(b"DKIM-Signature: x\r\nMIME-Version: 1.0\r\nContent-Transfer")
    assert bytes(transfer.body).isascii()
    assert not transfer.body_8bit
    (signed,) = rig.signer.signed
    assert signed == transfer.header.removeprefix(b"DKIM-Signature: x\r\n") + transfer.body


async def test_what_is_converted_goes_unsigned_where_it_did_before() -> None:
    rig = Rig()
    for domain in ("", "no-key.example", "unsignable.example"):
        transfer = await convert(rig, b"A: b\r\n\r\n\xc3\xa4\r\n", domain)
        assert transfer is not None
        assert transfer.header.startswith(b"A: b\r\n")
    assert len(rig.unsigned) == 3


async def test_what_cannot_be_converted_is_none() -> None:
    assert await convert(Rig(), b"A: \xc3\xa4\r\n\r\n\xc3\xa4\r\n", "key.example") is None


async def test_what_was_handed_on_is_not_kept_while_others_are_signed_l3() -> None:
    rig = Rig()
    works = [
        Work(each, each.recipients)
        for each in (message([head(1)]), message([head(2)], "key.example"))
    ]
    packing = asyncio.create_task(rig.packer.pack(works, rig.parcels.append, lambda *_: None))
    await settle()
    assert (rig.numbers(), works) == ([1], [])  # the second waits for its signature
    rig.signer.futures[0].set_result(b"")
    await packing
    assert rig.numbers() == [1, 2]


async def test_work_names_the_keys_that_signed_it() -> None:
    rig = Rig()
    task = asyncio.create_task(rig.pack("key.example"))
    await settle()
    fields = b"DKIM-Signature: v=1; a=rsa-sha256; d=key.example;\r\n s=s1; t=1;\r\n b=abc\r\n"
    rig.signer.futures[0].set_result(fields)
    await task
    assert rig.parcels[0].work.dkim == ("s1._domainkey.key.example",)
    assert (rig.parcels[0].work.unsigned, rig.unsigned) == ("", [])


async def test_what_must_be_signed_never_goes_unsigned() -> None:
    rig = Rig(is_required=True)
    task = asyncio.create_task(rig.pack("no-key.example", "", "unsignable.example", "key.example"))
    await settle()
    rig.signer.futures[0].set_result(b"")
    await task
    assert rig.parcels == []
    assert [type(each) for each in rig.failed] == [WithheldError] * 4
    assert "no DKIM key for no-key.example, and dkim.required" in str(rig.failed[0])
