"""TLS between a connection's octets and its session: octets in, plain octets out. Touches no socket.

Own rather than ``loop.start_tls``, because that takes a task per handshake, cannot be given octets that have been
read already (behind a PROXY header), and reports a connection only once its handshake is done, which leaves
handshakes uncounted.
"""

import contextlib
import ssl
from typing import Final

from angarium.smtp.server.settings import TlsFacts

_READ_OCTETS: Final = 65_536


class TlsLayer:
    """The server's side of one TLS connection. ``ssl.SSLError`` out of a method: close at once, after ``outgoing``."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.facts: TlsFacts | None = None  # once the handshake is done
        self.is_ended = False  # the client has said that nothing more comes

    def receive(self, octets: bytes) -> bytes:
        """Take octets of the network; return plain ones, maybe none. Raises ssl.SSLError."""
        self._incoming.write(octets)
        plain: list[bytes] = []
        try:
            if self.facts is None:
                self._tls.do_handshake()
                cipher = self._tls.cipher()
                self.facts = TlsFacts(
                    version=self._tls.version() or "", cipher=cipher[0] if cipher else ""
                )
            while part := self._tls.read(_READ_OCTETS):
                plain.append(part)
            self.is_ended = True  # what ssl makes of a close_notify, until we have sent ours
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def send(self, plain: bytes) -> None:
        """Take plain octets; what they become is in ``outgoing``. Raises ssl.SSLError."""
        self._tls.write(plain)

    def outgoing(self) -> bytes:
        """Return octets for the network, once; also after ``receive``, for the handshake."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def end(self) -> None:
        """Say that nothing more comes (close_notify), so that the client can tell this from a cut."""
        with contextlib.suppress(ssl.SSLError, ValueError):
            self._tls.unwrap()
