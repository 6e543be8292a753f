"""The socket side of a client session: octets out and in, write pressure, and one timer. No policy.

A transaction runs inside the callbacks: when a flight's replies are complete, the next flight is written at once,
and the coroutine that waits is woken once, at the end.
"""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

import msgspec

from angarium.config.schema import DeliveryTimeouts, ProviderTimeouts
from angarium.queue.stage import Stage
from angarium.smtp.client.session import ClientSession
from angarium.smtp.client.transaction import Flight
from angarium.smtp.reply import PeerError
from angarium.smtp.tap import ENDED, Tap

JOINED_OCTETS: Final = 262_144  # a flight up to this size goes out in one write
BLOCK_OCTETS: Final = 65_536  # larger ones in blocks of this size, each within block_s
_HIGH_WATER: Final = JOINED_OCTETS + BLOCK_OCTETS  # what our side may hold of a slow peer's octets
_BIND_ERRORS: Final = (errno.EADDRNOTAVAIL, errno.EACCES, errno.EINVAL, errno.EAFNOSUPPORT)
_TICK_S: Final = 0.002  # a timer may fire so much early by the loop's clock


class BrokenError(Exception):
    """The exchange cannot be completed: the peer went, fell silent, or broke the protocol."""

    def __init__(self, kind: str, stage: Stage, text: str) -> None:
        super().__init__(text)
        self.kind = kind  # lost | timeout | protocol
        self.stage = stage  # what was awaited, or "data" while content could not be written
        self.text = text


def stage_limits(timeouts: DeliveryTimeouts) -> Mapping[str, float]:
    """Seconds to wait for the reply of each stage (RFC 5321 section 4.5.3.2)."""
    command_s = timeouts.command_s
    return dict.fromkeys(("starttls", "auth", "rset"), command_s) | {
        "ehlo": timeouts.ehlo_s or command_s,
        "helo": timeouts.ehlo_s or command_s,
        "mail": timeouts.mail_s or command_s,
        "rcpt": timeouts.rcpt_s or command_s,
        "banner": timeouts.banner_s,
        "data": timeouts.data_s,
        "final_dot": timeouts.final_dot_s,
        "quit": timeouts.quit_s,
        "block": timeouts.block_s,
    }


def timeouts_at(usual: DeliveryTimeouts, own: ProviderTimeouts) -> DeliveryTimeouts:
    """Return the usual ones with those of a provider over them: its ``command_s`` beats a usual ``mail_s``, too."""
    given = {name: each for name in own.__struct_fields__ if (each := getattr(own, name))}
    if "command_s" in given:
        given = {"ehlo_s": None, "mail_s": None, "rcpt_s": None} | given
    return msgspec.structs.replace(usual, **given)


