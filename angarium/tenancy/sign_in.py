"""Logging in and out: passwords with one-time codes, guessing slowed, sessions (P6). Blocks on disk.

A password is compared between two steps, by who calls them: it takes a quarter of a second and no database.
"""

import hashlib
from base64 import urlsafe_b64encode
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from angarium.queue.model import UnixMs
from angarium.tenancy.account import (
    IDLE_MS,
    SESSION_MS,
    SESSIONS,
    Failures,
    SignedIn,
    SignInProblem,
    find_step,
)
from angarium.tenancy.accounts import code_digest, read_accounts, totp_place
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.session_token import TOKEN_MARK
from angarium.tenancy.tables import ACCOUNT, RECOVERY_CODE, SESSION, TENANT

_TOKEN_OCTETS: Final = 32
# Of one who is nobody: compared all the same, so that the time it takes says nothing
NO_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$KhYmEKrl6MZlAACDOxFDTg$"
    "l8VTAE0uMnFC4yjQfWkb63AAWUKBnQ2ye1FmWOKGI5o"
)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Who says to be somebody. ``hash``: what the password is to be compared with, whoever it is."""

    account_id: str | None
    hash: str


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    token: str  # shown once
    signed_in: SignedIn


class SignIns:
    """Invariants:

    SI1. Each failure is counted, on disk, before it is answered; while an account has to wait, nobody is let in.
    SI2. A one-time code and a recovery code let in once.
    SI3. A session is worth nothing after its end, after an hour unused, and when its account may no longer log in or
         has no role in its tenant any more.
    """

    def __init__(self, database: Database, changer: Changer, secrets: Secrets) -> None:
        self._database = database
        self._changer = changer
        self._secrets = secrets

    def begin(self, name: str) -> Candidate | SignInProblem:
        """Return what a password is to be compared with, or that it has to wait."""
        with self._database.reading() as connection:
            row = _row(connection, ACCOUNT.c.name == name.strip().lower())
        if row is None:
            return Candidate(account_id=None, hash=NO_HASH)
        if wait := _failures(row).wait_ms(self._changer.clock()):  # SI1
            return SignInProblem(fault="wait", wait_ms=wait)
        return Candidate(account_id=row.id, hash=row.password)

    def finish(
        self, candidate: Candidate, is_right: bool, *, code: str = "", tenant: str = ""
    ) -> NewSession | SignInProblem:
        """Let in who gave the right password, and the right code where one is asked for.

        ``code``: of the application, or a recovery code. ``tenant``: for which; "": the only one, or the first.
        """
        if candidate.account_id is None:
            return SignInProblem(fault="wrong")
        with self._database.noting() as connection:
            row = _locked(connection, candidate.account_id)
            if row is None or row.password != candidate.hash:  # changed meanwhile
                return SignInProblem(fault="wrong")
            if wait := _failures(row).wait_ms(self._changer.clock()):  # SI1
                return SignInProblem(fault="wait", wait_ms=wait)
            if not is_right or row.disabled is not None:
                return self._failed(connection, row)
            if row.totp is not None:
                if not code:
                    return SignInProblem(fault="code_needed")
                if not self._takes_code(connection, row, code):
                    return self._failed(connection, row)
            return self.let_in(connection, row.id, tenant)

    def let_in(
        self, connection: Connection, account_id: str, tenant: str
    ) -> NewSession | SignInProblem:
        """Make a session. In the caller's transaction."""
        (account,) = read_accounts(connection, ACCOUNT.c.id == account_id)
        memberships = {each.tenant: each for each in account.memberships}
        if not memberships or (tenant and tenant not in memberships):
            return SignInProblem(fault="no_tenant")
        membership = memberships[tenant] if tenant else account.memberships[0]
        now = self._changer.clock()
        token = TOKEN_MARK + urlsafe_b64encode(
            self._changer.random_octets(_TOKEN_OCTETS)
        ).decode().rstrip("=")
        signed_in = SignedIn(
            account=account,
            session_id=self._changer.new_id(),
            tenant=membership.tenant,
            role=membership.role,
            expires=UnixMs(now + SESSION_MS),
        )
        reset = {"failures": 0, "failed": 0}
        connection.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == account.id).values(**reset))
        _forget_sessions(connection, account.id, now)
        tenant_id = sa.select(TENANT.c.id).where(TENANT.c.name == membership.tenant)
        connection.execute(
            sa.insert(SESSION).values(
                digest=_digest(token),
                id=signed_in.session_id,
                account_id=account.id,
                tenant_id=tenant_id.scalar_subquery(),
                created=now,
                seen=now,
                expires=signed_in.expires,
            )
        )
        self._changer.note(connection, "account.logged_in", membership.tenant, account.name)
        return NewSession(token=token, signed_in=signed_in)

    def find(self, token: str) -> SignedIn | None:
        """Say whose session it is, and note that it was used."""
        if not token.startswith(TOKEN_MARK) or len(token) > 2 * len(TOKEN_MARK) + 2 * _TOKEN_OCTETS:
            return None
        now = self._changer.clock()
        with self._database.reading() as connection:
            found = _find_session(connection, SESSION.c.digest == _digest(token), now)
        if found is not None and now - found[1] > IDLE_MS // 60:
            with self._database.noting() as connection:
                seen = sa.update(SESSION).where(SESSION.c.digest == _digest(token))
                connection.execute(seen.values(seen=now))
        return None if found is None else found[0]

    def end(self, session_id: str) -> None:
        """What has ended already stays so."""
        with self._database.noting() as connection:
            connection.execute(sa.delete(SESSION).where(SESSION.c.id == session_id))

    def _failed(self, connection: Connection, row: Row[tuple[object, ...]]) -> SignInProblem:
        values = {"failures": row.failures + 1, "failed": self._changer.clock()}
        connection.execute(sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(**values))
        return SignInProblem(fault="wrong")

    def _takes_code(self, connection: Connection, row: Row[tuple[object, ...]], code: str) -> bool:
        secret = self._secrets.open(row.totp, *totp_place(row.id)).decode()
        step = find_step(secret, code, self._changer.clock(), row.totp_step)
        if step is not None:  # SI2
            connection.execute(
                sa.update(ACCOUNT).where(ACCOUNT.c.id == row.id).values(totp_step=step)
            )
            return True
        used = sa.delete(RECOVERY_CODE).where(
            RECOVERY_CODE.c.account_id == row.id, RECOVERY_CODE.c.digest == code_digest(code)
        )
        if not connection.execute(used).rowcount:  # SI2
            return False
        self._changer.note(connection, "account.recovery_code_used", "", row.name)
        return True


