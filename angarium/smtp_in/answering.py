"""The session has asked for something and waits for its answer. Knows not what."""

from collections.abc import Callable
from typing import Final

from angarium.smtp.refusal import Refusal
from angarium.smtp.server.session import ServerSession
from angarium.smtp_in.phase import Phase
from angarium.smtp_in.wire import Wire

# ours: what is pipelined behind a message that is being accepted
BUFFERED_OCTETS: Final = 65_536


class Answering(Phase):
    """What the client says meanwhile is kept, up to BUFFERED_OCTETS and a read; its half-close waits for our reply."""

    __slots__ = ("_is_lost", "_resume", "_session", "_wire")

    def __init__(self, wire: Wire, session: ServerSession, resume: Callable[[], None]) -> None:
        """``resume`` goes back to the dialogue, once the session has its answer."""
        self._wire = wire
        self._session = session
        self._resume = resume
        self._is_lost = False
        if session.buffered_octets > BUFFERED_OCTETS:
            wire.stop_reading()

    def take(self, octets: bytes) -> None:
        plain = self._wire.decrypt(octets)
        if plain:
            self._session.receive(plain)
            if self._session.buffered_octets > BUFFERED_OCTETS:
                self._wire.stop_reading()

    def input_ended(self) -> bool:
        return True

    def leave(self, why: Refusal) -> None:
        self._session.leave(why)
