"""The part of a server session that takes message content: DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030)."""

from typing import Final

from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.smtp.repair import Repair
from angarium.smtp.server.command import parse_chunk
from angarium.smtp.server.data import TOO_BIG, ChunkCollector, DataDecoder
from angarium.smtp.server.event import MessageReceived
from angarium.smtp.server.session_core import SessionCore

# ours: a smaller BDAT chunk counts as a command (S5)
SMALL_CHUNK_OCTETS: Final = 1024
_GO_AHEAD: Final = b"354 End data with <CR><LF>.<CR><LF>\r\n"


class ContentPart(SessionCore):
    """Begins with a DATA or BDAT whose needs are met (``order``), ends with the message as an event, or refused."""

    @property
    def is_receiving(self) -> bool:
        """Whether message data comes next: the time limit is another one then."""
        state = self._state
        return state.chunk is not None or (
            state.transaction is not None and state.transaction.data is not None
        )

    def accept_message(self, text: str) -> None:
        """Answer MessageReceived: it is durable. ``text`` is printable ASCII."""
        state = self._state
        state.end_transaction()
        if self.is_closed:
            return
        state.messages += 1
        state.commands = 0
        self._output.append(f"250 2.0.0 {text}\r\n".encode("ascii"))
        self._step = self._read_command

    def refuse_message(self, refusal: Refusal) -> None:
        """Answer MessageReceived: it was not taken."""
        self._state.end_transaction()  # SS2
        if self.is_closed:
            return
        self._step = self._read_command
        self._refuse(refusal)

    def _data(self, argument: str) -> None:
        transaction = self._state.transaction
        assert transaction is not None
        self._must_be_last()
        if not self.is_closed:
            limits = self._limits
            transaction.data = DataDecoder(
                limits.message_octets,
                limits.text_line_octets,
                self._state.budget,
                mends_line_ends=self._state.may_mend_line_ends,
            )
            self._step = self._read_data
            self._output.append(_GO_AHEAD)

    def _bdat(self, argument: str) -> None:
        transaction = self._state.transaction
        assert transaction is not None
        octets, is_last = parse_chunk(argument)
        if transaction.chunks is None:
            transaction.chunks = self._new_collector()
        self._begin_chunk(transaction.chunks, octets, is_last)

    def _refuse_chunk(self, argument: str, refusal: Refusal) -> None:
        """Refuse a BDAT: the octets announced are read all the same, and never taken for commands (S5)."""
        octets, is_last = parse_chunk(argument)
        self._state.end_transaction()  # SS2
        collector = self._new_collector()
        collector.refuse(refusal)
        self._begin_chunk(collector, octets, is_last)

    def _new_collector(self) -> ChunkCollector:
        limits = self._limits
        return ChunkCollector(limits.message_octets, limits.text_line_octets, self._state.budget)

    def _begin_chunk(self, collector: ChunkCollector, octets: int, is_last: bool) -> None:
        state = self._state
        collector.begin(octets)
        if collector.would_be_hopeless(octets):
            self.abort(collector.refusal or TOO_BIG)
            return
        if octets >= SMALL_CHUNK_OCTETS:
            state.commands -= 1
        state.chunk, state.is_last_chunk = collector, is_last
        self._step = self._read_chunk

    # Steps

    def _read_data(self) -> bool:
        transaction = self._state.transaction
        decoder = transaction.data if transaction else None
        assert decoder is not None
        octets = self._input.take_all()
        if not octets:
            return False
        used = decoder.receive(octets)
        if self.tap is not None:
            self.tap.content(used if used >= 0 else len(octets))
        if decoder.is_hopeless:
            self.abort(decoder.refusal or TOO_BIG)
        elif used >= 0:
            self._input.put_back(octets, used)
            self._end_of_data(decoder)
            return True
        return False

    def _read_chunk(self) -> bool:
        state = self._state
        collector = state.chunk
        assert collector is not None
        octets = self._input.take_all()
        used = collector.receive(octets)
        if self.tap is not None:
            self.tap.content(used if used >= 0 else len(octets))
        if used < 0:
            return False
        self._input.put_back(octets, used)
        state.chunk = None
        self._step = self._read_command
        if collector.refusal is not None or state.is_last_chunk:
            self._end_of_data(collector)
        else:
            self._output.append(b"250 2.0.0 Chunk received\r\n")
        return True

    def _end_of_data(self, data: DataDecoder | ChunkCollector) -> None:
        self._step = self._read_command
        content = data.finish()
        state = self._state
        transaction = state.transaction
        if isinstance(content, Refusal) or transaction is None:
            assert isinstance(content, Refusal)  # octets without a transaction are always refused
            state.end_transaction()  # SS2
            self._refuse(content)
            return
        identity, tls = state.identity, state.tls
        message = ReceivedMessage(
            envelope=transaction.envelope(content),
            content=content,
            has_dot_lines=data.has_dot_lines,
            client_address=state.client.address,
            client_name=state.client_name,
            protocol=state.protocol,
            tls_version=tls.version if tls else "",
            tls_cipher=tls.cipher if tls else "",
            user=identity.user if identity else "",
            tenant=identity.tenant if identity else "default",
            senders=identity.senders if identity else ("*",),
            stream=identity.stream if identity else "",
            other_streams=identity.other_streams if identity else (),
            listener=state.settings.listener,
            may_repair=state.may_repair,
            repairs=(Repair.LINE_ENDS,) if data.has_mended_line_ends else (),
        )
        self._ask(MessageReceived(message))