def _find_session(
    connection: Connection, where: sa.ColumnElement[bool], now: UnixMs
) -> tuple[SignedIn, UnixMs] | None:
    """Return whose it is, and when it was used last (SI3)."""
    statement = sa.select(SESSION, TENANT.c.name.label("tenant")).join(TENANT).where(where)
    row = connection.execute(statement).first()
    if row is None or now >= row.expires or now - row.seen >= IDLE_MS:
        return None
    (account,) = read_accounts(connection, ACCOUNT.c.id == row.account_id)
    for each in account.memberships:
        if account.disabled is None and each.tenant == row.tenant:
            signed_in = SignedIn(
                account=account,
                session_id=row.id,
                tenant=each.tenant,
                role=each.role,
                expires=UnixMs(row.expires),
            )
            return signed_in, UnixMs(row.seen)
    return None


def _forget_sessions(connection: Connection, account_id: str, now: UnixMs) -> None:
    """Those that are over, and the oldest where there are too many."""
    mine = SESSION.c.account_id == account_id
    over = sa.or_(SESSION.c.expires <= now, SESSION.c.seen <= now - IDLE_MS)
    connection.execute(sa.delete(SESSION).where(mine, over))
    newest = (
        sa.select(SESSION.c.id).where(mine).order_by(SESSION.c.created.desc()).limit(SESSIONS - 1)
    )
    kept = connection.execute(newest).scalars().all()
    connection.execute(sa.delete(SESSION).where(mine, SESSION.c.id.not_in(kept)))


def _row(connection: Connection, where: sa.ColumnElement[bool]) -> Row[tuple[object, ...]] | None:
    return connection.execute(sa.select(ACCOUNT).where(where)).first()


def _locked(connection: Connection, account_id: str) -> Row[tuple[object, ...]] | None:
    """Two who guess at once are counted one after the other."""
    statement = sa.select(ACCOUNT).where(ACCOUNT.c.id == account_id).with_for_update()
    return connection.execute(statement).first()


def _failures(row: Row[tuple[object, ...]]) -> Failures:
    return Failures(count=row.failures, last=UnixMs(row.failed))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
