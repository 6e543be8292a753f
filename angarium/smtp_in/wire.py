"""The octets of one connection, in the clear or under TLS, and the phase that they go to. Knows no SMTP."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from angarium.smtp.refusal import Refusal
from angarium.smtp_in.phase import Phase, PhaseName
from angarium.smtp_in.tls_layer import TlsLayer

# ours: for the client to read our last reply and close
LINGER_S: Final = 5.0


class Wire:
    """What the phases of a connection share. Two facts are the network's, not a phase's: what each side can do.

    Invariant WI1: after ``end`` or ``gone`` nothing more is written, and nothing that is read goes anywhere.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        on_gone: Callable[[], None],
    ) -> None:
        self.loop = loop
        self.tls: TlsLayer | None = None
        # until the first one is entered: nothing is owed to the client
        self.phase: Phase = _Closing(self, loop.time(), is_refused=True)
        self.has_ended = False  # the client sends nothing more
        self.is_clogged = False  # the client does not read
        self._transport = transport
        self._on_gone = on_gone

    @property
    def peer(self) -> str:
        """The address that the network knows; "": gone already."""
        name = self._transport.get_extra_info("peername")
        return name[0] if isinstance(name, tuple) else ""

    def begin_tls(self, context: ssl.SSLContext) -> None:
        """What comes and goes from now on is TLS, its handshake first."""
        self.tls = TlsLayer(context)

    def decrypt(self, octets: bytes) -> bytes | None:
        """Return plain octets, None if the connection is done for. Sends what TLS itself has to say."""
        tls = self.tls
        if tls is None:
            return octets
        plain: bytes | None = None
        try:
            plain = tls.receive(octets)
        except ssl.SSLError:
            self._transport.write(tls.outgoing())  # the alert that says why
            self._transport.close()
            return None
        if outgoing := tls.outgoing():
            self._transport.write(outgoing)
        if tls.is_ended:
            self.has_ended = True
        return plain

    def send(self, octets: bytes) -> None:
        tls = self.tls
        if tls is not None:
            try:
                tls.send(octets)
            except ssl.SSLError:
                self._transport.abort()
                return
            octets = tls.outgoing()
        self._transport.write(octets)

    def stop_reading(self) -> None:
        """What the client has sent is enough for now."""
        self._transport.pause_reading()

    def go_on_reading(self) -> None:
        if not self.is_clogged:
            self._transport.resume_reading()

    def end(self, *, is_refused: bool = False) -> None:
        """End our side; go on reading for a while, else the last reply could be lost to a reset.

        ``is_refused``: the client was never let in, so nothing is owed to it.
        """
        self.phase = _Closing(self, self.loop.time() + LINGER_S, is_refused=is_refused)  # WI1
        if self.tls is not None:
            self.tls.end()
            self._transport.write(self.tls.outgoing())
        if self.has_ended:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has gone before
            self._transport.close()

    def cut(self) -> None:
        self._transport.abort()

    def gone(self) -> None:
        """There is no connection any more, and nothing of it is under way."""
        self.phase = _Gone()  # WI1
        self._on_gone()


class _Closing(Phase):
    name = PhaseName.CLOSING

    def __init__(self, wire: Wire, deadline: float, *, is_refused: bool) -> None:
        self._wire = wire
        self.deadline = deadline
        self._is_refused = is_refused

    def leave(self, why: Refusal) -> None:
        if self._is_refused:
            self.cut()

    def cut(self) -> None:
        self._wire.cut()

    def lost(self) -> None:
        self._wire.gone()


class _Gone(Phase):
    name = PhaseName.GONE
    deadline = 0.0

    def cut(self) -> None: ...

    def lost(self) -> None: ...
