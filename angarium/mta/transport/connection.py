"""A session with an MX host or smart host by our own client, for one transfer at a time.

Whatever a peer does comes back as an Outcome; only cancellation is raised.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from angarium.mta.transport.lessons import Lessons
from angarium.mta.transport.outcome import Again, Outcome, Scope, Taken, Transient
from angarium.mta.transport.peer import BrokenError, Peer
from angarium.mta.transport.remedy import Remedy, remedy_of_loss, remedy_of_reply
from angarium.mta.transport.reply_meaning import (
    Where,
    attempt,
    in_doubt,
    meaning,
    not_sendable,
    outcome_of,
)
from angarium.mta.transport.transfer import SessionTaps, Transfer
from angarium.queue.model import Attempt, UnixMs
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost
from angarium.smtp.client.transaction import Answer, NotSendableError
from angarium.smtp.reply import PeerError, clean_text
from angarium.smtp.tap import Opening

# RFC 3463 section 3.5: bad connection; delivery time expired; invalid command
BROKEN_STATUS: Final = {"lost": "4.4.2", "timeout": "4.4.1", "protocol": "4.5.0"}
BROKEN_OFF: Final = (
    "broken off here: by an operator, at the end of the process, or after transaction_s"
)
# Ours: peers close idle sessions after seconds, never between two transactions of a busy one
IDLE_S: Final = 1.0
# Of what is awaited there, nothing was said about the message
BEFORE_ANY_ANSWER: Final = ("rset", "mail")


class SmtpConnection:
    """A session past EHLO and TLS, for one transfer at a time. Satisfies ``transfer.Connection``."""

    def __init__(
        self,
        peer: Peer,
        host: MxHost,
        where: Where,
        clock: Callable[[], UnixMs],
        quit_s: float,
        opening: Opening,
        taps: SessionTaps | None,
        lessons: Lessons,
    ) -> None:
        self._lessons = lessons
        self._is_spent = False  # the host showed what it cannot do: the next session does otherwise
        self._is_aborted = False
        self._opening = opening
        self._taps = taps
        self._peer = peer
        self._session = peer.session
        self.host: Final = host
        self.address: Final = where.address
        self._where = where
        self._clock = clock
        self._quit_s = quit_s
        self.transfers = 0
        self._last_at = peer.loop_time()  # when the peer last answered

    @property
    def offers_dsn(self) -> bool:
        return self._session.capabilities.dsn

    @property
    def offers_8bit(self) -> bool:
        return self._session.capabilities.eight_bit

    @property
    def is_open(self) -> bool:
        return self._session.is_open and not self._is_spent

    @property
    def content_sent(self) -> bool:
        return self._peer.content_sent

    def room_for(self, transfer: Transfer) -> int:
        return 0

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        """Carry one transaction; one outcome per recipient, in order. Raises only when cancelled."""
        if self._taps is not None and self._taps.is_on:
            paths = [each.forward_path for each in transfer.recipients]
            self._peer.tap = self._taps.find(self._opening, paths)
        elif self._peer.tap is not None:
            self._peer.tap = None
        session = self._session
        failure: Outcome | None = None
        try:
            flight = session.open_transaction(transfer, is_wary=self._is_wary())
            if flight is not None:
                self.transfers += 1
                await self._peer.carry(flight)
        except NotSendableError as error:
            return [not_sendable(error.refusal, self._where, self._clock())] * len(
                transfer.recipients
            )
        except PeerError as error:
            failure = self._transient("mail", "4.4.2", str(error), is_gone=self.transfers > 0)
            return [failure] * len(transfer.recipients)
        except BrokenError as error:
            session.break_off()
            self._learn_of_loss(error)
            failure = self._broken(error)
            # The peer keeps the error, and its traceback would keep these frames with their content (L3)
            error.__traceback__ = None
        self._last_at = self._peer.loop_time()
        outcomes = self._outcomes(failure)
        session.forget_transaction()  # L3
        return outcomes

    def _is_wary(self) -> bool:
        """Whether the peer may be gone without our knowing: if content met a closed socket, it would be in doubt.

        Some close behind each message: the second transaction finds out. Others after an idle time.
        """
        if Remedy.WITHOUT_EARLY_CONTENT in self._lessons.remedies:
            return self.transfers > 0
        return self.transfers == 1 or self._peer.loop_time() - self._last_at > IDLE_S

    def on_end(self, tell: Callable[[], None] | None) -> None:
        self._peer.on_end = tell

    async def close(self) -> None:
        """QUIT if the session is sound, then close. Never raises but when cancelled; bounded by twice quit_s."""
        peer = self._peer
        try:
            if peer.is_open:
                try:
                    await peer.exchange(self._session.quit())
                except (PeerError, BrokenError):
                    peer.abort()
            peer.close()
            async with asyncio.timeout(self._quit_s):
                await asyncio.shield(peer.closed)
        except TimeoutError:
            pass  # it has not said its TLS goodbye
        finally:
            peer.abort()

    def abort(self) -> None:
        """Break it off, at once: a transfer under way ends as if the connection had been lost."""
        self._is_aborted = True
        self._peer.abort(BROKEN_OFF)

    # -- outcomes

    def _outcomes(self, failure: Outcome | None) -> list[Outcome]:
        at = self._clock()
        known: dict[int, Outcome] = {}  # recipients with the same answer share its outcome
        outcomes: list[Outcome] = []
        for answer in self._session.answers():
            outcome = known.get(id(answer))
            if outcome is None:
                if answer is None:
                    assert failure is not None  # no recipient is without an answer at the end
                    outcome = failure
                elif isinstance(answer, Answer):
                    outcome = self._meaning(answer, at)
                else:
                    outcome = outcome_of(answer, self._where, at)
                known[id(answer)] = outcome
            outcomes.append(outcome)
        return outcomes

    def _meaning(self, answer: Answer, at: UnixMs) -> Outcome:
        outcome = meaning(answer.stage, answer.reply, self._where, at)
        if isinstance(outcome, Taken):
            if self._where.tls:
                self._lessons.worked_under_tls()
            return outcome
        remedy = remedy_of_reply(
            answer.stage,
            answer.reply,
            self._session.capabilities,
            skipped_tls=bool(self._where.tls_skipped),
        )
        if remedy is not None:
            return self._otherwise(outcome.attempt, remedy)
        if (
            self.transfers > 1
            and answer.reply.code == 421
            and answer.stage in BEFORE_ANY_ANSWER
            and isinstance(outcome, Transient)
            and not outcome.attempt.enhanced.startswith("4.7")  # it would say so again
        ):
            return msgspec.structs.replace(outcome, again=Again.GONE)
        return outcome

    def _otherwise(self, made: Attempt, remedy: Remedy) -> Transient:
        """What the host did not take from us as we spoke is no word about the message."""
        if not self._lessons.learn(remedy):
            return Transient(made, Scope.MESSAGE)  # the operator's wish: the mail waits for another
        self._is_spent = True
        if remedy is not Remedy.WITH_TLS:
            self._peer.abort()  # it may take for commands what is none
        if made.stage == "final_dot":
            # BDAT was refused, not what it brought
            made = msgspec.structs.replace(made, stage="data")
        return Transient(made, Scope.SESSION, again=Again.OTHERWISE)

    def _learn_of_loss(self, error: BrokenError) -> None:
        if self._is_aborted:
            return
        content_sent, is_first = self._peer.content_sent, self.transfers == 1
        remedy = remedy_of_loss(
            error.stage, self._session.capabilities, is_first=is_first, content_sent=content_sent
        )
        if remedy is not None:
            self._lessons.learn(remedy)
        if is_first and self._where.tls:
            self._lessons.died_under_tls(clean_text(f"sessions end under it: {error.text}"))

    def _broken(self, error: BrokenError) -> Transient:
        if self._peer.content_sent:
            return in_doubt(self._where, self._clock(), BROKEN_STATUS[error.kind], error.text)
        # Whatever ends an old session before it answers was on its way before the transaction was
        is_gone = self.transfers > 1 and error.kind == "lost" and error.stage in BEFORE_ANY_ANSWER
        return self._transient(error.stage, BROKEN_STATUS[error.kind], error.text, is_gone=is_gone)

    def _transient(self, stage: Stage, enhanced: str, text: str, *, is_gone: bool) -> Transient:
        made = attempt(
            self._where, self._clock(), stage, enhanced=enhanced, reason=clean_text(text)
        )
        return Transient(made, Scope.SESSION, again=Again.GONE if is_gone else None)
