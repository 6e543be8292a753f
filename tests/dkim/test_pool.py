"""Mirrors angarium/dkim/pool.py."""

import asyncio
from collections.abc import Iterator

import pytest

from angarium.config.schema import Dkim
from angarium.dkim import KeyRing, Signer, SigningKey, SigningPool, UnsignableMessageError
from angarium.dkim.pool import INLINE_OCTETS
from angarium.queue.model import UnixMs

NOW = UnixMs(1_767_225_600_000)
HEADER = b"From: a@example.com\r\nSubject: %d\r\n\r\n"


def content(number: int, body: bytes = b"body\r\n") -> tuple[bytes, int]:
    header = HEADER % number
    return header + body, len(header)


@pytest.fixture
def signer(rsa_key: SigningKey, ed25519_key: SigningKey) -> Signer:
    return Signer(KeyRing([rsa_key, ed25519_key]), Dkim())


@pytest.fixture
def pool(signer: Signer) -> Iterator[SigningPool]:
    pool = SigningPool(signer, threads=2)
    yield pool
    pool.close()


async def test_the_pool_signs_as_the_signer_does(pool: SigningPool, signer: Signer) -> None:
    messages = [content(number) for number in range(100)]
    messages.append(content(100, b"x" * 100 + b"\r\n"))
    messages.append(content(101, (b"x" * 100 + b"\r\n") * (INLINE_OCTETS // 100)))
    fields = await asyncio.gather(*[pool.sign(*each, "example.com", NOW) for each in messages])
    # RSA with PKCS #1 v1.5 and Ed25519 are deterministic: each caller got its own message's fields.
    assert fields == [signer.sign(*each, "example.com", NOW) for each in messages]


async def test_an_exchanged_signer_signs_what_comes_from_then_on(
    pool: SigningPool, signer: Signer, rsa_key: SigningKey
) -> None:
    begun = [pool.sign(*content(number), "example.com", NOW) for number in range(20)]
    other = Signer(KeyRing([rsa_key]), Dkim(canonicalization="simple/simple"))
    pool.exchange(other, threads=1)
    later = [pool.sign(*content(number), "example.com", NOW) for number in range(20)]
    for number, (first, second) in enumerate(zip(begun, later, strict=True)):
        assert first is not None
        assert second is not None
        assert await first == signer.sign(*content(number), "example.com", NOW)
        assert await second == other.sign(*content(number), "example.com", NOW)


@pytest.mark.parametrize("octets", [6, INLINE_OCTETS + 1])
async def test_what_goes_in_front_is_signed_too(
    pool: SigningPool, signer: Signer, octets: int
) -> None:
    message, front = content(1, b"x" * octets + b"\r\n"), b"Feedback-ID: a:b:c:d\r\n"
    signed = pool.sign(*message, "example.com", NOW, front)
    assert signed is not None
    assert await signed == signer.sign(*message, "example.com", NOW, front)
    assert await signed != signer.sign(*message, "example.com", NOW)


async def test_a_domain_without_a_key_costs_no_thread(pool: SigningPool) -> None:
    assert pool.sign(*content(1), "example.net", NOW) is None


@pytest.mark.parametrize(
    "body", [b"", b"x" * (INLINE_OCTETS + 1)], ids=["on the loop", "in a thread"]
)
async def test_a_refusal_reaches_the_caller_and_the_pool_goes_on(
    body: bytes, pool: SigningPool
) -> None:
    bad = b"From: a\r\nFrom: b\r\n\r\n"
    with pytest.raises(UnsignableMessageError):
        await pool.sign(bad + body, len(bad), "example.com", NOW)
    assert await pool.sign(*content(1), "example.com", NOW)


async def test_a_caller_that_gives_up_does_not_hurt_the_others(
    pool: SigningPool, signer: Signer
) -> None:
    futures = [pool.sign(*content(number), "example.com", NOW) for number in range(60)]
    for future in futures[::2]:
        assert future is not None
        future.cancel()
    results = await asyncio.gather(*filter(None, futures), return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in results[::2])
    assert results[1] == signer.sign(*content(1), "example.com", NOW)
    assert all(isinstance(each, bytes) for each in results[1::2])


async def test_the_pool_rests_and_works_again(pool: SigningPool) -> None:
    for number in range(20):  # one at a time: each finds the workers gone, or going
        assert await pool.sign(*content(number), "example.com", NOW)
