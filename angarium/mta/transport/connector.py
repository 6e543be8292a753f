"""Opens sessions with MX hosts and smart hosts by our own client: TCP, banner, EHLO, TLS.

Start with ``SmtpConnector``. Whatever a peer does comes back as an Outcome; only cancellation is raised.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping

from angarium.config.schema import DeliveryTimeouts
from angarium.mta.transport.client_tls import (
    IN_THE_CLEAR,
    ClientTls,
    TlsContexts,
    tls_seen,
)
from angarium.mta.transport.connection import BROKEN_STATUS, SmtpConnection
from angarium.mta.transport.outcome import Scope, Transient
from angarium.mta.transport.peer import BrokenError, Peer, connect_reason, os_reason, stage_limits
from angarium.mta.transport.reply_meaning import (
    Where,
    attempt,
    opening_failure,
)
from angarium.mta.transport.tls_memory import TlsMemory
from angarium.mta.transport.transfer import EgressPath, SessionTaps, TlsPolicy
from angarium.queue.model import UnixMs
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost
from angarium.smtp.client.command import ArgumentError
from angarium.smtp.client.session import ClientSession
from angarium.smtp.reply import PeerError, clean_text
from angarium.smtp.tap import Opening


class SmtpConnector:
    """Opens sessions. One per delivery process; holds no connection itself.

    D6: TLS is done without only under ``off`` and ``opportunistic``; SNI is the policy's server name, else the MX
    host's. ``hostname`` greets where an egress path names none.
    """

    def __init__(
        self,
        timeouts: DeliveryTimeouts,
        hostname: str,
        clock: Callable[[], UnixMs],
        tls_memory: TlsMemory,
        tls_contexts: TlsContexts | None = None,
        taps: SessionTaps | None = None,
    ) -> None:
        self._taps = taps
        self._timeouts = timeouts
        self._limits = stage_limits(timeouts)
        self._hostname = hostname
        self._clock = clock
        self._tls_memory = tls_memory
        self._tls_contexts = tls_contexts or ClientTls()

    async def connect(
        self, host: MxHost, address: str, path: EgressPath, tls: TlsPolicy
    ) -> SmtpConnection | Transient:
        """Open a session with one address of a host, up to EHLO and TLS. Never raises for what a peer does."""
        opening = _Opening(
            self._timeouts, self._limits, self._clock, self._tls_contexts, host, address, path, tls
        )
        opening.taps = self._taps
        opening.ehlo = path.ehlo or self._hostname
        if tls.mode != "opportunistic":
            return await opening.open(with_tls=tls.mode != "off")
        if self._tls_memory.is_broken(host.name, address):
            return await opening.open(with_tls=False)
        result = await opening.open(with_tls=True)
        if opening.tls_broke:
            self._tls_memory.remember(host.name, address)
            return await opening.open(with_tls=False)  # once, in the clear: no policy forbids it
        return result


class _Opening:
    """The way to one session; may be walked twice, with TLS and without."""

    def __init__(
        self,
        timeouts: DeliveryTimeouts,
        limits: Mapping[str, float],
        clock: Callable[[], UnixMs],
        tls_contexts: TlsContexts,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
    ) -> None:
        self._timeouts = timeouts
        self._limits = limits
        self._clock = clock
        self._tls_contexts = tls_contexts
        self._host = host
        self._address = address
        self._path = path
        self._tls = tls
        self._tls_seen = IN_THE_CLEAR
        self.ehlo = path.ehlo
        self.tls_broke = False  # the handshake, or the first command under TLS, failed
        self.taps: SessionTaps | None = None
        self._told = Opening("")

    async def open(self, *, with_tls: bool) -> SmtpConnection | Transient:
        self._tls_seen, self.tls_broke = IN_THE_CLEAR, False
        label = f"{self._host.name} [{self._address}] port {self._host.port}"
        self._told = Opening(label, {self._host.name, self._address})
        result = await self._open(with_tls=with_tls)
        if isinstance(result, Transient) and self.taps is not None and self.taps.is_on:
            made = result.attempt
            text = f"not opened ({made.stage}): {made.text}"
            self.taps.opening_failed(self._told, self._host.name, text)
        return result

    async def _open(self, *, with_tls: bool) -> SmtpConnection | Transient:
        try:
            session = ClientSession(self.ehlo)
        except ArgumentError as error:  # S9
            return self._failure("ehlo", Scope.SITE, "4.3.5", f"our own EHLO name: {error}")
        peer = await self._connect(session)
        if isinstance(peer, Transient):
            return peer
        result: SmtpConnection | Transient | None = None
        try:
            result = await self._greet(peer, with_tls=with_tls)
        except BrokenError as error:
            result = self._broken(error)
        except PeerError as error:
            result = self._failure(
                session.stage, Scope.SESSION, "4.5.0", f"protocol error: {error}"
            )
        finally:
            if not isinstance(result, SmtpConnection):
                peer.abort()
        return result

    async def _connect(self, session: ClientSession) -> Peer | Transient:
        loop = asyncio.get_running_loop()
        implicit = self._tls.mode == "implicit"
        context = self._tls_contexts.context_for(self._tls) if implicit else None
        bind = self._path.bind_address
        try:
            async with asyncio.timeout(
                self._timeouts.connect_s + (self._timeouts.tls_handshake_s if implicit else 0)
            ):
                transport, peer = await loop.create_connection(
                    lambda: Peer(session, self._limits, loop, self._told),
                    self._address,
                    self._host.port,
                    local_addr=(bind, 0) if bind else None,
                    ssl=context,
                    server_hostname=self._server_name() if implicit else None,
                    ssl_handshake_timeout=self._timeouts.tls_handshake_s if implicit else None,
                    ssl_shutdown_timeout=self._timeouts.quit_s if implicit else None,
                )
        except TimeoutError:
            return self._failure("connect", Scope.SITE, "4.4.1", "connection timed out")
        except ssl.SSLError as error:
            return self._failure("starttls", Scope.SITE, "4.7.5", _tls_reason(error))
        except (OSError, ValueError) as error:  # ValueError: a name that TLS cannot ask for
            is_cut = implicit and isinstance(error, ConnectionError)
            stage: Stage = "starttls" if is_cut else "connect"
            return self._failure(stage, Scope.SITE, "4.4.1", connect_reason(error, bind))
        if implicit:
            self._tls_began(transport)
        return peer

    async def _greet(self, peer: Peer, *, with_tls: bool) -> SmtpConnection | Transient:
        """Banner, EHLO (HELO), STARTTLS and EHLO again."""
        session = peer.session
        await peer.exchange(b"")
        if session.reply.code != 220:
            return self._refused("banner", peer)
        if (refused := await self._ehlo(peer)) is not None:
            return refused
        if with_tls and self._tls.mode != "implicit":
            if session.capabilities.starttls:
                if (failure := await self._starttls(peer)) is not None:
                    return failure
            elif self._tls.mode != "opportunistic":
                text = "TLS is required, but the host does not offer it"
                return self._failure("starttls", Scope.SITE, "4.7.4", text)
        if not session.is_open:
            return self._failure("ehlo", Scope.SESSION, "4.4.2", "connection closed by the peer")
        peer.tap = None  # from now on only while somebody watches
        return SmtpConnection(
            peer,
            self._host,
            self._where(),
            self._clock,
            self._timeouts.quit_s,
            self._told,
            self.taps,
        )

    async def _ehlo(self, peer: Peer) -> Transient | None:
        session = peer.session
        await peer.exchange(session.ehlo())
        if session.reply.code // 100 == 2:
            session.learn_capabilities()
            return None
        if session.reply.code >= 500 and session.is_open:
            await peer.exchange(session.helo())  # RFC 5321 section 3.2
            if session.reply.code // 100 == 2:
                return None
        return self._refused("ehlo", peer)

    async def _starttls(self, peer: Peer) -> Transient | None:
        """RFC 3207. None: go on, under TLS, or in the clear where the peer took the offer back and none demands it."""
        session = peer.session
        await peer.exchange(session.starttls())
        if session.reply.code // 100 != 2:
            if self._tls.mode == "opportunistic" and session.is_open:
                return None
            return self._refused("starttls", peer)
        if (failure := await self._handshake(peer)) is not None:
            self.tls_broke = True
            return failure
        session.tls_started()  # S3
        try:
            return await self._ehlo(peer)
        except BrokenError:
            self.tls_broke = True  # some peers shake hands and then fall over
            raise

    async def _handshake(self, peer: Peer) -> Transient | None:
        loop = asyncio.get_running_loop()
        if peer.transport is None:
            return self._failure(
                "starttls", Scope.SESSION, "4.4.2", "connection closed by the peer"
            )
        try:
            async with asyncio.timeout(self._timeouts.tls_handshake_s):
                transport = await loop.start_tls(
                    peer.transport,
                    peer,
                    self._tls_contexts.context_for(self._tls),
                    server_hostname=self._server_name(),
                    ssl_handshake_timeout=self._timeouts.tls_handshake_s + 1,
                    ssl_shutdown_timeout=self._timeouts.quit_s,
                )
        except TimeoutError:
            return self._failure("starttls", Scope.SESSION, "4.7.5", "TLS handshake timed out")
        except ssl.SSLError as error:
            return self._failure("starttls", Scope.SESSION, "4.7.5", _tls_reason(error))
        except (OSError, ValueError) as error:
            text = f"TLS handshake: {os_reason(error)}"
            return self._failure("starttls", Scope.SESSION, "4.7.5", text)
        if transport is None:  # lost while the handshake ended
            return self._failure(
                "starttls", Scope.SESSION, "4.7.5", "TLS handshake: connection closed"
            )
        peer.connection_made(transport)
        self._tls_began(transport)
        return None

    # -- values

    def _server_name(self) -> str:
        return self._tls.server_name or self._host.name  # D6

    def _tls_began(self, transport: asyncio.BaseTransport) -> None:
        self._tls_seen = tls_seen(transport.get_extra_info("ssl_object"))
        self._told.note(self._tls_seen.version)

    def _where(self) -> Where:
        return Where(
            host=self._host.name,
            address=self._address,
            source=self._path.source,
            tls=self._tls_seen.version,
            tls_cipher=self._tls_seen.cipher,
            tls_verified=self._tls_seen.verified,
        )

    def _failure(self, stage: Stage, scope: Scope, enhanced: str, text: str) -> Transient:
        made = attempt(
            self._where(), self._clock(), stage, enhanced=enhanced, reason=clean_text(text)
        )
        return Transient(made, scope)

    def _refused(self, stage: Stage, peer: Peer) -> Transient:
        reply = peer.session.reply
        if reply.code < 400:
            text = f"protocol error: {reply.code} in reply to {stage}"
            return self._failure(stage, Scope.SESSION, "4.5.0", text)
        return opening_failure(stage, reply, self._where(), self._clock())

    def _broken(self, error: BrokenError) -> Transient:
        return self._failure(error.stage, Scope.SESSION, BROKEN_STATUS[error.kind], error.text)


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate: {error.verify_message}"
    return f"TLS handshake: {error.reason or os_reason(error)}"
