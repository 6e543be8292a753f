"""Opens sessions with MX hosts and smart hosts by our own client: TCP, banner, EHLO, TLS.

Start with ``SmtpConnector``. Whatever a peer does comes back as an Outcome; only cancellation is raised.
"""

import asyncio
import errno
import ssl
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from angarium.config.address import MAX_PROXY_USER_OCTETS
from angarium.config.schema import DeliveryTimeouts, ProviderTimeouts
from angarium.mta.transport.client_tls import (
    IN_THE_CLEAR,
    ClientTls,
    TlsContexts,
    tls_seen,
)
from angarium.mta.transport.connection import BROKEN_STATUS, SmtpConnection
from angarium.mta.transport.lessons import Experience, Lessons
from angarium.mta.transport.outcome import Failure, Permanent, Scope, Transient
from angarium.mta.transport.peer import (
    BrokenError,
    Peer,
    connect_reason,
    is_own_fault,
    os_reason,
    stage_limits,
    timeouts_at,
)
from angarium.mta.transport.remedy import Remedy
from angarium.mta.transport.reply_meaning import (
    Where,
    attempt,
    greeting_refused,
    opening_failure,
)
from angarium.mta.transport.smart_host import PasswordError, SmartHostLogin
from angarium.mta.transport.socks5 import SocksError, SocksHandshake
from angarium.mta.transport.transfer import (
    ALL_EXTENSIONS,
    EgressPath,
    Extensions,
    Progress,
    ProxyAccess,
    SessionTaps,
    TlsPolicy,
)
from angarium.mta.transport.tunnel import open_tunnel
from angarium.queue.model import UnixMs
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost
from angarium.smtp.client.auth import AuthExchange, LogIn, known_mechanisms
from angarium.smtp.client.capabilities import Capabilities
from angarium.smtp.client.command import ArgumentError
from angarium.smtp.client.session import ClientSession
from angarium.smtp.reply import PeerError, clean_text, text
from angarium.smtp.tap import Opening

