"""A session with an MX host or smart host by our own client, for one transfer at a time.

Whatever a peer does comes back as an Outcome; only cancellation is raised.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.mta.transport.peer import BrokenError, Peer
from angarium.mta.transport.reply_meaning import (
    Where,
    attempt,
    in_doubt,
    meaning,
    not_sendable,
)
from angarium.mta.transport.transfer import SessionTaps, Transfer
from angarium.queue.model import UnixMs
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost
from angarium.smtp.client.transaction import Answer, NotSendableError
from angarium.smtp.reply import PeerError, clean_text
from angarium.smtp.tap import Opening

# RFC 3463 section 3.5: bad connection; delivery time expired; invalid command
BROKEN_STATUS: Final = {"lost": "4.4.2", "timeout": "4.4.1", "protocol": "4.5.0"}


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
    ) -> None:
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

    @property
    def offers_dsn(self) -> bool:
        return self._session.capabilities.dsn

    @property
    def is_open(self) -> bool:
        return self._session.is_open

    @property
    def content_sent(self) -> bool:
        return self._peer.content_sent

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        """Carry one transaction; one outcome per recipient, in order. Raises only when cancelled."""
        self.transfers += 1
        if self._taps is not None and self._taps.is_on:
            paths = [each.forward_path for each in transfer.recipients]
            self._peer.tap = self._taps.find(self._opening, paths)
        elif self._peer.tap is not None:
            self._peer.tap = None
        session = self._session
        failure: Outcome | None = None
        try:
            flight = session.open_transaction(transfer)
            if flight is not None:
                await self._peer.carry(flight)
        except NotSendableError as error:
            return [not_sendable(error.refusal, self._where, self._clock())] * len(
                transfer.recipients
            )
        except PeerError as error:
            failure = self._transient("mail", "4.4.2", str(error))
            return [failure] * len(transfer.recipients)
        except BrokenError as error:
            session.break_off()
            failure = self._broken(error)
        return self._outcomes(failure)

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
        self._peer.abort()

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
                    outcome = meaning(answer.stage, answer.reply, self._where, at)
                else:
                    outcome = not_sendable(answer, self._where, at)
                known[id(answer)] = outcome
            outcomes.append(outcome)
        return outcomes

    def _broken(self, error: BrokenError) -> Transient:
        if self._peer.content_sent:
            return in_doubt(self._where, self._clock(), BROKEN_STATUS[error.kind], error.text)
        return self._transient(error.stage, BROKEN_STATUS[error.kind], error.text)

    def _transient(self, stage: Stage, enhanced: str, text: str) -> Transient:
        made = attempt(
            self._where, self._clock(), stage, enhanced=enhanced, reason=clean_text(text)
        )
        return Transient(made, Scope.SESSION)
