"""Smart hosts that want a login, through aiosmtplib; and the choice of a connector for a site.

Start with ``Connectors``. A password is sent under verified TLS only, except to a host on loopback.
"""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiosmtplib
import msgspec
from aiosmtplib import SMTPResponse

from angarium.config.address import SmartHost, parse_smart_host
from angarium.config.schema import DeliveryTimeouts, Route
from angarium.mta.transport.client_tls import TlsContexts
from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.mta.transport.peer import connect_reason, os_reason
from angarium.mta.transport.reply_meaning import (
    Where,
    attempt,
    in_doubt,
    meaning,
    not_sendable,
    opening_failure,
)
from angarium.mta.transport.transfer import Connector, EgressPath, SessionTaps, TlsPolicy, Transfer
from angarium.queue.model import UnixMs
from angarium.queue.stage import Stage
from angarium.routing.resolution import MxHost, Site
from angarium.smtp.client.capabilities import Capabilities, parse_capabilities
from angarium.smtp.client.transaction import Answer, ClientTransaction, Flight, NotSendableError
from angarium.smtp.reply import PeerError, Reply, clean_text
from angarium.smtp.tap import ENDED, Opening, Tap

MAX_PASSWORD_OCTETS: Final = 1024  # ours; longer is not a password but the wrong file


class PasswordError(Exception):
    """The operator's password cannot be read."""


class SmartHostLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A login at a smart host. The password is read at each connection: it may be changed under us."""

    user: str
    password_file: str | None
    password_env: str | None

    def password(self) -> str:
        """Blocks on the file. Raises PasswordError, which does not quote what it read, nor names paths: senders are
        told of it in DSNs."""
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise PasswordError("password_env: the server has no such environment variable")
            password = os.environ[self.password_env]
        elif self.password_file is not None:
            try:
                with Path(self.password_file).open("rb") as file:
                    octets = file.read(MAX_PASSWORD_OCTETS + 1)
                password = octets.decode("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = os_reason(error) if isinstance(error, OSError) else "not UTF-8"
                raise PasswordError(f"password file: {reason}") from error
        else:
            raise PasswordError("no password is configured")
        if not password.isprintable() or not 0 < len(password.encode()) <= MAX_PASSWORD_OCTETS:
            raise PasswordError("the password is empty, too long, or has control characters")
        return password


class Connectors:
    """Which connector opens a site's connections: one with a login for routes that name a user, else ours."""

    def __init__(
        self,
        routes: Sequence[Route],
        own: Connector,
        timeouts: DeliveryTimeouts,
        clock: Callable[[], UnixMs],
        tls_contexts: TlsContexts,
        taps: SessionTaps | None = None,
    ) -> None:
        """Raises ValueError for a route that is neither ``mx`` nor a smart host's URL."""
        self._own = own
        self._by_url: dict[str, Connector] = {}
        for route in routes:
            if route.via == "mx" or route.via in self._by_url:
                continue
            to = parse_smart_host(route.via)
            if to.user:
                credentials = SmartHostLogin(
                    user=to.user,
                    password_file=route.password_file,
                    password_env=route.password_env,
                )
                self._by_url[route.via] = LoginConnector(
                    to, credentials, timeouts, clock, tls_contexts, taps
                )

    def connector_of(self, site: Site) -> Connector:
        return self._by_url.get(site.via, self._own)


