"""The machinery of a server session: input in steps, replies, refusals and their count, the end. Knows no command."""

from collections.abc import Callable

from angarium.smtp.refusal import Refusal, render
from angarium.smtp.server.event import CloseRequested, Event
from angarium.smtp.server.line_buffer import LineBuffer
from angarium.smtp.server.state import SessionState
from angarium.smtp.tap import Tap


class SessionCore:
    """Takes octets, works through them step by step up to the next event.

    Invariant SS1: no input is looked at between an event and its answer.
    Invariant SS3: after CloseRequested nothing is looked at or answered any more.
    """

    def __init__(self, state: SessionState, on_refused: Callable[[Refusal], None] | None) -> None:
        self._state = state
        self._limits = state.settings.limits
        self._on_refused = on_refused
        self._input = LineBuffer()
        self._output: list[bytes] = []
        self._event: Event | None = None
        # does something with the input; may another one go on?
        self._step: Callable[[], bool] = self._wait
        self._errors = 0
        self.is_closed = False
        self.tap: Tap | None = None  # of who watches this session

    def receive(self, octets: bytes) -> None:
        """Take input. Bound it: stop reading from the client while ``buffered_octets`` is large."""
        if not self.is_closed:  # SS3
            self._input.receive(octets)

    def next_event(self) -> Event | None:
        """Work through the input up to the next event; None: more input, or an answer, is needed."""
        while self._event is None and self._step():
            pass
        event, self._event = self._event, None
        return event

    def outgoing(self) -> bytes:
        """Return the octets to be sent, once."""
        output = self._output
        if len(output) == 1:
            return output.pop()
        octets = b"".join(output)
        output.clear()
        return octets

    @property
    def buffered_octets(self) -> int:
        """Received and not looked at."""
        return len(self._input)

    def abort(self, refusal: Refusal) -> None:
        """Reply (421) and close, whatever is under way."""
        if not self.is_closed:
            self._output.append(render(refusal))
            self._note(refusal)
            self._close()

    def close(self) -> None:
        """The client is gone, or must go: all memory is given back. Idempotent."""
        self.is_closed = True
        self._input.clear()
        self._step = self._wait
        self._state.end_transaction()

    def _wait(self) -> bool:
        return False

    def _read_command(self) -> bool:
        raise NotImplementedError  # ServerSession's; the parts go back to it

    def _ask(self, event: Event) -> None:
        """Hand an event out, and do nothing until it is answered."""
        self._event = event
        self._step = self._wait  # SS1

    def _close(self) -> None:
        self.close()
        self._event = CloseRequested()

    def _note(self, refusal: Refusal) -> None:
        if self._on_refused is not None:
            self._on_refused(refusal)

    def _refuse(self, refusal: Refusal, *, is_forgiven: bool = False) -> None:
        """Reply; after too many of the client's errors, those forgiven not counted, close."""
        if self.is_closed:  # SS3
            return
        self._output.append(render(refusal))
        self._note(refusal)
        if refusal.code >= 500 and not is_forgiven:  # a transient trouble is ours
            self._errors += 1
            if self._errors >= self._limits.errors_per_connection:
                self.abort(Refusal(421, "4.7.0", "Too many errors"))

    def _must_be_last(self) -> None:
        """RFC 2920 section 3.1: nothing may be sent before this command's reply (S3, S6)."""
        if self._input:
            self._desynchronized("Commands sent before the reply to this one")

    def _desynchronized(self, text: str) -> None:
        """The client talks out of turn (S6): where its commands begin cannot be trusted."""
        self.abort(Refusal(554, "5.5.0", text))
