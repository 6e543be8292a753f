"""The session and the client talk: octets in, replies out, and the session's events to whom they are for."""

from typing import Final, assert_never

from angarium.smtp.refusal import Refusal
from angarium.smtp.server.event import (
    AuthRequested,
    CloseRequested,
    Event,
    MessageReceived,
    StartTlsRequested,
)
from angarium.smtp.server.session import ServerSession
from angarium.smtp.server.settings import ClientFacts, TlsFacts
from angarium.smtp.tap import ENDED
from angarium.smtp_in.acceptance import Accepting
from angarium.smtp_in.login import TIMEOUT, LoggingIn, password_of, welcome
from angarium.smtp_in.opening import Handshake
from angarium.smtp_in.phase import Phase, PhaseName
from angarium.smtp_in.reception import Reception
from angarium.smtp_in.wire import Wire
from angarium.telemetry.log import LOG_IDS


class Dialogue(Phase):
    """Owns the session for as long as the connection lasts, and is its phase while the client has the word.

    The deadline moves with each reply, and with each octet of content: a command that trickles in gains no time.
    """

    name = PhaseName.DIALOGUE

    def __init__(self, wire: Wire, reception: Reception, client: str, session_id: str) -> None:
        self._wire = wire
        self._reception = reception
        self._limits = reception.limits
        self._client = client
        # As ``postmaster connections`` and ``trace`` call it
        self._log_ids: Final = {"session_id": session_id}
        self.session = ServerSession(
            reception.replies,
            ClientFacts(
                address=client,
                trusted=client in reception.trusted,
                clear_auth=client in reception.clear_auth,
            ),
            reception.budget,
            tls=wire.tls.facts if wire.tls is not None else None,
            may_receive=reception.desk.may_receive,
            on_refused=self._note_refusal,
        )
        self.deadline = wire.loop.time() + self._limits.command_timeout_s
        self.watch()

    # Phase

    def take(self, octets: bytes) -> None:
        wire = self._wire
        plain = octets if wire.tls is None else wire.decrypt(octets)
        if plain is None:
            return
        if plain:
            self.session.receive(plain)
            self.work()
        if wire.has_ended:
            self._end_with_client()

    def ran_out(self, now: float) -> None:
        self.end(TIMEOUT)

    def leave(self, why: Refusal) -> None:
        self.session.leave(why)
        self.work()

    def end(self, why: Refusal) -> None:
        self.session.abort(why)
        self.work()

    def cut(self) -> None:
        self._wire.cut()

    def lost(self) -> None:
        self._wire.gone()

    # What the connection calls

    def greet(self) -> None:
        if self._wire.phase is self:
            self.session.greet()
            self.work()

    def work(self) -> None:
        """Let the session work through its input, and send what it says."""
        before = LOG_IDS.set(self._log_ids)
        try:
            self._work()
        finally:
            LOG_IDS.reset(before)

    def _work(self) -> None:
        wire, session = self._wire, self.session
        if wire.phase is not self:
            return
        while wire.phase is self and not wire.is_clogged:
            event = session.next_event()
            if event is None:
                break
            self._act_on(event)
        replies = session.outgoing()
        if replies:
            self._reception.observer.replied(replies)
            if session.tap is not None:
                session.tap.server(replies)
            wire.send(replies)
        if wire.phase is not self:
            return  # it has its own deadline
        if session.is_receiving:
            self.deadline = wire.loop.time() + self._limits.data_timeout_s
        elif replies:
            self.deadline = wire.loop.time() + self._limits.command_timeout_s

    def watch(self) -> None:
        """Begin or end to show what is said, as the reception wants it now."""
        session, open_tap = self.session, self._reception.open_tap
        if open_tap is None:
            session.tap = None
        elif session.tap is None:
            session.tap = open_tap(self._client)
            self._note_tls()

    def close(self) -> None:
        """There is no connection any more."""
        self.session.close()
        if self.session.tap is not None:
            self.session.tap.end(ENDED)
            self.session.tap = None

    # Events

    def _act_on(self, event: Event) -> None:
        match event:
            case MessageReceived():
                answer = self._reception.desk.accept(event.message)
                if isinstance(answer, Refusal):
                    self.session.refuse_message(answer)
                else:
                    self._wire.phase = Accepting(
                        self._wire, self.session, self._resume, answer, self._reception
                    )
            case AuthRequested():
                self._log_in(event)
            case StartTlsRequested():
                self._begin_tls()
            case CloseRequested():
                self._send_last_reply()
                self._wire.end()
            case _:
                assert_never(event)

    def _log_in(self, event: AuthRequested) -> None:
        reception = self._reception
        assert reception.logins is not None  # Reception has seen to it
        # This look may find the user changed, which ends older sessions: not ours, which is nobody's yet.
        known = reception.logins.find_cached(event.user, password_of(event))
        if known is not None:
            welcome(known, self.session, self._client, reception.observer)
        else:
            self._wire.phase = LoggingIn(
                self._wire, self.session, self._resume, event, self._client, reception
            )

    def _begin_tls(self) -> None:
        self._send_last_reply()
        assert self._reception.tls is not None  # Reception has seen to it
        self._wire.begin_tls(self._reception.tls.context)
        self._wire.phase = Handshake(
            self._wire,
            self._limits.tls_handshake_timeout_s,
            self._tls_started,
            self._reception.observer,
            self.session,
        )

    def _tls_started(self, facts: TlsFacts, plain: bytes) -> None:
        self._note_tls()
        self.session.tls_started(facts)
        self.session.receive(plain)
        self.deadline = self._wire.loop.time() + self._limits.command_timeout_s
        self._resume()

    def _resume(self) -> None:
        """An event has been answered: go on."""
        wire = self._wire
        wire.phase = self
        wire.go_on_reading()
        self.work()
        if wire.has_ended:
            self._end_with_client()

    def _end_with_client(self) -> None:
        if self._wire.phase is self:
            self._wire.end()

    def _send_last_reply(self) -> None:
        octets = self.session.outgoing()
        self._reception.observer.replied(octets)
        if self.session.tap is not None:
            self.session.tap.server(octets)
        self._wire.send(octets)

    def _note_tls(self) -> None:
        tls, tap = self._wire.tls, self.session.tap
        if tap is not None and tls is not None and tls.facts is not None:
            tap.note(f"{tls.facts.version}, {tls.facts.cipher}")

    def _note_refusal(self, refusal: Refusal) -> None:
        self._reception.observer.refused(self._client, refusal)
