"""What comes before the dialogue: the PROXY header and the TLS handshake. Each is over, or cut, by its deadline."""

from collections.abc import Callable

from angarium.smtp.refusal import Refusal
from angarium.smtp.server.proxy_protocol import NeedMore, ProxyHeaderError
from angarium.smtp.server.proxy_protocol import parse as parse_proxy_header
from angarium.smtp.server.session import ServerSession
from angarium.smtp.server.settings import TlsFacts
from angarium.smtp_in.observer import ListenerObserver
from angarium.smtp_in.phase import Phase, PhaseName
from angarium.smtp_in.wire import Wire


class _Opening(Phase):
    def __init__(self, wire: Wire, timeout_s: float) -> None:
        self._wire = wire
        self.deadline = wire.loop.time() + timeout_s

    def cut(self) -> None:
        self._wire.cut()

    def lost(self) -> None:
        self._wire.gone()


class ProxyHeader(_Opening):
    """A peer that is configured to says whom it speaks for (S12)."""

    name = PhaseName.PROXY_HEADER

    def __init__(self, wire: Wire, timeout_s: float, then: Callable[[str], None]) -> None:
        """``then`` is given the client's address, and enters the next phase."""
        super().__init__(wire, timeout_s)
        self._then = then
        self._header = b""  # incomplete

    def take(self, octets: bytes) -> None:
        self._header += octets
        try:
            header = parse_proxy_header(self._header)
        except ProxyHeaderError:
            self.cut()
            return
        if isinstance(header, NeedMore):
            return
        rest, self._header = self._header[header.octets_used :], b""
        self._then(header.source or self._wire.peer)
        if rest:
            self._wire.phase.take(rest)


class Handshake(_Opening):
    """TLS, from the first octet (RFC 8314 section 3.3) or behind STARTTLS (RFC 3207)."""

    name = PhaseName.HANDSHAKE

    def __init__(
        self,
        wire: Wire,
        timeout_s: float,
        then: Callable[[TlsFacts, bytes], None],
        observer: ListenerObserver,
        session: ServerSession | None = None,
    ) -> None:
        """``then`` is given what came behind the handshake, in the clear. With a session: behind STARTTLS."""
        super().__init__(wire, timeout_s)
        self._then = then
        self._observer = observer
        self._session = session

    def take(self, octets: bytes) -> None:
        plain = self._wire.decrypt(octets)
        tls = self._wire.tls
        if plain is not None and tls is not None and tls.facts is not None:
            self._observer.handshake(tls.facts.version)
            self._then(tls.facts, plain)

    def lost(self) -> None:
        self._observer.handshake("")
        super().lost()

    def leave(self, why: Refusal) -> None:
        if self._session is None:
            self.cut()
        else:
            self._session.leave(why)
