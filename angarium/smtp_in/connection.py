"""One client's TCP connection: octets between socket, TLS and session; events of the session to queue and passwords.

Knows no SMTP beyond the session's events.
"""

import asyncio
import ssl
from collections.abc import Callable, Set
from typing import Any, Final, assert_never, cast

from angarium.access.credentials import Refused, Throttled, Verified
from angarium.queue.message_id import message_id_text
from angarium.queue.model import Submission
from angarium.queue.spool import QueueFullError
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal, render
from angarium.smtp.server.event import (
    AuthRequested,
    CloseRequested,
    Event,
    LoggedIn,
    MessageReceived,
    StartTlsRequested,
)
from angarium.smtp.server.proxy_protocol import NeedMore, ProxyHeaderError
from angarium.smtp.server.proxy_protocol import parse as parse_proxy_header
from angarium.smtp.server.session import ServerSession
from angarium.smtp.server.settings import ClientFacts
from angarium.smtp.tap import ENDED
from angarium.smtp_in.reception import Reception
from angarium.smtp_in.tls_layer import TlsLayer

LINGER_S: Final = 5.0  # ours: for the client to read our last reply and close
MAX_OTHERS: Final = 1000  # ours: connections that read a 421, or owe a PROXY header
BUFFERED_OCTETS: Final = 65_536  # ours: pipelined behind a message that is being accepted
_LOCAL_ERROR: Final = Refusal(451, "4.3.0", "Local error, try again later")
_QUEUE_FULL: Final = Refusal(452, "4.3.1", "Insufficient system storage")
_TOO_MANY: Final = Refusal(421, "4.3.2", "Too many connections; try again later")
_TIMEOUT: Final = Refusal(421, "4.4.2", "Timeout")
_SHUTDOWN: Final = Refusal(421, "4.3.2", "Service shutting down")
_LOGIN_ENDED: Final = Refusal(421, "4.7.0", "This login is no longer valid")


