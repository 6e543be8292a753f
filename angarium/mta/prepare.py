"""Turns claimed work into the transaction that goes out: signature first, then the content as it was accepted."""

from collections.abc import Callable
from typing import Protocol

from angarium.dkim import UnsignableMessageError
from angarium.mta.transfer import Transfer
from angarium.mta.work import Work
from angarium.queue import UnixMs


class Sign(Protocol):
    """Returns the signature fields to put in front, b"" when no key is for the domain."""

    async def __call__(
        self, content: bytes, header_octets: int, header_from: str, now: UnixMs
    ) -> bytes: ...


class Preparer:
    def __init__(
        self,
        sign: Sign | None,
        clock: Callable[[], UnixMs],
        unsignable: Callable[[Work, UnsignableMessageError], None],
    ) -> None:
        """``sign`` is None when there are no keys at all."""
        self._sign = sign
        self._clock = clock
        self._unsignable = unsignable

    async def __call__(self, work: Work) -> Transfer:
        """Sign and address. A message that may not be signed goes out unsigned, and is reported."""
        message = work.message
        content = message.content
        signature = b""
        if self._sign is not None and message.header_from:
            try:
                signature = await self._sign(
                    content, message.header_octets, message.header_from, self._clock()
                )
            except UnsignableMessageError as error:
                self._unsignable(work, error)
        envelope = message.envelope
        return Transfer(
            reverse_path=envelope.reverse_path,
            recipients=work.recipients,
            header=signature + content[: message.header_octets],
            body=content[message.header_octets :],
            has_dot_lines=message.has_dot_lines,
            body_8bit=envelope.body_8bit,
            smtputf8=envelope.smtputf8,
            ret=envelope.ret,
            envid=envelope.envid,
        )
