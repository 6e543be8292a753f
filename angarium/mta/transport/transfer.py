"""One transaction with a peer, and the connection that carries it, as the dispatcher sees them."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.mta.transport.outcome import Failure, Outcome
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost
from angarium.smtp.client.content import Octets
from angarium.smtp.client.transaction import MessageRecipient
from angarium.smtp.tap import Opening, Tap


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One message to some recipients of one site."""

    reverse_path: str
    recipients: tuple[MessageRecipient, ...]
    header: bytes  # signature and trace fields first; every line ends in CRLF, with the empty line
    # May be empty; CRLF line ends only. A part of the content in memory, not a copy (L3)
    body: Octets
    # A line of the body may begin with a dot; None: to be looked at (S2)
    has_dot_lines: bool | None = None
    body_8bit: bool
    smtputf8: bool
    in_steps: bool = False  # command by command: see ``smtp.client.transaction.Message``
    ret: str | None = None
    envid: str | None = None
    # By which reports of a transport name our message: its id; "": none
    reference: str = ""


class ProxyAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A SOCKS5 proxy, and where its password is read."""

    host: str
    port: int
    user: str = ""  # "": no log-in
    password_file: str | None = None
    password_env: str | None = None


class EgressPath(msgspec.Struct, frozen=True, kw_only=True):
    """Whose address and name we use."""

    source: str
    bind_address: str | None
    ehlo: str
    proxy: ProxyAccess | None = None


class TlsPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is demanded of a host's TLS. Later sources (MTA-STS, DANE) supply stricter ones."""

    mode: str = "opportunistic"  # off | opportunistic (not verified) | required (not verified) | verify | implicit
    server_name: str = ""  # SNI, and the name that is verified; "" means the MX host's name


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """Those that are used where a host offers them."""

    pipelining: bool = True
    chunking: bool = True


ALL_EXTENSIONS: Final = Extensions()


class SessionTaps(Protocol):
    """Who watches sessions as they happen (``postmaster trace``)."""

    @property
    def is_on(self) -> bool:
        """Whether anybody does: asked once per transfer."""
        ...

    def find(self, opening: Opening, forward_paths: Sequence[str]) -> Tap | None:
        """Return where to tell a session's next transaction; its opening is told first, once."""
        ...

    def opening_failed(self, opening: Opening, host: str, text: str) -> None:
        """No session with this host came about."""
        ...


class Connection(Protocol):
    """One SMTP session with a peer, greeted and past EHLO (and TLS); used by one transfer at a time."""

    @property
    def host(self) -> MxHost: ...

    @property
    def address(self) -> str:
        """Of the host: the one we are connected to."""
        ...

    @property
    def offers_dsn(self) -> bool:
        """Whether the peer takes over the duty of delivery status notifications (RFC 3461 section 4)."""
        ...

    @property
    def offers_8bit(self) -> bool:
        """Whether the peer takes content with octets above 127 (RFC 6152)."""
        ...

    @property
    def is_open(self) -> bool:
        """False once the peer closed, answered 421 or broke the protocol: not to be used again."""
        ...

    @property
    def transfers(self) -> int:
        """How many transfers it began: of each, octets were sent."""
        ...

    def on_end(self, tell: Callable[[], None] | None) -> None:
        """Have it called once, as soon as ``is_open`` is False by the peer's doing; None: nobody any more."""
        ...

    @property
    def content_sent(self) -> bool:
        """Whether the message in transfer, or the last one, may be with the peer: all of it was sent."""
        ...

    def room_for(self, transfer: Transfer) -> int:
        """Return how many octets of memory the transfer takes besides its content."""
        ...

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        """Carry one transaction; returns one outcome per recipient, in order. Never raises for what a peer does."""
        ...

    async def close(self) -> None:
        """QUIT if the session is sound, then close. Never raises, and is bounded by quit_s."""
        ...

    def abort(self) -> None:
        """Break it off, at once: a transfer under way ends as if the connection had been lost."""
        ...


class Progress(Protocol):
    """Who sees how far the opening of a connection has come."""

    async def trying(self, host: MxHost, address: str) -> None:
        """Return when it may be connected to, which is now or soon."""
        ...

    def awaiting(self, stage: Stage) -> None:
        """The host's next answer is to this."""
        ...


class Connector(Protocol):
    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
    ) -> Connection | Failure:
        """Open a session with one address of a host, up to EHLO and TLS. Never raises for what a peer does."""
        ...
