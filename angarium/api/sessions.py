"""People who log in over HTTP: passwords compared off the loop, and sessions that stand for a key (P6)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import argon2
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from angarium.access.allowance import Rates
from angarium.access.credential_file import HASHER, MAX_PASSWORD_OCTETS, normal_password
from angarium.api.access import GRANT, client_address, presented_key
from angarium.api.platform_access import PlatformAccess
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy import SnapshotFile
from angarium.tenancy.account import SignedIn, SignInProblem
from angarium.tenancy.model import Key
from angarium.tenancy.session_token import TOKEN_MARK
from angarium.tenancy.snapshot import KeyGrant

if TYPE_CHECKING:
    from angarium.tenancy.identities import Entered, NewMember, Vouched
    from angarium.tenancy.passkeys import Asked
    from angarium.tenancy.platform import Platform
    from angarium.tenancy.sign_in import Candidate, NewSession

# Each takes 64 MiB while it hashes; beyond the waiters a client is told to come again
HASH_THREADS: Final = 2
HASH_WAITERS: Final = 16
# Ours, of one client address, whoever it says to be: more is guessing
LOG_INS_PER_S: Final = 5
SIGNED_IN: Final = web.RequestKey("signed_in", SignedIn)
_WORDS: Final = {
    "wrong": "Name, password or code is wrong",
    "code_needed": "A one-time code is needed, too: send it, or a recovery code, as code",
    "no_tenant": "This account has no role in that tenant",
    "not_linked": "No account is linked with this person of the provider: log in another way, and link it",
}


class Sessions:
    """Invariant SES1: at most HASH_THREADS passwords are compared at once, and HASH_WAITERS more wait."""

    def __init__(
        self,
        platform: PlatformAccess,
        snapshots: SnapshotFile,
        rates: Rates,
        clock: Callable[[], UnixMs],
        hasher: argon2.PasswordHasher = HASHER,
    ) -> None:
        self._platform = platform
        self._snapshots = snapshots
        self._rates = rates
        self._clock = clock
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="argon2")  # SES1
        self._waiting = 0

    def middleware(self) -> Middleware:
        """Whose request it is that comes with a session's token, for who asks for its key. Raises FaultError."""

        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            token = presented_key(request)
            if token.startswith(TOKEN_MARK):
                signed_in = await self._platform.run(lambda found: found.sign_ins.find(token))
                if signed_in is None:
                    text = "The session has ended: log in again"
                    raise FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))
                request[SIGNED_IN] = signed_in
                request[GRANT] = self._grant(signed_in)
            return await handler(request)

        return admit

    async def log_in(
        self, request: web.Request, *, name: str, password: str, code: str, tenant: str
    ) -> "NewSession":
        """Raises FaultError: WRONG_KEY, RATE, BUSY."""
        self._count(request)
        begun = await self._platform.run(lambda platform: platform.sign_ins.begin(name))
        if isinstance(begun, SignInProblem):
            raise _fault_of(begun)
        is_right = await self._compare(begun, password)

        def finish(platform: "Platform") -> "NewSession | SignInProblem":
            return platform.sign_ins.finish(begun, is_right, code=code, tenant=tenant)

        finished = await self._platform.run(finish)
        if isinstance(finished, SignInProblem):
            raise _fault_of(finished)
        return finished

    async def begin_passkey(self, request: web.Request, origin: str) -> "Asked":
        """Raises FaultError."""
        self._count(request)
        return await self._platform.run(lambda platform: platform.passkeys.begin_login(origin))

    async def log_in_by_passkey(
        self,
        request: web.Request,
        origin: str,
        *,
        challenge: str,
        answer: dict[str, Any],
        tenant: str,
    ) -> "NewSession":
        """Raises FaultError: WRONG_KEY, RATE, BUSY."""
        self._count(request)

        def finish(platform: "Platform") -> "NewSession | SignInProblem":
            return platform.passkeys.finish_login(origin, challenge, answer, tenant=tenant)

        finished = await self._platform.run(finish)
        if isinstance(finished, SignInProblem):
            raise _fault_of(finished)
        return finished

    def begin_elsewhere(self, request: web.Request) -> None:
        """Count who goes to a provider, or comes from it. Raises FaultError."""
        self._count(request)

    async def log_in_by_provider(
        self, vouched: "Vouched", tenant: str, new: "NewMember | None"
    ) -> "Entered":
        """``new``: what becomes of who is not known; None: nothing. Raises FaultError: WRONG_KEY, CONFLICT, BUSY."""
        found = await self._platform.run(
            lambda platform: platform.identities.log_in(vouched, tenant, new)
        )
        if isinstance(found, SignInProblem):
            raise _fault_of(found)
        return found

    async def log_out(self, signed_in: SignedIn) -> None:
        await self._platform.run(lambda platform: platform.sign_ins.end(signed_in.session_id))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _count(self, request: web.Request) -> None:
        key = f"login:{client_address(request)}"
        allowance = self._rates.take(key, LOG_INS_PER_S, self._clock())
        if allowance.wait_ms:
            raise _wait("Too many log-ins from this address", allowance.wait_ms)

    async def _compare(self, candidate: "Candidate", password: str) -> bool:
        """Costs the same whether there is such an account or not."""
        if len(password.encode("utf-8", "replace")) > MAX_PASSWORD_OCTETS:
            return False
        if self._waiting >= HASH_THREADS + HASH_WAITERS:  # SES1
            text = "Too many log in at once: try again"
            raise FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=1))
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._matches, candidate, password)
        finally:
            self._waiting -= 1

    def _matches(self, candidate: "Candidate", password: str) -> bool:
        try:
            self._hasher.verify(candidate.hash, normal_password(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return candidate.account_id is not None

    def _grant(self, signed_in: SignedIn) -> KeyGrant:
        """As if it came with a key that has the scopes of the role."""
        snapshot = self._snapshots.current
        if not snapshot.is_active(signed_in.tenant):
            text = f"tenant {signed_in.tenant} is disabled"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text))
        key = Key(
            id=f"account {signed_in.account.name}",
            tenant=signed_in.tenant,
            kind="api",
            scopes=signed_in.scopes,
            created=signed_in.account.created,
            secrets=(),
        )
        return KeyGrant(
            key=key,
            domains=snapshot.domains_of(signed_in.tenant),
            senders=snapshot.senders_of(signed_in.tenant),
        )


def _fault_of(problem: SignInProblem) -> FaultError:
    if problem.fault == "wait":
        return _wait("Too many wrong tries for this account", problem.wait_ms)
    constraint = problem.fault if problem.fault != "wrong" else ""
    return FaultError(
        Fault(kind=FaultKind.WRONG_KEY, message=_WORDS[problem.fault], constraint=constraint)
    )


def _wait(text: str, wait_ms: int) -> FaultError:
    seconds = max(1, -(-wait_ms // 1000))
    fault = Fault(kind=FaultKind.RATE, message=f"{text}: try again later", retry_after_s=seconds)
    return FaultError(fault)
