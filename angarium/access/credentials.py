"""Who may log in: verifies passwords off the event loop, remembers verified ones, slows guessing.

Owns the in-memory users, a cache of the file that is read anew when the file has changed. Knows nothing of SMTP's AUTH.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import argon2
import msgspec

from angarium.access.client_limits import FailedLogins, client_key
from angarium.access.credential_file import (
    HASHER,
    MAX_PASSWORD_OCTETS,
    CredentialFileError,
    FileState,
    User,
    find_state,
    normal_password,
    read_users,
)
from angarium.access.senders import compile_senders
from angarium.access.user_name import comparable_name, names_by_comparison
from angarium.config.schema import ListenerLimits
from angarium.smtp.address import Address, AddressSyntaxError, parse_mailbox

_log: Final = logging.getLogger(__name__)

HASH_THREADS: Final = 2  # each takes 64 MiB while it hashes
HASH_WAITERS: Final = 64  # for a thread; beyond them: Throttled
DELAYED_LOGINS: Final = 256  # sleeping, or waiting for others, at a time; beyond them: Throttled
FIRST_DELAY_S: Final = 0.25  # after the first failure, doubled by each further one
MAX_DELAY_S: Final = 5.0  # well below the client's timeout (RFC 5321 section 4.5.3.2)
FREE_FAILURES: Final = 2  # a person mistypes
# Failures of a user from everywhere, per failure allowed to one client: a high ceiling, since whoever reaches it locks
# the user out for a while.
USER_FACTOR: Final = 10
CACHED_LOGINS: Final = 10_000


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    tenant: str
    senders: tuple[str, ...]
    stream: str = ""  # as ``credential_file.User`` has both
    other_streams: tuple[str, ...] = ()

    def allows(self, address: str | Address) -> bool:
        """Whether the user may send as this address (A2)."""
        if isinstance(address, str):
            try:
                address = parse_mailbox(address)
            except AddressSyntaxError:
                return False
        return compile_senders(self.senders).allows(address)


class Refused(msgspec.Struct, frozen=True):
    """Wrong: 535 5.7.8. Does not tell whether there is such a user."""


class Throttled(msgspec.Struct, frozen=True):
    """Not looked at, whether right or wrong: 454 4.7.0."""

    text: str  # printable ASCII, for the reply


Result = Verified | Refused | Throttled


class Credentials:
    """Invariants:

    CR1. A password is compared only by argon2, in a thread, the same way whether the user exists or not (S13).
    CR2. What is remembered is a keyed hash over user, password and stored hash: neither a password nor, once the
        stored hash has changed, the old login.
    CR3. An attempt counts as a failure from its beginning until it has succeeded, so that many at once count like
        as many one after the other. The same login from the same client at once is one attempt: it tells a guesser
        nothing more, and a client may open many connections at a time.
    """

    def __init__(
        self,
        path: Path,
        limits: ListenerLimits,
        monotonic: Callable[[], float],
        *,
        failed: FailedLogins | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        hasher: argon2.PasswordHasher = HASHER,
    ) -> None:
        """Reads the file. ``failed``: shared with other processes. Raises CredentialFileError."""
        self._path = path
        self._limits = limits
        self._monotonic = monotonic
        self._sleep = sleep
        self._hasher = hasher
        self._key = os.urandom(32)  # of this process, never stored
        self._dummy_hash = hasher.hash(os.urandom(16).hex())
        self._logins: dict[bytes, float] = {}  # keyed hash -> when it is forgotten; oldest first
        self._failed = failed or FailedLogins(limits.auth_window_s)
        self._threads = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="argon2")
        self._hashing: dict[bytes, asyncio.Future[bool]] = {}  # one per login, however many wait
        self._attempts: dict[tuple[str, bytes], asyncio.Future[Result | None]] = {}  # under way
        # Of these attempts, those that wait for others to end.
        self._waiting: set[tuple[str, bytes]] = set()
        self._delayed = 0
        self._state, self._users = read_users(path)
        self._names = names_by_comparison(self._users)
        self._failed_state: FileState | None = None
        self._on_changed: Callable[[Set[str]], None] = lambda _: None

    def close(self) -> None:
        """Let the threads end; verify must not be called again."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def reload(self) -> None:
        """Read the file now, as on SIGHUP. Raises CredentialFileError; then the users of before remain."""
        before = self._users
        self._state, self._users = read_users(self._path)
        self._names = names_by_comparison(self._users)
        self._failed_state = None
        changed = {name for name, user in before.items() if self._users.get(name) != user}
        if changed:
            self._on_changed(changed)

    def on_changed(self, callback: Callable[[Set[str]], None]) -> None:
        """Have it called with who was removed or got another password, tenant or senders: before they log in anew."""
        self._on_changed = callback

    def find_cached(self, user: str, password: str) -> Verified | None:
        """Return the user if this very login was verified not long ago. Never waits."""
        self.refresh()
        user = self._name_of(user)
        return self._find_cached(user, self._digest(user, password))

    def shown_name(self, user: str) -> str:
        """Return what may be logged and shown of a name that was typed: people type passwords there, too.

        Of one that is no user's only a keyed digest: it tells in the log whether the same was tried again.
        """
        user = self._name_of(user)
        return user if user in self._users else f"unknown:{self._failed.user_mark(user)}"  # P8

    async def verify(self, user: str, password: str, client: str) -> Result:
        """Check a login from the address ``client``. May wait: for its turn to hash, and as a brake on guessing."""
        key = client_key(client)
        while True:
            self.refresh()
            user = self._name_of(user)
            digest = self._digest(user, password)
            if (known := self._find_cached(user, digest)) is not None:
                return known
            attempt = self._attempts.get((key, digest))
            if attempt is None:
                break
            if (result := await asyncio.shield(attempt)) is not None:  # others may wait for it too
                return result
        attempt = asyncio.get_running_loop().create_future()
        self._attempts[key, digest] = attempt
        result = None
        try:
            result = await self._attempt(user, password, digest, client)
        finally:
            del self._attempts[key, digest]
            attempt.set_result(result)  # None: it was broken off, and the next one tries
        return result

    def _name_of(self, typed: str) -> str:
        """The user's name as it was given; of who is none, the name as it is compared: failures count as one."""
        if typed in self._users:
            return typed
        name = comparable_name(typed)
        if name in self._users and name not in self._names:
            return typed  # there are two of this name, and neither was typed
        return self._names.get(name, name)

    async def _attempt(self, user: str, password: str, digest: bytes, client: str) -> Result:
        allowed = self._limits.auth_failures_per_client
        while True:
            now = self._monotonic()
            by_client, by_user = self._failed.count(client, user, now)
            if by_client < allowed and by_user < allowed * USER_FACTOR:
                break
            if not await self._others_end(client_key(client), digest):
                return Throttled("Too many failed logins; try again later")
        self._failed.add(client, user, now)  # CR3
        result: Result | None = None
        try:
            result = await self._verify_slowly(user, password, digest, max(by_client, by_user))
        finally:
            if not isinstance(result, Refused) and result is not None:
                self._failed.take_back(client, user, now)
        return result

    async def _others_end(self, client: str, digest: bytes) -> bool:
        """Wait for an attempt of the client that has begun and may yet be right; False: there is none to wait for."""
        own = (client, digest)
        begun = [
            attempt
            for key, attempt in self._attempts.items()
            if key[0] == client and key != own and key not in self._waiting
        ]
        if not begun or len(self._waiting) >= DELAYED_LOGINS:
            return False
        self._waiting.add(own)
        try:
            await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(own)
        return True

    async def _verify_slowly(
        self, user: str, password: str, digest: bytes, failures: int
    ) -> Result:
        if failures > FREE_FAILURES and not await self._delay(failures - FREE_FAILURES):
            return Throttled("Too many logins are waiting; try again later")
        stored = self._users.get(user)
        matches = await self._matches(password, stored, digest)
        self.refresh()
        if matches is None:
            return Throttled("Too many logins at a time; try again later")
        if not matches or stored is None or self._users.get(user) != stored:
            return Refused()
        if self._limits.auth_cache_s > 0:
            self._remember(digest)
        return _verified(stored)

    async def _delay(self, failures: int) -> bool:
        """Brake; False if too many are braked already."""
        if self._delayed >= DELAYED_LOGINS:
            return False
        self._delayed += 1
        try:
            await self._sleep(min(FIRST_DELAY_S * 2.0 ** min(failures - 1, 10), MAX_DELAY_S))
        finally:
            self._delayed -= 1
        return True

    async def _matches(self, password: str, stored: User | None, digest: bytes) -> bool | None:
        """Compare off the event loop; None when too many wait for that. CR1."""
        try:
            if len(password.encode()) > MAX_PASSWORD_OCTETS:
                return False  # for any user, so it tells nothing
        except UnicodeEncodeError:  # was not UTF-8 on the wire
            return False
        hashing = self._hashing.get(digest)
        if hashing is None:
            if len(self._hashing) >= HASH_THREADS + HASH_WAITERS:
                return None
            hashing = asyncio.get_running_loop().run_in_executor(
                self._threads,
                _matches,
                self._hasher,
                self._dummy_hash if stored is None else stored.hash,
                normal_password(password),
            )
            self._hashing[digest] = hashing
            hashing.add_done_callback(lambda _: self._hashing.pop(digest, None))
        try:
            return await asyncio.shield(hashing)  # others may wait for the same
        except argon2.exceptions.VerificationError as error:  # no memory for it
            _log.error("cannot hash: %s", error, extra={"event": "hash_failed"})
            return None

    def _find_cached(self, user: str, digest: bytes) -> Verified | None:
        forgotten = self._logins.get(digest)
        stored = self._users.get(user)
        if forgotten is None or stored is None or forgotten <= self._monotonic():
            return None
        return _verified(stored)

    def _remember(self, digest: bytes) -> None:
        self._logins.pop(digest, None)
        if len(self._logins) >= CACHED_LOGINS:
            del self._logins[next(iter(self._logins))]
        self._logins[digest] = self._monotonic() + self._limits.auth_cache_s

    def _digest(self, user: str, password: str) -> bytes:
        """CR2."""
        stored = self._users.get(user)
        name = user.encode("utf-8", "surrogatepass")
        secret = password.encode("utf-8", "surrogatepass")
        lengths = b"%d,%d," % (len(name), len(secret))
        stored_hash = self._dummy_hash if stored is None else stored.hash
        text = lengths + name + secret + stored_hash.encode()
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()

    def refresh(self) -> None:
        """Read the file again if it has changed. If that fails, the users of before remain, with one error logged.

        Looks each time (2 us): who adds a user or changes a password tries it next.
        """
        state = None
        try:
            state = find_state(self._path)
            if state != self._state and (state is None or state != self._failed_state):
                self.reload()
                _log.info("credentials read", extra={"event": "credentials_read"})
        except CredentialFileError as error:
            if state is None or state != self._failed_state:
                _log.error("%s", error, extra={"event": "credentials_unusable"})
            self._failed_state = state


def _verified(user: User) -> Verified:
    return Verified(
        user=user.name,
        tenant=user.tenant,
        senders=user.senders,
        stream=user.stream,
        other_streams=user.other_streams,
    )


def _matches(hasher: argon2.PasswordHasher, stored_hash: str, password: str) -> bool:
    try:
        return hasher.verify(stored_hash, password)
    except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
        return False