class LoginConnector:
    """Opens sessions with one smart host and logs in."""

    def __init__(
        self,
        to: SmartHost,
        credentials: SmartHostLogin,
        timeouts: DeliveryTimeouts,
        clock: Callable[[], UnixMs],
        tls_contexts: TlsContexts,
        taps: SessionTaps | None = None,
    ) -> None:
        self._taps = taps
        self._to = to
        self._credentials = credentials
        self._timeouts = timeouts
        self._clock = clock
        self._tls_contexts = tls_contexts

    async def connect(
        self, host: MxHost, address: str, path: EgressPath, tls: TlsPolicy
    ) -> "LoginConnection | Transient":
        """Connect, STARTTLS, EHLO, AUTH. Never raises for what a peer does. ``tls`` may only add demands."""
        trusted = ipaddress.ip_address(address).is_loopback
        name = tls.server_name or host.name
        policy = TlsPolicy(mode="required" if trusted else "verify", server_name=name)
        smtp: aiosmtplib.SMTP | None = None
        where = Where(host=host.name, address=address, source=path.source, tls="")
        opening = Opening(f"{host.name} [{address}] port {host.port}")
        stage: Stage = "connect"
        result: LoginConnection | Transient | None = None
        try:
            password = await asyncio.to_thread(self._credentials.password)
            connected = await self._connected(address, host.port, path.bind_address)
            stage = "banner"
            smtp = aiosmtplib.SMTP(
                hostname=name,
                local_hostname=path.ehlo,
                timeout=self._timeouts.command_s,
                use_tls=self._to.implicit_tls,
                start_tls=False,
                tls_context=self._tls_contexts.context_for(policy),
                sock=connected,
            )
            await smtp.connect(timeout=self._timeouts.banner_s)
            stage = "ehlo"
            await smtp.ehlo()
            must = not trusted or tls.mode in ("required", "verify")
            if not self._to.implicit_tls and (must or smtp.supports_extension("starttls")):
                stage = "starttls"
                await smtp.starttls(server_hostname=name, timeout=self._timeouts.tls_handshake_s)
                stage = "ehlo"
                await smtp.ehlo()
            ssl_object = smtp.get_transport_info("ssl_object")
            if ssl_object is not None:
                where = msgspec.structs.replace(where, tls=ssl_object.version() or "")
            stage = "auth"
            await smtp.login(self._credentials.user, password)
            # The library shows no octets of the opening: its outcome stands for them
            opening.server(str(smtp.last_ehlo_response).encode() + b"\r\n")
            opening.note(f"logged in as {self._credentials.user}, {where.tls or 'in the clear'}")
            result = LoginConnection(
                smtp, host, where, self._clock, self._timeouts, opening, self._taps
            )
        except PasswordError as error:
            result = self._failure(where, "auth", "4.7.8", str(error))
        except aiosmtplib.SMTPResponseException as error:
            result = opening_failure(stage, _reply(error.code, error.message), where, self._clock())
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            enhanced = "4.7.4" if stage == "starttls" else "4.4.1"
            # The library's own words name port None
            reason = connect_reason(error.__cause__ or error, path.bind_address)
            result = self._failure(where, stage, enhanced, reason)
        finally:
            if smtp is not None and not isinstance(result, LoginConnection):
                smtp.close()
        if isinstance(result, Transient) and self._taps is not None and self._taps.is_on:
            text = f"not opened ({result.attempt.stage}): {result.attempt.text}"
            self._taps.opening_failed(opening, host.name, text)
        return result

    async def _connected(self, address: str, port: int, bind: str | None) -> socket.socket:
        """Raises OSError (TimeoutError is one)."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        new = socket.socket(family, socket.SOCK_STREAM)
        try:
            new.setblocking(False)
            if bind is not None:
                new.bind((bind, 0))
            async with asyncio.timeout(self._timeouts.connect_s):
                await asyncio.get_running_loop().sock_connect(new, (address, port))
        except TimeoutError:
            new.close()
            raise TimeoutError("connection timed out") from None
        except BaseException:
            new.close()
            raise
        return new

    def _failure(self, where: Where, stage: Stage, enhanced: str, text: str) -> Transient:
        made = attempt(where, self._clock(), stage, enhanced=enhanced, reason=clean_text(text))
        return Transient(made, Scope.SITE)


class LoginConnection:
    """A session past AUTH, command by command. Satisfies ``transfer.Connection``."""

    def __init__(
        self,
        smtp: aiosmtplib.SMTP,
        host: MxHost,
        where: Where,
        clock: Callable[[], UnixMs],
        timeouts: DeliveryTimeouts,
        opening: Opening,
        taps: SessionTaps | None,
    ) -> None:
        self._opening = opening
        self._taps = taps
        self._tap: Tap | None = None
        self._smtp = smtp
        self.host: Final = host
        self.address: Final = where.address
        self._where = where
        self._clock = clock
        self._timeouts = timeouts
        self._capabilities = _capabilities(smtp)
        self._needs_reset = False
        self.transfers = 0
        self.content_sent = False  # the library does not tell: from DATA on

    @property
    def offers_dsn(self) -> bool:
        return self._capabilities.dsn

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        """Carry one transaction; one outcome per recipient, in order. Raises only when cancelled."""
        self.transfers += 1
        self.content_sent = False
        self._tap = None
        if self._taps is not None and self._taps.is_on:
            paths = [each.forward_path for each in transfer.recipients]
            self._tap = self._taps.find(self._opening, paths)
        try:
            transaction = ClientTransaction(transfer, self._capabilities, reset=self._needs_reset)
        except NotSendableError as error:
            refused = not_sendable(error.refusal, self._where, self._clock())
            return [refused] * len(transfer.recipients)
        failure: Outcome | None = None
        flight = transaction.first_flight()
        done = False
        try:
            while flight is not None:
                flight = await self._fly(transaction, flight, transfer)
            done = True
        except (aiosmtplib.SMTPException, PeerError, OSError, ValueError) as error:
            failure = self._broken(flight, error)
        finally:
            if not done:  # also when cancelled: half a transaction is of no use to anyone
                self._smtp.close()
        self._needs_reset = transaction.failed
        return self._outcomes(transaction, failure)

    async def close(self) -> None:
        """QUIT if the session is sound, then close. Never raises but when cancelled."""
        try:
            if self._smtp.is_connected:
                async with asyncio.timeout(self._timeouts.quit_s):
                    await self._smtp.quit()
        except (aiosmtplib.SMTPException, OSError, ValueError):
            pass  # we are leaving anyway
        finally:
            self._smtp.close()
            if self._tap is not None:
                self._tap.end(ENDED)

    def abort(self) -> None:
        """Break it off, at once: a transfer under way ends as if the connection had been lost."""
        self._smtp.close()

    async def _fly(
        self, transaction: ClientTransaction, flight: Flight, transfer: Transfer
    ) -> Flight | None:
        if flight.stages[-1] != "data":
            command = flight.octets[0].removesuffix(b"\r\n")
            if self._tap is not None:
                self._tap.client(command)
            reply = _reply_of(await self._execute(command))
            self._show(reply)
            if reply.code == 421:
                transaction.abandon(flight.stages[0], reply)
                self._smtp.close()
                return None
            return transaction.next_flight([reply])
        if self._tap is not None:
            self._tap.client(b"DATA")
            self._tap.content(len(transfer.header) + len(transfer.body))
        # The library sends DATA and content in one call, and stuffs dots itself; the transaction has
        # checked the content (S2), so that its repair of line ends finds nothing to do.
        self.content_sent = True
        try:
            response = await self._smtp.data(
                transfer.header + transfer.body, timeout=self._timeouts.final_dot_s
            )
            reply = _reply_of(response)
        except aiosmtplib.SMTPDataError as error:
            reply = _reply(error.code, error.message)
        self._show(reply)
        transaction.next_flight([Reply(354, (b"",))])
        if reply.code == 421:
            transaction.abandon("final_dot", reply)
            self._smtp.close()
            return None
        return transaction.next_flight([reply])

    def _show(self, reply: Reply) -> None:
        if self._tap is not None:
            last = len(reply.lines) - 1
            for number, line in enumerate(reply.lines):
                mark = b"-" if number < last else b" "
                self._tap.server(b"%d%b%b\r\n" % (reply.code, mark, line))

    async def _execute(self, command: bytes) -> SMTPResponse:
        return await self._smtp.execute_command(command, timeout=self._timeouts.command_s)

    def _outcomes(self, transaction: ClientTransaction, failure: Outcome | None) -> list[Outcome]:
        at, outcomes = self._clock(), list[Outcome]()
        for answer in transaction.answers:
            if answer is None:
                assert failure is not None  # no recipient is without an answer at the end
                outcomes.append(failure)
            elif isinstance(answer, Answer):
                outcomes.append(meaning(answer.stage, answer.reply, self._where, at))
            else:
                outcomes.append(not_sendable(answer, self._where, at))
        return outcomes

    def _broken(self, flight: Flight | None, error: Exception) -> Transient:
        stage = flight.stages[-1] if flight is not None else "mail"
        if isinstance(error, aiosmtplib.SMTPResponseException):
            text = clean_text(error.message)  # as text, the error would be a tuple
        else:
            text = clean_text(os_reason(error))
        if stage == "data":
            # The library does not tell whether the final dot was out: it may have been
            return in_doubt(self._where, self._clock(), "4.4.2", text)
        made = attempt(self._where, self._clock(), stage, enhanced="4.4.2", reason=text)
        return Transient(made, Scope.SESSION)


def _capabilities(smtp: aiosmtplib.SMTP) -> Capabilities:
    """What EHLO offered, less what the library does not do."""
    response = smtp.last_ehlo_response
    if response is None:
        return Capabilities()
    offered = parse_capabilities(_reply_of(response))
    return msgspec.structs.replace(offered, pipelining=False, chunking=False)


def _reply_of(response: SMTPResponse) -> Reply:
    return _reply(response.code, response.message)


def _reply(code: int, message: str) -> Reply:
    """The library's reply as ours; -1 and such, of replies that it could not read, become a 4yz."""
    octets = message.encode("utf-8", "surrogateescape")
    return Reply(code if 200 <= code <= 599 else 451, tuple(octets.split(b"\n")))
