"""One client's TCP connection: what the event loop and the listener call of it.

Each octet and each time limit is for the phase it is in (``phase`` shows them all); this module begins with the first
one and cleans up behind the last.
"""

import asyncio
import math
from collections.abc import Callable, Set
from typing import Final, cast

import msgspec

from angarium.queue.model import UnixMs
from angarium.smtp.refusal import Refusal, render
from angarium.smtp.server.settings import TlsFacts
from angarium.smtp_in.dialogue import Dialogue
from angarium.smtp_in.login import TIMEOUT, LoggingIn
from angarium.smtp_in.opening import Handshake, ProxyHeader
from angarium.smtp_in.phase import Phase, PhaseName
from angarium.smtp_in.reception import Reception
from angarium.smtp_in.wire import Wire

# ours: connections that read a 421, or owe a PROXY header
MAX_OTHERS: Final = 1000
# ours: a transaction under way at total_timeout_s may go on for as long again (S7: not for ever)
OVERTIME: Final = 2.0
_TOO_MANY: Final = Refusal(421, "4.3.2", "Too many connections; try again later")
_SHUTDOWN: Final = Refusal(421, "4.3.2", "Service shutting down")
_LOGIN_ENDED: Final = Refusal(421, "4.7.0", "This login is no longer valid")
_ENDED_BY_OPERATOR: Final = Refusal(421, "4.3.2", "Connection ended by the operator")


class InboundFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection is doing, for who asks."""

    id: int  # unique in its process
    client: str  # its address; of who has not said its PROXY header, the proxy's
    user: str  # logged in, or logging in; "": nobody
    phase: PhaseName
    since: UnixMs
    messages: int  # accepted
    tls: str  # "TLSv1.3"; "" in the clear


class InboundConnection(asyncio.Protocol):
    """Lives in ``connections`` from its first octet to its end.

    Time limits are looked at by ``check_time``, which the listener calls about once a second: a timer per command
    would cost more than the command.
    """

    def __init__(
        self,
        reception: Reception,
        loop: asyncio.AbstractEventLoop,
        connections: "dict[int, InboundConnection]",
        on_end: Callable[[], None],
    ) -> None:
        self.id = next(reception.numbers)
        self._reception = reception
        self._limits = reception.limits
        self._give_way = reception.desk.give_way
        self._loop = loop
        self._connections = connections
        self._on_end = on_end  # after it has left ``connections``
        self._client: str | None = None  # once it is counted among the reception's
        self._dialogue: Dialogue | None = None
        self._wire: Wire
        self._since = reception.clock()
        now, total_s = loop.time(), self._limits.total_timeout_s
        self._leave_at = now + total_s  # between two transactions
        self._end = now + OVERTIME * total_s  # in any case

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is no subclass; TCP_NODELAY is set
        self._wire = wire = Wire(cast(asyncio.Transport, transport), self._loop, self._gone)
        self._connections[self.id] = self
        address = wire.peer
        if address not in self._reception.proxies:
            self._admit(address)
        elif not self._are_too_many():  # once there is a header, its client is counted
            wire.phase = ProxyHeader(wire, self._limits.tls_handshake_timeout_s, self._admit)
        else:  # S12: never admitted as itself, since what follows is said by somebody else
            self._turn_away(address, _TOO_MANY)

    def data_received(self, data: bytes) -> None:
        self._give_way()
        self._wire.phase.take(data)

    def eof_received(self) -> bool:
        self._wire.has_ended = True
        return self._wire.phase.input_ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire.is_clogged = False
        self._wire.phase.lost()

    def pause_writing(self) -> None:
        self._wire.is_clogged = True  # the client does not read its replies: no more to do for it
        self._wire.stop_reading()

    def resume_writing(self) -> None:
        self._wire.is_clogged = False
        self._wire.go_on_reading()
        if self._dialogue is not None:
            self._dialogue.work()

    # What the listener calls

    def check_time(self, now: float) -> None:
        wire = self._wire
        if now >= self._leave_at:
            self._leave_at = math.inf
            wire.phase.leave(TIMEOUT)
        if now < wire.phase.deadline and now < self._end:
            return
        if wire.is_clogged:  # a farewell would not be read either
            wire.cut()
        else:
            wire.phase.ran_out(now)

    def leave(self) -> None:
        """Shut down: end with 421 as soon as no transaction is under way."""
        self._wire.phase.leave(_SHUTDOWN)

    @property
    def progress(self) -> tuple[Phase, float]:
        """What changes with each reply and each octet of content."""
        return self._wire.phase, self._wire.phase.deadline

    def end(self, *, is_shutdown: bool = False) -> None:
        """End with 421 now; a message that is being accepted gets its reply first."""
        if self._wire.is_clogged:
            self.abort()
        else:
            self._wire.phase.end(_SHUTDOWN if is_shutdown else _ENDED_BY_OPERATOR)

    def abort(self) -> None:
        """Cut the connection now; an acceptance under way is abandoned unanswered."""
        self._wire.phase.cut()

    def watch(self) -> None:
        """Begin or end to show what is said, as the reception wants it now."""
        if self._dialogue is not None:
            self._dialogue.watch()

    def end_login(self, users: Set[str]) -> None:
        """Of these users a session ends with 421 as soon as no transaction is under way, also if it just logs in."""
        dialogue = self._dialogue
        if dialogue is not None and self._user in users and not dialogue.session.is_leaving:
            self._wire.phase.leave(_LOGIN_ENDED)

    def describe(self) -> InboundFacts:
        wire, dialogue = self._wire, self._dialogue
        facts = wire.tls.facts if wire.tls is not None else None
        return InboundFacts(
            id=self.id,
            client=wire.peer if self._client is None else self._client,
            user=self._user,
            phase=wire.phase.name,
            since=self._since,
            messages=dialogue.session.messages if dialogue is not None else 0,
            tls=facts.version if facts is not None else "",
        )

    # Before the dialogue, and after all

    @property
    def _user(self) -> str:
        phase = self._wire.phase
        if isinstance(phase, LoggingIn):
            return phase.user
        return self._dialogue.session.user if self._dialogue is not None else ""

    def _admit(self, address: str) -> None:
        reception, wire = self._reception, self._wire
        refusal = reception.clients.admit(address)
        if refusal is not None:
            self._turn_away(address, refusal)
            return
        self._client = address
        reception.observer.connection_opened(address)
        if reception.implicit_tls:
            assert reception.tls is not None  # Reception has seen to it
            wire.begin_tls(reception.tls.context)
            wire.phase = Handshake(
                wire,
                self._limits.tls_handshake_timeout_s,
                self._implicit_tls_started,
                reception.observer,
            )
        else:
            dialogue = self._open_dialogue(address)
            # The banner goes out after the next look at the socket: who has talked by then did not wait (S6).
            self._loop.call_soon(self._loop.call_soon, dialogue.greet)

    def _implicit_tls_started(self, _: TlsFacts, plain: bytes) -> None:
        assert self._client is not None  # admitted before
        dialogue = self._open_dialogue(self._client)
        dialogue.session.receive(plain)
        dialogue.greet()

    def _open_dialogue(self, client: str) -> Dialogue:
        self._dialogue = dialogue = Dialogue(
            self._wire, self._reception, client, f"{self._reception.name}/{self.id}"
        )
        self._wire.phase = dialogue
        return dialogue

    def _are_too_many(self) -> bool:
        return len(self._connections) > self._limits.connections + MAX_OTHERS

    def _turn_away(self, address: str, refusal: Refusal) -> None:
        self._reception.observer.refused(address, refusal)
        if self._reception.implicit_tls or self._are_too_many():
            self._wire.cut()  # with implicit TLS, a reply in the clear would not be understood
        else:
            reply = render(refusal)
            self._reception.observer.replied(reply)
            self._wire.send(reply)
            self._wire.end(is_refused=True)

    def _gone(self) -> None:
        """Leave nothing behind."""
        if self._dialogue is not None:
            self._dialogue.close()
        if self._client is not None:
            self._reception.clients.leave(self._client)
            self._reception.observer.connection_closed(self._client)
            self._client = None
        self._connections.pop(self.id, None)
        self._on_end()
