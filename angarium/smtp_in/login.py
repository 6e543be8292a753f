"""A password is being verified. Owns how long that may take, and what the session is told."""

import asyncio
from collections.abc import Callable
from typing import Final, assert_never

from angarium.access.credentials import Refused, Throttled, Verified
from angarium.smtp.refusal import Refusal
from angarium.smtp.server.event import AuthRequested, LoggedIn
from angarium.smtp.server.session import ServerSession
from angarium.smtp_in.answering import Answering
from angarium.smtp_in.observer import ListenerObserver
from angarium.smtp_in.phase import PhaseName
from angarium.smtp_in.reception import Reception
from angarium.smtp_in.wire import Wire

TIMEOUT: Final = Refusal(421, "4.4.2", "Timeout")
_FAILED: Final = Refusal(535, "5.7.8", "Authentication credentials invalid")
_LOCAL_ERROR: Final = Refusal(454, "4.7.0", "Temporary authentication failure")


def password_of(event: AuthRequested) -> str:
    return event.password.decode("utf-8", "surrogateescape")


def welcome(
    verified: Verified, session: ServerSession, client: str, observer: ListenerObserver
) -> None:
    observer.login(client, verified.user, "ok")
    session.auth_succeeded(
        LoggedIn(
            user=verified.user,
            tenant=verified.tenant,
            senders=verified.senders,
            stream=verified.stream,
            other_streams=verified.other_streams,
            allows=verified.allows,
        )
    )


class LoggingIn(Answering):
    """Entered for who is not remembered: verifying takes a quarter of a second, or longer for who guesses."""

    name = PhaseName.LOGIN

    def __init__(
        self,
        wire: Wire,
        session: ServerSession,
        resume: Callable[[], None],
        event: AuthRequested,
        client: str,
        reception: Reception,
    ) -> None:
        super().__init__(wire, session, resume)
        assert reception.logins is not None  # Reception has seen to it
        self.user = reception.logins.shown_name(event.user)
        self._client = client
        self._observer = reception.observer
        self.deadline = wire.loop.time() + reception.limits.command_timeout_s
        self._task = wire.loop.create_task(
            reception.logins.verify(event.user, password_of(event), client)
        )
        self._task.add_done_callback(self._ended)

    def ran_out(self, now: float) -> None:
        self.end(TIMEOUT)

    def end(self, why: Refusal) -> None:
        self._task.cancel()
        self._session.abort(why)
        self._resume()

    def cut(self) -> None:
        self._task.cancel()
        self._wire.cut()

    def lost(self) -> None:
        """Nobody is left to be told whether the password was right."""
        if self._task.done():
            self._wire.gone()
        else:
            self._is_lost = True
            self._task.cancel()

    def _ended(self, task: "asyncio.Task[Verified | Refused | Throttled]") -> None:
        error = None if task.cancelled() else task.exception()
        if self._wire.phase is not self:
            return  # out of time: the session has been aborted
        if self._is_lost:
            self._wire.gone()
            return
        if task.cancelled():  # cut: the end of the connection comes next
            return
        if error is not None:
            self._observer.internal_error("login", error)
            self._session.auth_failed(_LOCAL_ERROR)
        else:
            self._judge(task.result())
        self._resume()

    def _judge(self, result: Verified | Refused | Throttled) -> None:
        match result:
            case Verified():
                welcome(result, self._session, self._client, self._observer)
            case Refused():
                self._observer.login(self._client, self.user, "failed")
                self._session.auth_failed(_FAILED)
            case Throttled():
                self._observer.login(self._client, self.user, "limited")
                self._session.auth_failed(Refusal(454, "4.7.0", result.text))
            case _:
                assert_never(result)
