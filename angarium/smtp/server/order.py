"""Which command needs what (RFC 5321 section 4.1.4), as a table. Pure: questions to a ``SessionState``.

Knows no argument of a command and no permission: who may send to whom is asked once the order is right.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

import msgspec

from angarium.smtp.refusal import Refusal
from angarium.smtp.server.command import Verb
from angarium.smtp.server.data import BUDGET_SPENT
from angarium.smtp.server.state import SessionState


class Need(msgspec.Struct, frozen=True, kw_only=True):
    is_met: Callable[[SessionState], object]  # by what is true of it
    refusal: Refusal  # the reply while it is not met; a 421 closes the session
    drops_transaction: bool = False  # of a command whose refusal would leave it


def _need(code: int, enhanced: str, text: str, is_met: Callable[[SessionState], object]) -> Need:
    return Need(is_met=is_met, refusal=Refusal(code, enhanced, text))


# Each is asked once or twice per message, so that none asks another one.


def _has_recipients(state: SessionState) -> bool:
    transaction = state.transaction
    return transaction is not None and len(transaction.recipients) > 0


def _is_not_only_refused(state: SessionState) -> bool:
    transaction = state.transaction
    return (
        transaction is None
        or len(transaction.recipients) > 0
        or transaction.refused_recipients == 0
    )


def _has_no_chunks(state: SessionState) -> bool:
    transaction = state.transaction
    return transaction is None or transaction.chunks is None


def _has_room(state: SessionState) -> bool:
    return not state.budget.is_spent


def _has_room_or_chunks(state: SessionState) -> bool:
    transaction = state.transaction
    return (transaction is not None and transaction.chunks is not None) or _has_room(state)


def _has_messages_left(state: SessionState) -> bool:
    return state.messages < state.settings.limits.messages_per_connection


def _may_send(state: SessionState) -> bool:
    return state.is_open or state.identity is not None


def _may_send_or_could_log_in(state: SessionState) -> bool:
    return (
        state.is_open
        or state.identity is not None
        or state.may_authenticate
        or not state.settings.starttls
    )


GREETING: Final = _need(503, "5.5.1", "Send EHLO first", attrgetter("client_name"))
EXTENDED: Final = _need(503, "5.5.1", "Send EHLO first", attrgetter("extended"))
MESSAGES_LEFT: Final = _need(
    421, "4.7.0", "Too many messages in this connection", _has_messages_left
)
# RFC 3207 section 4
TLS_TO_LOG_IN: Final = _need(
    530, "5.7.0", "Must issue a STARTTLS command first", _may_send_or_could_log_in
)
# RFC 4954 section 6
LOGIN: Final = _need(530, "5.7.0", "Authentication required", _may_send)
ROOM: Final = Need(refusal=BUDGET_SPENT, is_met=_has_room)
ROOM_FOR_CHUNKS: Final = Need(refusal=BUDGET_SPENT, is_met=_has_room_or_chunks)
NO_TRANSACTION: Final = _need(
    *(503, "5.5.1", "Nested MAIL; the transaction is dropped"),
    lambda state: state.transaction is None,
)
TRANSACTION: Final = _need(503, "5.5.1", "Send MAIL first", attrgetter("transaction"))
VALID_RECIPIENT: Final = _need(554, "5.5.1", "No valid recipients", _is_not_only_refused)
RECIPIENT: Final = _need(503, "5.5.1", "Send RCPT first", _has_recipients)
# RFC 3030 section 2
NO_RECIPIENT_LATE: Final = Need(
    refusal=Refusal(503, "5.5.1", "RCPT after BDAT; the transaction is dropped"),
    is_met=_has_no_chunks,
    drops_transaction=True,
)
NO_CHUNKS: Final = _need(503, "5.5.1", "DATA after BDAT", _has_no_chunks)
NO_TLS: Final = _need(503, "5.5.1", "TLS is active already", lambda state: state.tls is None)
STARTTLS: Final = _need(
    502, "5.5.1", "STARTTLS is not available", lambda state: state.settings.starttls
)
AUTH: Final = _need(
    502, "5.5.1", "AUTH is not available", lambda state: state.settings.auth == "required"
)
# RFC 4954 section 4: not twice, and not inside a transaction
BEFORE_LOGIN: Final = _need(
    *(503, "5.5.1", "Not now"),
    lambda state: state.identity is None and state.transaction is None,
)
SECRECY: Final = _need(  # S13
    *(538, "5.7.11", "Encryption required for authentication"),
    lambda state: state.may_authenticate,
)

# Of each verb, what must be so, in this order: the first that is not gives the reply.
NEEDS: Final[dict[Verb, tuple[Need, ...]]] = {
    Verb.EHLO: (),
    Verb.HELO: (),
    Verb.MAIL: (NO_TRANSACTION, GREETING, MESSAGES_LEFT, TLS_TO_LOG_IN, LOGIN, ROOM),
    Verb.RCPT: (TRANSACTION, NO_RECIPIENT_LATE),
    Verb.DATA: (TRANSACTION, VALID_RECIPIENT, RECIPIENT, NO_CHUNKS, ROOM),
    Verb.BDAT: (TRANSACTION, VALID_RECIPIENT, RECIPIENT, ROOM_FOR_CHUNKS),
    Verb.RSET: (),
    Verb.NOOP: (),
    Verb.QUIT: (),
    Verb.VRFY: (),
    Verb.EXPN: (),
    Verb.HELP: (),
    Verb.STARTTLS: (NO_TLS, STARTTLS),
    Verb.AUTH: (AUTH, EXTENDED, BEFORE_LOGIN, SECRECY),
}