class Peer(asyncio.Protocol):
    """One connection to another host, from connecting to the end.

    Invariant PE1: one exchange at a time, and its waiter is always resolved: by its replies, the timer, or the loss of
    the connection.

    Invariant PE2: what is buffered here is bounded by _HIGH_WATER and the reply parser's limits.
    """

    def __init__(
        self,
        session: ClientSession,
        limits: Mapping[str, float],
        loop: asyncio.AbstractEventLoop,
        tap: Tap | None = None,
    ) -> None:
        self.session = session
        self.tap = tap  # of who watches
        self.transport: asyncio.Transport | None = None
        self.content_sent = False  # the last octet of a message is with the kernel or before it
        self.closed: asyncio.Future[None] = loop.create_future()
        self.on_end: Callable[[], None] | None = None  # called once, while nothing is awaited
        self._limits = limits
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._failure: BrokenError | None = None  # the first one; the connection is of no use then
        self._in_transaction = False
        self._paused = False
        self._unsent = b""  # the next block of a large flight; empty: all is written
        self._blocks: Iterator[bytes] = iter(())  # those behind it
        self._unsent_ends_content = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._since = 0.0  # when the peer last got on with it
        self._replies_seen = 0  # of the flight under way

    @property
    def is_open(self) -> bool:
        return self.session.is_open and self.transport is not None

    def loop_time(self) -> float:
        return self._loop.time()

    # -- for the connection

    async def exchange(self, octets: bytes, *, shown: bytes | None = None) -> None:
        """Send a command (or nothing: the banner) and wait for its reply. Raises BrokenError.

        ``shown``: what those who watch see of it, where that is less.
        """
        if not self.session.awaits_reply:
            return  # the banner may be there already
        if self._failure is not None:
            raise self._failure
        if octets and self.transport is not None:
            if self.tap is not None:
                self.tap.client(octets if shown is None else shown)
            self.transport.write(octets)
        await self._wait()

    async def carry(self, flight: Flight) -> None:
        """Send a transaction's first flight and all that follow. Raises BrokenError."""
        self.content_sent = False
        if self._failure is not None:
            raise self._failure
        self._in_transaction = True
        try:
            self._send(flight)
            await self._wait()
        finally:
            self._in_transaction = False
            self._drop_unsent()

    def close(self) -> None:
        self.session.is_open = False
        if self.transport is not None:
            self.transport.close()

    def abort(self, reason: str = "") -> None:
        """Drop the connection and what is still to be written. ``reason``: for what is awaited, if we do it first."""
        if reason and self._failure is None and self.transport is not None:
            stage = "data" if self._paused or self._unsent else self.session.stage
            self._failure = BrokenError("lost", stage, reason)
        self.session.is_open = False
        self._drop_unsent()
        if self.transport is not None:
            self.transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        transport.set_write_buffer_limits(high=_HIGH_WATER, low=BLOCK_OCTETS)  # PE2

    def data_received(self, data: bytes) -> None:
        session = self.session
        if self.tap is not None:
            self.tap.server(data)
        try:
            complete = session.receive(data)
            if self._waiter is None:
                if not session.is_open:
                    if self.transport is not None:
                        self.transport.close()  # 421 to an idle connection, or octets out of turn
                    self._tell_end()
                return
            if not complete:
                if session.replies_received > self._replies_seen:
                    # A reply, not an octet: else one octet every few minutes would hold the message for ever (S11)
                    self._replies_seen = session.replies_received
                    self._since = self._loop.time()
                    self._arm()
                return
            if self._in_transaction:
                if self._paused or self._unsent:
                    self._early_reply()
                flight = session.next_flight()
                if flight is not None:
                    self._send(flight)
                    self._since = self._loop.time()
                    self._arm()
                    return
        except PeerError as error:
            self._fail("protocol", f"protocol error: {error}")
            return
        self._resolve(None)

    def eof_received(self) -> bool:
        self.session.is_open = False
        self._tell_end()
        return False  # the transport closes itself; connection_lost follows

    def connection_lost(self, exc: Exception | None) -> None:
        self.session.is_open = False
        stage = "data" if self._paused or self._unsent else self.session.stage
        self.transport = None
        if self.tap is not None:
            self.tap.end(os_reason(exc) if exc is not None else ENDED)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reason = os_reason(exc) if exc is not None else "connection closed by the peer"
        if self._failure is None:
            self._failure = BrokenError("lost", stage, reason)
        self._resolve(self._failure)  # PE1
        self._tell_end()
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self._paused = True
        self._since = self._loop.time()
        self._arm()

    def resume_writing(self) -> None:
        self._paused = False
        self._since = self._loop.time()
        self._write_blocks()
        self._arm()

    # --

    def _tell_end(self) -> None:
        tell, self.on_end = self.on_end, None
        if tell is not None:
            tell()

    def _send(self, flight: Flight) -> None:
        assert self.transport is not None
        self._replies_seen = 0
        octets = flight.octets
        if self.tap is not None:
            self._show(flight, self.tap)
        if flight.size <= JOINED_OCTETS:
            self.content_sent = flight.ends_content
            if flight.has_dots:
                octets = tuple(flight.blocks(JOINED_OCTETS))
            self.transport.write(octets[0] if len(octets) == 1 else b"".join(octets))
            return
        self._blocks = flight.blocks(BLOCK_OCTETS)
        self._unsent = next(self._blocks)
        self._unsent_ends_content = flight.ends_content
        self._write_blocks()

    def _show(self, flight: Flight, tap: Tap) -> None:
        """Commands as they are, content by its size."""
        content = flight.octets
        if flight.begins_with_commands:
            tap.client(bytes(flight.octets[0]))  # RFC 3030: BDAT is written before its octets
            content = flight.octets[1:]
        if content:
            tap.content(sum(map(len, content)))

    def _write_blocks(self) -> None:
        while self._unsent and not self._paused and self.transport is not None:
            block, self._unsent = self._unsent, next(self._blocks, b"")
            if not self._unsent:
                self.content_sent = self._unsent_ends_content
            self.transport.write(block)  # may pause us: PE2

    def _drop_unsent(self) -> None:
        self._unsent, self._blocks = b"", iter(())

    def _early_reply(self) -> None:
        """The reply came before the content was out: what is unsent stays so, and ends the session."""
        self._drop_unsent()
        positive = self.session.reply.code < 400
        self.content_sent = False
        self.session.is_open = False
        if positive:
            raise PeerError("a positive reply to a message that was not yet sent")

    async def _wait(self) -> None:
        waiter = self._waiter = self._loop.create_future()
        self._since = self._loop.time()
        self._arm()
        try:
            await waiter
        except asyncio.CancelledError:
            self.abort()  # half a transaction is of no use to anyone
            raise
        finally:
            self._waiter = None

    def _resolve(self, error: BrokenError | None) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    def _fail(self, kind: str, text: str) -> None:
        stage = "data" if self._paused or self._unsent else self.session.stage
        if self._failure is None:
            self._failure = BrokenError(kind, stage, text)
        self._resolve(self._failure)
        self.abort()

    def _limit(self) -> float:
        return self._limits["block" if self._paused else self.session.stage]

    def _arm(self) -> None:
        """One timer per connection: set anew only when it would come too late."""
        deadline = self._since + self._limit()
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        if self.transport is not None:
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        limit = self._limit()
        if self._loop.time() + _TICK_S < self._since + limit:
            self._arm()
        elif self._paused:
            self._fail("timeout", f"octets could not be sent within {limit:g} s")  # PE1
        elif self.session.is_amid_reply:
            # Not silence: to whatever comes after it, the host may answer
            self._fail("protocol", f"protocol error: a reply without its end within {limit:g} s")
        else:
            self._fail("timeout", f"no reply within {limit:g} s")


def is_own_fault(error: BaseException, bind_address: str | None) -> bool:
    """Whether our own address is why a connection could not be opened."""
    return bool(bind_address) and isinstance(error, OSError) and error.errno in _BIND_ERRORS


def connect_reason(error: BaseException, bind_address: str | None) -> str:
    """The same of a connection that could not be opened; where our own address is the reason, say so."""
    if is_own_fault(error, bind_address):
        return f"our source address {bind_address} cannot be used: {os_reason(error)}"
    return os_reason(error)


def os_reason(error: BaseException) -> str:
    """The system's words for an error, without addresses and numbers around them."""
    if isinstance(error, OSError) and error.strerror:
        return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return str(error) or type(error).__name__