# RFC 7504 section 3, as a banner
NO_MAIL_HERE: Final = 521


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
        experience: Experience,
        tls_contexts: TlsContexts | None = None,
        taps: SessionTaps | None = None,
    ) -> None:
        self._taps = taps
        self._timeouts = timeouts
        self._limits = stage_limits(timeouts)
        self._hostname = hostname
        self._clock = clock
        self._experience = experience
        self._tls_contexts = tls_contexts or ClientTls()
        # As many as the configuration has different ones
        self._within: dict[ProviderTimeouts, SmtpConnector] = {}

    def within(self, own: ProviderTimeouts) -> "SmtpConnector":
        """Return one that waits for as long as a provider's own timeouts say, and shares all else."""
        found = self._within.get(own)
        if found is None:
            found = self._within[own] = SmtpConnector(
                timeouts_at(self._timeouts, own),
                self._hostname,
                self._clock,
                self._experience,
                self._tls_contexts,
                self._taps,
            )
        return found

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
        log_in: LogIn | None = None,
    ) -> SmtpConnection | Failure:
        """Open a session with one address of a host, up to EHLO, TLS and AUTH. Never raises for what a peer does."""
        memory, is_opportunistic = self._experience.tls, tls.mode == "opportunistic"
        if is_opportunistic and memory.is_demanded(host.name, address):
            tls = TlsPolicy(mode="required", server_name=tls.server_name)
        opening = _Opening(
            self._timeouts, self._limits, self._clock, self._tls_contexts, host, address, path, tls
        )
        opening.taps = self._taps
        opening.progress = progress
        opening.ehlo = path.ehlo or self._hostname
        opening.use = use
        opening.log_in = log_in
        opening.lessons = Lessons(
            self._experience, host.name, address, is_opportunistic=is_opportunistic
        )
        if tls.mode == "off":
            return await opening.open(without_tls="it is switched off")
        if tls.mode != "opportunistic":
            return await opening.open()
        if reason := memory.find_reason(host.name, address):
            return await opening.open(without_tls=reason)
        result = await opening.open()
        if opening.tls_broke:
            memory.broke(host.name, address, opening.tls_broke)
            if progress is not None:
                await progress.trying(host, address)
            # Once, in the clear: no policy forbids it
            return await opening.open(without_tls=opening.tls_broke)
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
        self._tls_skipped = ""
        self.ehlo = path.ehlo
        self.use = ALL_EXTENSIONS
        self.log_in: LogIn | None = None
        self.lessons: Lessons | None = None
        self.tls_broke = ""  # how the handshake, or the first command under TLS, failed
        self.taps: SessionTaps | None = None
        self.progress: Progress | None = None
        self._told = Opening("")

    async def open(self, *, without_tls: str = "") -> SmtpConnection | Failure:
        """``without_tls``: why it is not asked for, if so."""
        self._tls_seen, self._tls_skipped, self.tls_broke = IN_THE_CLEAR, "", ""
        label = f"{self._host.name} [{self._address}] port {self._host.port}"
        self._told = Opening(label, {self._host.name, self._address})
        result = await self._open(without_tls)
        if not isinstance(result, SmtpConnection) and self.taps is not None and self.taps.is_on:
            made = result.attempt
            text = f"not opened ({made.stage}): {made.text}"
            self.taps.opening_failed(self._told, self._host.name, text)
        return result

    async def _open(self, without_tls: str) -> SmtpConnection | Failure:
        try:
            session = ClientSession(self.ehlo)
        except ArgumentError as error:  # S9
            return self._failure("ehlo", Scope.SITE, "4.3.5", f"our own EHLO name: {error}")
        peer = await self._connect(session)
        if isinstance(peer, Transient):
            return peer
        result: SmtpConnection | Failure | None = None
        try:
            result = await self._greet(peer, without_tls)
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

    async def _connect_through(
        self, proxy: ProxyAccess, session: ClientSession
    ) -> Peer | Transient:
        """The same by way of a proxy. That it fails us is our own fault, that it cannot reach the host is not."""
        loop = asyncio.get_running_loop()
        implicit = self._tls.mode == "implicit"
        transport: asyncio.Transport | None = None
        peer = Peer(session, self._limits, loop, self._told)
        stands = False
        tls_s = self._timeouts.tls_handshake_s
        try:
            async with asyncio.timeout(self._timeouts.connect_s + (tls_s if implicit else 0)):
                password = await asyncio.to_thread(_password_of, proxy) if proxy.user else ""
                handshake = SocksHandshake(self._address, self._host.port, proxy.user, password)
                transport, first = await open_tunnel((proxy.host, proxy.port), handshake)
                if not implicit:
                    transport.set_protocol(peer)
                    peer.connection_made(transport)
                    if first:
                        peer.data_received(first)
                    stands = True
                    return peer
                upgraded = await loop.start_tls(
                    transport,
                    peer,
                    self._tls_contexts.context_for(self._tls),
                    server_hostname=self._server_name(),
                    ssl_handshake_timeout=tls_s,
                    ssl_shutdown_timeout=self._timeouts.quit_s,
                )
                if upgraded is None:
                    raise ConnectionResetError(errno.ECONNRESET, "closed")
                peer.connection_made(upgraded)
                self._tls_began(upgraded)
                stands = True
        except TimeoutError:
            return self._failure("connect", Scope.SITE, "4.4.1", "connection timed out")
        except (SocksError, PasswordError) as error:
            is_ours = isinstance(error, PasswordError) or not error.is_hosts
            return self._proxy_failed(proxy, str(error), is_ours=is_ours)
        except ssl.SSLError as error:
            return self._failure("starttls", Scope.SITE, "4.7.5", _tls_reason(error))
        except (OSError, ValueError) as error:
            if transport is None:
                return self._proxy_failed(proxy, os_reason(error), is_ours=True)
            return self._failure("starttls", Scope.SITE, "4.4.1", os_reason(error))
        finally:
            if transport is not None and not stands:
                transport.abort()
        return peer

    def _proxy_failed(self, proxy: ProxyAccess, reason: str, *, is_ours: bool) -> Transient:
        text = f"the proxy {proxy.host}:{proxy.port} of our source: {reason}"
        failure = self._failure("connect", Scope.SITE, "4.4.1", text)
        return msgspec.structs.replace(failure, source_failed=is_ours)

    async def _connect(self, session: ClientSession) -> Peer | Transient:
        if self._path.proxy is not None:
            return await self._connect_through(self._path.proxy, session)
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
            failure = self._failure(stage, Scope.SITE, "4.4.1", connect_reason(error, bind))
            return msgspec.structs.replace(failure, source_failed=is_own_fault(error, bind))
        if implicit:
            self._tls_began(transport)
        return peer

    async def _greet(self, peer: Peer, without_tls: str) -> SmtpConnection | Failure:
        """Banner, EHLO (HELO), STARTTLS and EHLO again, AUTH where there is a log-in."""
        session = peer.session
        self._awaiting("banner")
        await peer.exchange(b"")
        if session.reply.code != 220:
            if session.reply.code == NO_MAIL_HERE:
                return greeting_refused("banner", session.reply, self._where(), self._clock())
            return self._refused("banner", peer)
        if (refused := await self._ehlo(peer)) is not None:
            return refused
        if self._tls.mode != "implicit":
            if without_tls:
                self._skip_tls(session, without_tls)
            elif session.capabilities.starttls:
                if (failure := await self._starttls(peer)) is not None:
                    return failure
            elif self._tls.mode != "opportunistic":
                text = "TLS is required, but the host does not offer it"
                return self._failure("starttls", Scope.SITE, "4.7.4", text)
        if self.log_in is not None and (refused := await self._authenticate(peer, self.log_in)):
            return refused
        if not session.is_open:
            return self._failure("ehlo", Scope.SESSION, "4.4.2", "connection closed by the peer")
        assert self.lessons is not None
        session.capabilities = _used(session.capabilities, self.use, self.lessons.remedies)
        peer.tap = None  # from now on only while somebody watches
        return SmtpConnection(
            peer,
            self._host,
            self._where(),
            self._clock,
            self._timeouts.quit_s,
            self._told,
            self.taps,
            self.lessons,
        )

    def _skip_tls(self, session: ClientSession, reason: str) -> None:
        if session.capabilities.starttls:
            self._tls_skipped = reason
            self._told.note(f"TLS is done without: {reason}")

    async def _ehlo(self, peer: Peer) -> Failure | None:
        session = peer.session
        self._awaiting("ehlo")
        await peer.exchange(session.ehlo())
        if session.reply.code // 100 == 2:
            session.learn_capabilities()
            return None
        if session.reply.code >= 500 and session.is_open:
            await peer.exchange(session.helo())  # RFC 5321 section 3.2
            if session.reply.code // 100 == 2:
                return None
            if session.reply.code >= 500:
                return greeting_refused("ehlo", session.reply, self._where(), self._clock())
        return self._refused("ehlo", peer)

    async def _starttls(self, peer: Peer) -> Transient | None:
        """RFC 3207. None: go on, under TLS, or in the clear where the peer took the offer back and none demands it."""
        session = peer.session
        self._awaiting("starttls")
        await peer.exchange(session.starttls())
        if session.reply.code // 100 != 2:
            if self._tls.mode == "opportunistic" and session.is_open:
                self._skip_tls(session, text(session.reply))
                return None
            return self._refused("starttls", peer)
        if (failure := await self._handshake(peer)) is not None:
            self.tls_broke = failure.attempt.text
            return failure
        session.tls_started()  # S3
        try:
            refused = await self._ehlo(peer)
        except BrokenError as error:
            # Some peers shake hands and then fall over
            self.tls_broke = clean_text(f"after the TLS handshake: {error.text}")
            raise
        if isinstance(refused, Permanent):  # it took our greeting in the clear
            self.tls_broke = clean_text(f"after the TLS handshake: {refused.attempt.text}")
            return Transient(refused.attempt, Scope.SITE)
        return refused

    async def _authenticate(self, peer: Peer, log_in: LogIn) -> Transient | None:
        """Each mechanism in turn: a server may offer more than its accounts have."""
        session = peer.session
        mechanisms = known_mechanisms(session.capabilities.auth)
        if not mechanisms:
            reason = "the host offers no AUTH mechanism that we know"
            return self._failure("auth", Scope.SITE, "4.7.4", reason)
        for mechanism in mechanisms:
            exchange = AuthExchange(mechanism, log_in)
            shown = f"AUTH {mechanism}\r\n".encode()
            await peer.exchange(session.auth(exchange.command()), shown=shown)
            while session.reply.code == 334 and session.is_open:
                answer = session.auth(exchange.response(session.reply))
                await peer.exchange(answer, shown=b"*\r\n")
            if session.reply.code // 100 == 2:
                how = self._tls_seen.version or "in the clear"
                self._told.note(f"logged in as {log_in.user}, {how}")
                return None
            if session.reply.code < 500 or not session.is_open:
                break
        return self._refused("auth", peer)

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

    def _awaiting(self, stage: Stage) -> None:
        if self.progress is not None:
            self.progress.awaiting(stage)

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
            tls_skipped=self._tls_skipped,
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


def _used(offered: Capabilities, use: Extensions, remedies: frozenset[Remedy]) -> Capabilities:
    """What is made use of: less what the provider's configuration or the host's own conduct forbids."""
    return msgspec.structs.replace(
        offered,
        pipelining=offered.pipelining
        and use.pipelining
        and Remedy.WITHOUT_PIPELINING not in remedies,
        chunking=offered.chunking and use.chunking and Remedy.WITHOUT_CHUNKING not in remedies,
    )


def _password_of(proxy: ProxyAccess) -> str:
    """Blocks on the file. Raises PasswordError."""
    password = SmartHostLogin(
        user=proxy.user, password_file=proxy.password_file, password_env=proxy.password_env
    ).password()
    if len(password.encode()) > MAX_PROXY_USER_OCTETS:
        raise PasswordError(f"the password has more than {MAX_PROXY_USER_OCTETS} octets")
    return password


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS certificate: {error.verify_message}"
    return f"TLS handshake: {error.reason or os_reason(error)}"
