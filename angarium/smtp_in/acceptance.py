"""A message is being accepted. Owns how long that may take, and who is told of it in the end."""

from collections.abc import Callable

from angarium.intake.desk import LOCAL_ERROR, Acceptance, Accepted
from angarium.queue.message_id import message_id_text
from angarium.smtp.refusal import Refusal
from angarium.smtp.server.session import ServerSession
from angarium.smtp_in.answering import Answering
from angarium.smtp_in.phase import PhaseName
from angarium.smtp_in.reception import Reception
from angarium.smtp_in.wire import Wire


class Accepting(Answering):
    """Invariant AC1: 250 is sent only when the desk says Accepted, and within accept_timeout_s.

    Rather 451 than a late 250: a client that has given up sends the message again.
    """

    __slots__ = ("_acceptance", "_give_way")

    name = PhaseName.ACCEPTANCE

    def __init__(
        self,
        wire: Wire,
        session: ServerSession,
        resume: Callable[[], None],
        acceptance: Acceptance,
        reception: Reception,
    ) -> None:
        super().__init__(wire, session, resume)
        self._acceptance = acceptance
        self._give_way = reception.desk.give_way
        self.deadline = wire.loop.time() + reception.limits.accept_timeout_s
        acceptance.on_end(self._ended)

    def ran_out(self, now: float) -> None:
        if self._is_lost:
            self._acceptance.withdraw()  # _ended leaves nothing behind
        elif now >= self.deadline:  # not for the end of the whole connection: the reply comes first
            self._acceptance.withdraw()
            self._session.refuse_message(LOCAL_ERROR)  # AC1
            self._resume()

    def end(self, why: Refusal) -> None:
        self._session.leave(why)

    def cut(self) -> None:
        self._acceptance.withdraw()
        self._wire.cut()

    def lost(self) -> None:
        """The message was received whole and may yet be accepted; ``_ended`` does the rest."""
        self._is_lost = True

    def _ended(self, _: object) -> None:
        self._give_way()
        outcome = self._acceptance.outcome()
        if self._wire.phase is not self:
            return  # given up; the client has its 451
        if self._is_lost:
            self._wire.gone()
            return
        if isinstance(outcome, Accepted):
            text = "Ok: queued as " + message_id_text(outcome.message_id)
            self._session.accept_message(text)  # AC1
        else:
            self._session.refuse_message(outcome)
        self._resume()
