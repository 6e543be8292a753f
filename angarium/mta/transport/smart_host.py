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
from angarium.config.schema import Pool, ProviderTimeouts, Route
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
    """Which connector opens a site's connections: one with a login for routes that name a user, else ours."""

    def __init__(
        self,
        routes: Sequence[Route],
        own: OpensSessions,
        clock: Callable[[], UnixMs],
        pools: Sequence[Pool] = (),
    ) -> None:
        """``pools``: some have a smart host, too. Raises ValueError for what is neither ``mx`` nor its URL."""
        self._own = own
        self._clock = clock
        self._by_url: dict[str, tuple[SmartHost, SmartHostLogin]] = {}
        logins: list[tuple[str, Route | Pool]] = []
        logins += [(each.via, each) for each in routes if each.via != "mx"]
        logins += [(each.smart_host, each) for each in pools if each.smart_host is not None]
        for url, login in logins:
            to = parse_smart_host(url)
            if to.user and url not in self._by_url:
                credentials = SmartHostLogin(
                    user=to.user,
                    password_file=login.password_file,
                    password_env=login.password_env,
                )
                self._by_url[url] = (to, credentials)

    def connector_of(self, site: Site) -> Connector:
        timeouts = site.provider.timeouts
        own = self._own if timeouts == _USUAL else self._own.within(timeouts)
        found = self._by_url.get(site.via)
        return own if found is None else LoginConnector(*found, own, self._clock)


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
