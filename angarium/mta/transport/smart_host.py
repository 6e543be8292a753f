"""Smart hosts that want a login; and the choice of a connector for a site.

Start with ``Connectors``. A password is sent under verified TLS only, except to a host on loopback.
"""

import asyncio
import ipaddress
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from angarium.config.address import SmartHost, parse_smart_host
from angarium.config.schema import NamedSmartHost, Pool, ProviderTimeouts, Route
from angarium.mta.transport.outcome import Failure, Scope, Transient
from angarium.mta.transport.peer import os_reason
from angarium.mta.transport.reply_meaning import Where, attempt
from angarium.mta.transport.transfer import (
    ALL_EXTENSIONS,
    Connection,
    Connector,
    EgressPath,
    Extensions,
    Progress,
    TlsPolicy,
)
from angarium.queue.destination import MX, SES
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost, Site
from angarium.smtp.client.auth import LogIn

MAX_PASSWORD_OCTETS: Final = 1024  # ours; longer is not a password but the wrong file


_USUAL: Final = ProviderTimeouts()


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


class OpensSessions(Protocol):
    """Our own client; ``connector`` is."""

    def within(self, own: ProviderTimeouts) -> "OpensSessions":
        """Return one that waits for as long as a provider's own timeouts say."""
        ...

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
        log_in: LogIn | None = None,
    ) -> Connection | Failure: ...


class Connectors:
    """Which connector opens a site's connections: one with a login where a user is named, SES's, else ours."""

    def __init__(
        self,
        routes: Sequence[Route],
        own: OpensSessions,
        clock: Callable[[], UnixMs],
        named: Sequence[NamedSmartHost] = (),
        pools: Sequence[Pool] = (),
        ses: Connector | None = None,
    ) -> None:
        """Of one URL, the log-in of a ``[[smart_host]]`` counts before that of a route, and that before a pool's.

        Raises ValueError for what is no smart host's URL.
        """
        self._own = own
        self._clock = clock
        self._logins: dict[str, tuple[SmartHost, SmartHostLogin]] = {}
        self._ses = ses
        for each in named:
            self._add(each.url, each)
        for route in routes:
            for via in route.vias:
                self._add(via, route)
        for pool in pools:
            self._add(pool.smart_host or MX, pool)

    def connector_of(self, site: Site) -> Connector:
        if site.via == SES and self._ses is not None:
            return self._ses
        timeouts = site.provider.timeouts
        own = self._own if timeouts == _USUAL else self._own.within(timeouts)
        found = self._logins.get(site.via)
        return own if found is None else LoginConnector(*found, own, self._clock)

    def _add(self, url: str, has: Route | NamedSmartHost | Pool) -> None:
        if url in (MX, SES):
            return
        to = parse_smart_host(url)
        if to.user and url not in self._logins:
            credentials = SmartHostLogin(
                user=to.user, password_file=has.password_file, password_env=has.password_env
            )
            self._logins[url] = (to, credentials)


class LoginConnector:
    """Opens sessions with one smart host and logs in."""

    def __init__(
        self,
        to: SmartHost,
        credentials: SmartHostLogin,
        own: OpensSessions,
        clock: Callable[[], UnixMs],
    ) -> None:
        self._to = to
        self._credentials = credentials
        self._own = own
        self._clock = clock

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
    ) -> Connection | Failure:
        """Open a session up to AUTH. Never raises for what a peer does. ``tls`` may only add demands."""
        try:
            password = await asyncio.to_thread(self._credentials.password)
        except PasswordError as error:
            where = Where(host=host.name, address=address, source=path.source, tls="")
            reason = str(error)
            made = attempt(where, self._clock(), "auth", enhanced="4.7.8", reason=reason)
            return Transient(made, Scope.SITE)
        log_in = LogIn(user=self._credentials.user, password=password)
        policy = self._policy(host, address, tls)
        return await self._own.connect(host, address, path, policy, use, progress, log_in)

    def _policy(self, host: MxHost, address: str, tls: TlsPolicy) -> TlsPolicy:
        is_trusted = ipaddress.ip_address(address).is_loopback
        name = tls.server_name or host.name
        if self._to.implicit_tls:  # verified where a name is given
            return TlsPolicy(mode="implicit", server_name="" if is_trusted else name)
        if not is_trusted:
            return TlsPolicy(mode="verify", server_name=name)
        demands = tls.mode in ("required", "verify")
        return TlsPolicy(mode=tls.mode if demands else "opportunistic", server_name=name)
