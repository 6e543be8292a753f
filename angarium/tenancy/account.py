"""People who log in: what is known of them, what their roles come to, how guessing is slowed. Pure values.

Programs have keys; a person has an account with a password of its own, which no foreign log-in replaces.
"""

import hmac
from typing import Final, Literal

import msgspec
import pyotp

from angarium.config.schema import Role
from angarium.queue.model import DEFAULT_TENANT, UnixMs
from angarium.tenancy.scopes import ROLES, is_of_server

# Ours: a person mistypes; from then on the wait doubles from a second to a quarter of an hour
FREE_FAILURES: Final = 5
MAX_WAIT_MS: Final = 900_000
# RFC 6238 section 5.2: one step of 30 s each way
_STEPS: Final = (0, -1, 1)
STEP_MS: Final = 30_000
SESSION_MS: Final = 12 * 3_600_000  # ours: a working day
IDLE_MS: Final = 3_600_000  # ours
SESSIONS: Final = 20  # of one account; the oldest ends

SignInFault = Literal["wrong", "wait", "code_needed", "no_tenant", "not_linked"]


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str  # its name
    role: Role


class Account(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # a UUID
    name: str  # what a person logs in with, lower case: an address is usual
    created: UnixMs
    disabled: UnixMs | None = None  # since when it logs in no more
    has_totp: bool = False
    recovery_codes: int = 0  # that are left
    passkeys: tuple[str, ...] = ()  # their names
    memberships: tuple[Membership, ...] = ()
    identities: tuple[str, ...] = ()  # issuers that vouch for its person


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Log-ins that failed since the last one that did not."""

    count: int = 0
    last: UnixMs = UnixMs(0)

    def wait_ms(self, now: UnixMs) -> int:
        """Return for how long nobody may try, whether right or wrong; 0: now."""
        over = self.count - FREE_FAILURES
        if over < 0:
            return 0
        wait = min(MAX_WAIT_MS, 1000 << min(over, 20))
        # A clock that was set back keeps nobody waiting longer than that
        return min(wait, max(0, self.last + wait - now))


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Whose session it is, and what it may do."""

    account: Account
    session_id: str
    tenant: str
    role: Role
    expires: UnixMs

    @property
    def scopes(self) -> tuple[str, ...]:
        return role_scopes(self.role, self.tenant)


class SignInProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody was let in. ``wrong`` tells not what was: name, password or code."""

    fault: SignInFault
    wait_ms: int = 0


def role_scopes(role: Role, tenant: str) -> tuple[str, ...]:
    """Return what a role may do. What is the whole server's is had in tenant ``default`` only: that is its own."""
    scopes = ROLES[role]
    if tenant == DEFAULT_TENANT:
        return scopes
    return tuple([each for each in scopes if not is_of_server(each)])


def find_step(secret: str, code: str, now: UnixMs, last_step: int) -> int | None:
    """Return the step of time that a one-time code is of; None: it is wrong, or was used (RFC 6238 section 5.2)."""
    totp = pyotp.TOTP(secret)
    digits = code.replace(" ", "")
    found = None
    for offset in _STEPS:
        step = now // STEP_MS + offset
        # All are compared, so the time it takes says nothing
        if (
            hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode())
            and step > last_step
        ):
            found = step
    return found