class InboundConnection(asyncio.Protocol):
    """Lives in ``connections`` from its first octet to its end.

    Invariant: 250 is sent for a message only when ``Spool.accept`` has returned, and within accept_timeout_s.
    Time limits are looked at by ``check_time``, which the listener calls about once a second: a timer per command
    would cost more than the command.
    """

    def __init__(
        self,
        reception: Reception,
        loop: asyncio.AbstractEventLoop,
        connections: "set[InboundConnection]",
        on_end: Callable[[], None],
    ) -> None:
        self._reception = reception
        self._limits = reception.limits
        self._give_way = reception.spool.give_way
        self._loop = loop
        self._connections = connections
        self._on_end = on_end  # after it has left ``connections``
        self._transport: asyncio.Transport
        self._take: Callable[[bytes], None] = self._discard  # where received octets go
        self._client = ""
        self._admitted = False
        self._user = ""  # logged in, or logging in
        self._session: ServerSession | None = None
        self._tls: TlsLayer | None = None
        self._header = b""  # of the PROXY protocol, incomplete
        self._task: asyncio.Future[Any] | None = None  # an acceptance or a verification
        self._submission: Submission | None = None  # that is being accepted
        self._has_ended = False  # its side
        self._is_ending = False  # our side
        self._is_lost = False
        self._is_leaving = False
        self._cannot_write = False
        self._deadline = 0.0
        self._end = 0.0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's is no subclass; TCP_NODELAY is set
        self._connections.add(self)
        now = self._loop.time()
        self._end = now + self._limits.total_timeout_s
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        if address not in self._reception.proxies:
            self._admit(address)
        elif not self._are_too_many():  # once there is a header, its client is counted
            self._deadline = now + self._limits.tls_handshake_timeout_s
            self._take = self._take_proxy_header
        else:  # S12: never admitted as itself, since what follows is said by somebody else
            self._turn_away(address, _TOO_MANY)

    def data_received(self, data: bytes) -> None:
        self._give_way()
        self._take(data)

    def eof_received(self) -> bool:
        """The client sends nothing more. True: keep our side open, for the reply to what it sent before."""
        self._has_ended = True
        return self._task is not None

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._take = self._discard
        if self._task is None:
            self._gone()
        elif self._submission is None:  # nobody is left to be told whether the password was right
            self._task.cancel()
        # else: the message was received whole and may yet be accepted; _accepted does the rest

    def pause_writing(self) -> None:
        self._cannot_write = True  # the client does not read its replies: give it no more to do
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._cannot_write = False
        self._transport.resume_reading()
        self._work()

    # What the listener calls

    def check_time(self, now: float) -> None:
        if now < self._deadline and now < self._end:
            return
        if self._is_lost:
            if self._task is not None:
                self._task.cancel()  # _accepted or _verified leave nothing behind
            return
        session = self._session
        if (
            session is None
            or self._is_ending
            or self._cannot_write  # a farewell would not be read either
            or self._take == self._take_handshake
        ):
            self._transport.abort()
        elif self._submission is not None:
            if now >= self._deadline:  # FACTS: rather 451 than a late 250
                self._give_up_accepting(session)
        else:
            if self._task is not None:
                self._task.cancel()
            session.abort(_TIMEOUT)
            self._work()

    def leave(self) -> None:
        """Shut down: end with 421 as soon as no transaction is under way."""
        self._is_leaving = True
        if self._session is None:
            self._transport.abort()
        else:
            self._session.leave(_SHUTDOWN)
            self._work()

    def watch(self) -> None:
        """Begin or end to show what is said, as the reception wants it now."""
        session, open_tap = self._session, self._reception.open_tap
        if session is None:
            return
        if open_tap is None:
            session.tap = None
        elif session.tap is None:
            tls = self._tls.facts if self._tls is not None else None
            session.tap = open_tap(self._client)
            if tls is not None and session.tap is not None:
                session.tap.note(f"{tls.version}, {tls.cipher}")

    def end_login(self, users: Set[str]) -> None:
        """Of these users a session ends with 421 as soon as no transaction is under way, also if it just logs in."""
        if self._user in users and self._session is not None and not self._is_leaving:
            self._session.leave(_LOGIN_ENDED)
            self._work()

    def abort(self) -> None:
        """Cut the connection now; an acceptance under way is abandoned unanswered."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    # Before the session

    def _take_proxy_header(self, octets: bytes) -> None:
        self._header += octets
        try:
            header = parse_proxy_header(self._header)
        except ProxyHeaderError:
            self._transport.abort()
            return
        if isinstance(header, NeedMore):
            return
        rest, self._header = self._header[header.octets_used :], b""
        address = header.source or self._transport.get_extra_info("peername")[0]
        self._admit(address)
        if rest:
            self._take(rest)

    def _admit(self, address: str) -> None:
        self._client = address
        reception = self._reception
        refusal = reception.clients.admit(address)
        if refusal is not None:
            self._turn_away(address, refusal)
            return
        self._admitted = True
        reception.observer.connection_opened(address)
        if reception.implicit_tls:
            self._begin_handshake()
        else:
            self._open_session()
            # The banner goes out after the next look at the socket: who has talked by then did not wait (S6).
            self._loop.call_soon(self._loop.call_soon, self._greet)

    def _are_too_many(self) -> bool:
        return len(self._connections) > self._limits.connections + MAX_OTHERS

    def _turn_away(self, address: str, refusal: Refusal) -> None:
        self._reception.observer.refused(address, refusal)
        if self._reception.implicit_tls or self._are_too_many():
            self._transport.abort()  # with implicit TLS, a reply in the clear would not be understood
        else:
            self._transport.write(render(refusal))
            self._finish()

    def _begin_handshake(self) -> None:
        assert self._reception.tls is not None  # Reception has seen to it
        self._tls = TlsLayer(self._reception.tls.context)
        self._deadline = self._loop.time() + self._limits.tls_handshake_timeout_s
        self._take = self._take_handshake

    def _take_handshake(self, octets: bytes) -> None:
        plain = self._decrypt(octets)
        tls = self._tls
        if plain is None or tls is None or tls.facts is None:
            return
        self._take = self._take_encrypted
        if self._session is None:
            session = self._open_session()
            session.receive(plain)
            self._greet()
        else:
            if self._session.tap is not None:
                self._session.tap.note(f"{tls.facts.version}, {tls.facts.cipher}")
            self._session.tls_started(tls.facts)
            self._session.receive(plain)
            self._deadline = self._loop.time() + self._limits.command_timeout_s
            self._work()

    def _decrypt(self, octets: bytes) -> bytes | None:
        """Return plain octets, None if the connection is done for. Sends what TLS itself has to say."""
        assert self._tls is not None
        plain: bytes | None = None
        try:
            plain = self._tls.receive(octets)
        except ssl.SSLError:
            self._transport.write(self._tls.outgoing())  # the alert that says why
            self._transport.close()
            self._take = self._discard
            return None
        if outgoing := self._tls.outgoing():
            self._transport.write(outgoing)
        return plain

    def _open_session(self) -> ServerSession:
        reception, address = self._reception, self._client
        self._session = session = ServerSession(
            reception.replies,
            ClientFacts(
                address=address,
                trusted=address in reception.trusted,
                clear_auth=address in reception.clear_auth,
            ),
            reception.budget,
            tls=self._tls.facts if self._tls else None,
            on_refused=self._note_refusal,
        )
        self._deadline = self._loop.time() + self._limits.command_timeout_s
        if self._tls is None:
            self._take = self._take_plain
        self.watch()
        if self._is_leaving:
            session.leave(_SHUTDOWN)
        return session

    def _note_refusal(self, refusal: Refusal) -> None:
        self._reception.observer.refused(self._client, refusal)

    def _greet(self) -> None:
        if self._session is not None and not self._is_lost:
            self._session.greet()
            self._work()

    # The session

    def _discard(self, octets: bytes) -> None:
        pass

    def _take_plain(self, octets: bytes) -> None:
        assert self._session is not None
        self._session.receive(octets)
        self._work()

    def _take_encrypted(self, octets: bytes) -> None:
        plain = self._decrypt(octets)
        if plain is None:
            return
        if plain:
            self._take_plain(plain)
        if self._tls is not None and self._tls.is_ended and not self._is_ending:
            self._has_ended = True
            if self._task is None:  # else _resume does it, behind the reply
                self._finish()

    def _work(self) -> None:
        """Let the session work through its input, and send what it says."""
        session = self._session
        if session is None or self._is_lost or self._is_ending:
            return
        while not self._cannot_write:
            event = session.next_event()
            if event is None:
                break
            self._act_on(event, session)
        replies = session.outgoing()
        if replies:
            self._send(replies)
        self._set_deadline(session, replied=bool(replies))

    def _set_deadline(self, session: ServerSession, *, replied: bool) -> None:
        if self._is_ending:
            return
        if self._task is not None:
            if session.buffered_octets > BUFFERED_OCTETS:
                self._transport.pause_reading()
        elif session.is_receiving:
            self._deadline = self._loop.time() + self._limits.data_timeout_s
        elif replied:  # a command trickling in does not gain time
            self._deadline = self._loop.time() + self._limits.command_timeout_s

    def _act_on(self, event: Event, session: ServerSession) -> None:
        match event:
            case MessageReceived():
                self._accept(event.message, session)
            case AuthRequested():
                self._verify(event, session)
            case StartTlsRequested():
                self._send(session.outgoing())
                self._begin_handshake()
            case CloseRequested():
                self._send(session.outgoing())
                self._finish()
            case _:
                assert_never(event)

    def _send(self, octets: bytes) -> None:
        if self._session is not None and self._session.tap is not None and octets:
            self._session.tap.server(octets)
        tls = self._tls
        if tls is not None:
            try:
                tls.send(octets)
            except ssl.SSLError:
                self._transport.abort()
                return
            octets = tls.outgoing()
        self._transport.write(octets)

    def _finish(self) -> None:
        """End our side; go on reading for a while, else the last reply could be lost to a reset."""
        self._is_ending = True
        self._take = self._discard
        self._deadline = self._loop.time() + LINGER_S
        if self._tls is not None:
            self._tls.end()
            self._transport.write(self._tls.outgoing())
        if self._has_ended:
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has gone before
            self._transport.close()

    def _resume(self) -> None:
        """An event has been answered: go on."""
        if not self._cannot_write:
            self._transport.resume_reading()
        self._work()
        if self._has_ended and self._task is None and not self._is_ending:
            self._finish()

    def _gone(self) -> None:
        """Leave nothing behind."""
        if self._session is not None:
            self._session.close()
            if self._session.tap is not None:
                self._session.tap.end(ENDED)
                self._session.tap = None
        if self._admitted:
            self._admitted = False
            self._reception.clients.leave(self._client)
            self._reception.observer.connection_closed(self._client)
        self._connections.discard(self)
        self._on_end()

    # Messages

    def _accept(self, message: ReceivedMessage, session: ServerSession) -> None:
        try:
            submission = self._reception.intake.prepare(message)
        except Exception as error:  # noqa: BLE001 - boundary: one message must not end the others
            self._reception.observer.internal_error("intake", error)
            session.refuse_message(_LOCAL_ERROR)
            return
        if isinstance(submission, Refusal):
            session.refuse_message(submission)
            return
        try:
            future = asyncio.ensure_future(self._reception.spool.accept((submission,)))
        except QueueFullError:
            session.refuse_message(_QUEUE_FULL)
            return
        except Exception as error:  # noqa: BLE001 - boundary: nothing is acknowledged, the client tries again
            self._reception.observer.internal_error("queue", error)
            session.refuse_message(_LOCAL_ERROR)
            return
        self._submission = submission
        self._deadline = self._loop.time() + self._limits.accept_timeout_s
        self._task = future
        future.add_done_callback(self._accepted)

    def _accepted(self, future: "asyncio.Future[None]") -> None:
        self._give_way()
        refusal = self._find_refusal(future)
        if future is not self._task:
            return  # given up; the client has its 451
        submission, self._submission, self._task = self._submission, None, None
        assert submission is not None
        session = self._session
        assert session is not None
        if refusal is None:
            self._reception.observer.message_accepted(submission)
        if self._is_lost:
            self._gone()
            return
        if refusal is None:
            session.accept_message("Ok: queued as " + message_id_text(submission.message_id))
        else:
            session.refuse_message(refusal)
        self._resume()

    def _find_refusal(self, future: "asyncio.Future[None]") -> Refusal | None:
        if future.cancelled():
            return _LOCAL_ERROR
        error = future.exception()
        if error is None:
            return None
        if isinstance(error, QueueFullError):
            return _QUEUE_FULL
        self._reception.observer.internal_error("queue", error)
        return _LOCAL_ERROR

    def _give_up_accepting(self, session: ServerSession) -> None:
        task, self._task, self._submission = self._task, None, None
        if task is not None:
            task.cancel()
        session.refuse_message(_LOCAL_ERROR)
        self._resume()

    # Passwords

    def _verify(self, event: AuthRequested, session: ServerSession) -> None:
        logins = self._reception.logins
        assert logins is not None  # Reception has seen to it
        password = event.password.decode("utf-8", "surrogateescape")
        known = logins.find_cached(event.user, password)
        self._user = (
            event.user
        )  # not before: this look may have found the user changed, for older sessions
        if known is not None:
            self._logged_in(known, session)
            return
        self._task = task = self._loop.create_task(
            logins.verify(event.user, password, self._client)
        )
        task.add_done_callback(lambda task: self._verified(task, event.user))

    def _verified(self, task: "asyncio.Task[Verified | Refused | Throttled]", user: str) -> None:
        self._task = None
        if self._is_lost:
            self._gone()
            return
        session = self._session
        assert session is not None
        if task.cancelled():  # out of time: the session has been aborted
            return
        if (error := task.exception()) is not None:
            self._reception.observer.internal_error("login", error)
            session.auth_failed(Refusal(454, "4.7.0", "Temporary authentication failure"))
            self._user = ""
        else:
            self._judge(task.result(), user, session)
        self._resume()

    def _judge(
        self, result: Verified | Refused | Throttled, user: str, session: ServerSession
    ) -> None:
        match result:
            case Verified():
                self._logged_in(result, session)
            case Refused():
                self._reception.observer.login(self._client, user, "failed")
                self._user = ""
                session.auth_failed(Refusal(535, "5.7.8", "Authentication credentials invalid"))
            case Throttled():
                self._reception.observer.login(self._client, user, "limited")
                self._user = ""
                session.auth_failed(Refusal(454, "4.7.0", result.text))
            case _:
                assert_never(result)

    def _logged_in(self, verified: Verified, session: ServerSession) -> None:
        self._reception.observer.login(self._client, verified.user, "ok")
        session.auth_succeeded(
            LoggedIn(
                user=verified.user,
                tenant=verified.tenant,
                senders=verified.senders,
                allows=verified.allows,
            )
        )
