"""What a server session asks of the shell around it. Until the shell has answered, the session does nothing more."""

from collections.abc import Callable

import msgspec

from angarium.smtp.received import ReceivedMessage


class StartTlsRequested(msgspec.Struct, frozen=True):
    """Send what is outgoing, then take the handshake; answer with ``tls_started`` (or close)."""


class AuthRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Answer with ``auth_succeeded`` or ``auth_failed``."""

    mechanism: str  # PLAIN | LOGIN
    user: str
    password: bytes


class MessageReceived(msgspec.Struct, frozen=True):
    """Answer with ``accept_message``, once the message is durable, or ``refuse_message``."""

    message: ReceivedMessage


class CloseRequested(msgspec.Struct, frozen=True):
    """Send what is outgoing, then close. No answer."""


Event = StartTlsRequested | AuthRequested | MessageReceived | CloseRequested


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session speaks for, once verified."""

    user: str
    tenant: str
    senders: tuple[str, ...]
    allows: Callable[[str], bool]  # an address: may it be the sender?
    stream: str = ""  # as ``ReceivedMessage`` has both
    other_streams: tuple[str, ...] = ()
