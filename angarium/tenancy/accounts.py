"""Accounts of people in the database, with their roles and ways to log in. Blocks on disk; what is returned is on disk,
with its audit entry. Hashing a password takes a quarter of a second and 64 MiB.
"""

import hashlib
import re
from base64 import b32encode
from collections import defaultdict
from typing import Final

import argon2
import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.access.credential_file import HASHER, MAX_PASSWORD_OCTETS, normal_password
from angarium.config.schema import Role
from angarium.queue.model import UnixMs
from angarium.tenancy.account import Account, Membership
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.rows import known_tenant
from angarium.tenancy.scopes import ROLES
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.tables import (
    ACCOUNT,
    IDENTITY,
    MEMBERSHIP,
    PASSKEY,
    RECOVERY_CODE,
    SESSION,
    TENANT,
)

# Characters; ours: NIST SP 800-63B asks for 15 where it is all there is, and 8 beside a second way
MIN_PASSWORD: Final = 12
RECOVERY_CODES: Final = 10
_CODE_OCTETS: Final = 10  # 80 bits, so a plain digest does
_TOTP_OCTETS: Final = 20  # RFC 4226 section 4 recommends it
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._%+@-]{0,252}[a-z0-9])?")


class NewTotp(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's application is given, once; it counts from when a code of it was shown."""

    secret: str  # base32
    recovery_codes: tuple[str, ...]  # each good for one log-in


class AccountStore:
    """Invariant ACC1: whatever has changed of how an account logs in, its sessions of before are ended with it."""

    def __init__(
        self,
        database: Database,
        changer: Changer,
        secrets: Secrets,
        hasher: argon2.PasswordHasher = HASHER,
    ) -> None:
        self._database = database
        self._changer = changer
        self._secrets = secrets
        self._hasher = hasher

    def list(self, tenant: str | None = None) -> list[Account]:
        """Return all by name, or the members of a tenant. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_accounts(connection)
            owner = known_tenant(connection, tenant)
            members = sa.select(MEMBERSHIP.c.account_id).where(MEMBERSHIP.c.tenant_id == owner.id)
            return read_accounts(connection, ACCOUNT.c.id.in_(members))

    def find(self, name: str) -> Account:
        """Raises NotFoundError."""
        with self._database.reading() as connection:
            return known_account(connection, name)

    def add(self, name: str, tenant: str, role: Role, password: str) -> Account:
        """Raises TenancyError: the name is taken or cannot be one; role, tenant or password cannot be."""
        name = _checked_name(name)
        _check_role(role)
        hashed = self.hashed(password)
        with self._database.noting() as connection:
            return self.insert(connection, name, tenant, role, hashed)

    def insert(
        self, connection: Connection, name: str, tenant: str, role: Role, hashed: str
    ) -> Account:
        """The same in the caller's transaction; ``hashed``: of ``hashed``."""
        name = _checked_name(name)
        owner = known_tenant(connection, tenant)
        if connection.execute(sa.select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).first():
            raise ConflictError(f"there is an account {name!r} already", field="name")
        account_id = self._changer.new_id()
        connection.execute(
            sa.insert(ACCOUNT).values(
                id=account_id,
                name=name,
                password=hashed,
                totp_step=0,
                failures=0,
                failed=0,
                created=self._changer.clock(),
            )
        )
        _insert_role(connection, account_id, owner.id, role)
        self._changer.note(connection, "account.added", tenant, name, role=role)
        return known_account(connection, name)

    def set_role(self, name: str, tenant: str, role: Role | None) -> Account:
        """Give it a role in a tenant, in place of the one that it has; None: none. Raises TenancyError."""
        if role is not None:
            _check_role(role)
        with self._database.noting() as connection:
            account = known_account(connection, name)
            owner = known_tenant(connection, tenant)
            connection.execute(
                sa.delete(MEMBERSHIP).where(
                    MEMBERSHIP.c.account_id == account.id, MEMBERSHIP.c.tenant_id == owner.id
                )
            )
            if role is not None:
                _insert_role(connection, account.id, owner.id, role)
            shown = role or "none"
            self._changer.note(connection, "account.role_set", tenant, account.name, role=shown)
            return known_account(connection, name)

    def set_password(self, name: str, password: str) -> Account:
        """Raises NotFoundError, TenancyError: it is too short or too long."""
        hashed = self.hashed(password)
        return self._change(name, "account.password_set", password=hashed, failures=0, failed=0)

    def set_totp(self, name: str) -> NewTotp:
        """Ask for one-time codes from now on. Raises NotFoundError."""
        secret = b32encode(self._changer.random_octets(_TOTP_OCTETS)).decode()
        codes = tuple([self._new_code() for _ in range(RECOVERY_CODES)])
        account = self.find(name)
        sealed = self._secrets.seal(secret.encode(), *totp_place(account.id))
        self._change(name, "account.totp_set", codes, totp=sealed, totp_step=0)
        return NewTotp(secret=secret, recovery_codes=codes)

    def remove_totp(self, name: str) -> Account:
        """Ask for none. Raises NotFoundError."""
        return self._change(name, "account.totp_removed", (), totp=None)

    def remove_passkeys(self, name: str) -> Account:
        """Let in no authenticator any more. Raises NotFoundError."""
        with self._database.noting() as connection:
            account = known_account(connection, name)
            connection.execute(sa.delete(PASSKEY).where(PASSKEY.c.account_id == account.id))
            end_sessions(connection, account.id)  # ACC1
            self._changer.note(connection, "account.passkeys_removed", "", account.name)
            return known_account(connection, name)

    def set_disabled(self, name: str, disabled: bool) -> Account:
        """Raises NotFoundError."""
        action = "account.disabled" if disabled else "account.enabled"
        return self._change(name, action, disabled=self._changer.clock() if disabled else None)

    def remove(self, name: str) -> Account:
        """Forget it. Raises NotFoundError."""
        with self._database.noting() as connection:
            account = known_account(connection, name)
            for table in (SESSION, PASSKEY, IDENTITY, RECOVERY_CODE, MEMBERSHIP):
                connection.execute(sa.delete(table).where(table.c.account_id == account.id))
            connection.execute(sa.delete(ACCOUNT).where(ACCOUNT.c.id == account.id))
            self._changer.note(connection, "account.removed", "", account.name)
            return account

    def _change(
        self, name: str, action: str, codes: tuple[str, ...] | None = None, **values: object
    ) -> Account:
        """``codes``: in place of those that it has; None: they stay."""
        with self._database.noting() as connection:
            account = known_account(connection, name)
            connection.execute(
                sa.update(ACCOUNT).where(ACCOUNT.c.id == account.id).values(**values)
            )
            if codes is not None:
                mine = RECOVERY_CODE.c.account_id == account.id
                connection.execute(sa.delete(RECOVERY_CODE).where(mine))
                for code in codes:
                    connection.execute(
                        sa.insert(RECOVERY_CODE).values(
                            account_id=account.id, digest=code_digest(code)
                        )
                    )
            end_sessions(connection, account.id)  # ACC1
            self._changer.note(connection, action, "", account.name)
            return known_account(connection, name)

    def hashed(self, password: str) -> str:
        """Raises TenancyError: it is too short or too long."""
        octets = len(password.encode("utf-8", "replace"))
        if len(password) < MIN_PASSWORD or octets > MAX_PASSWORD_OCTETS or "\0" in password:
            text = f"a password has {MIN_PASSWORD} characters or more, and at most {MAX_PASSWORD_OCTETS} octets"
            raise TenancyError(text, field="password")
        return self._hasher.hash(normal_password(password))

    def _new_code(self) -> str:
        text = b32encode(self._changer.random_octets(_CODE_OCTETS)).decode().lower()
        return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def totp_place(account_id: str) -> tuple[str, ...]:
    """Return for what place the secret of one-time codes is sealed."""
    return ("totp", account_id)


def code_digest(code: str) -> bytes:
    """Return what is kept of a recovery code; blanks and hyphens do not matter."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).digest()


def end_sessions(connection: Connection, account_id: str) -> None:
    connection.execute(sa.delete(SESSION).where(SESSION.c.account_id == account_id))


def known_account(connection: Connection, name: str) -> Account:
    """Raises NotFoundError."""
    for account in read_accounts(connection, ACCOUNT.c.name == name.strip().lower()):
        return account
    raise NotFoundError(
        f"there is no account {name!r}", f"`postmaster account add {name}` makes it", field="name"
    )


def read_accounts(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Account]:
    rows = connection.execute(sa.select(ACCOUNT).where(*where).order_by(ACCOUNT.c.name)).all()
    ids = [row.id for row in rows]
    roles: dict[str, list[Membership]] = defaultdict(list)
    for row in connection.execute(
        sa.select(MEMBERSHIP, TENANT.c.name.label("tenant"))
        .join(TENANT)
        .where(MEMBERSHIP.c.account_id.in_(ids), TENANT.c.removed.is_(None))
        .order_by(TENANT.c.name)
    ):
        roles[row.account_id].append(Membership(tenant=row.tenant, role=row.role))
    keys: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(
        sa.select(PASSKEY).where(PASSKEY.c.account_id.in_(ids)).order_by(PASSKEY.c.created)
    ):
        keys[row.account_id].append(row.name)
    issuers: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(
        sa.select(IDENTITY).where(IDENTITY.c.account_id.in_(ids)).order_by(IDENTITY.c.created)
    ):
        issuers[row.account_id].append(row.issuer)
    codes: dict[str, int] = defaultdict(int)
    for row in connection.execute(
        sa.select(RECOVERY_CODE.c.account_id).where(RECOVERY_CODE.c.account_id.in_(ids))
    ):
        codes[row.account_id] += 1
    return [
        Account(
            id=row.id,
            name=row.name,
            created=UnixMs(row.created),
            disabled=None if row.disabled is None else UnixMs(row.disabled),
            has_totp=row.totp is not None,
            recovery_codes=codes[row.id],
            passkeys=tuple(keys[row.id]),
            memberships=tuple(roles[row.id]),
            identities=tuple(issuers[row.id]),
        )
        for row in rows
    ]


def _checked_name(name: str) -> str:
    lower = name.strip().lower()
    if not _NAME.fullmatch(lower):
        text = "an account's name is an address, or letters, digits and . _ % + - between them"
        raise TenancyError(text, field="name")
    return lower


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise TenancyError(f"a role is one of {', '.join(ROLES)}", field="role")


def _insert_role(connection: Connection, account_id: str, tenant_id: str, role: Role) -> None:
    connection.execute(
        sa.insert(MEMBERSHIP).values(account_id=account_id, tenant_id=tenant_id, role=role)
    )
