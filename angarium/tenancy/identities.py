"""Whom providers of OpenID Connect vouch for, linked to accounts by issuer and subject. Blocks on disk.

A provider's address links nobody: what an account is called may be somebody else's there. Who links is logged in, or is
the operator.
"""

import hashlib
from base64 import b32encode
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.config.schema import Role
from angarium.queue.model import UnixMs
from angarium.tenancy.account import Account, SignInProblem
from angarium.tenancy.accounts import AccountStore, end_sessions, known_account
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.sign_in import NewSession, SignIns
from angarium.tenancy.tables import ACCOUNT, CHALLENGE, IDENTITY

MAX_IDENTITIES: Final = 20  # of one account; ours
MAX_TEXT: Final = 255  # of an issuer, and of a subject
_PASSWORD_OCTETS: Final = 15  # 120 bits


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a provider has vouched for, in an answer to one log-in of ours."""

    issuer: str
    subject: str
    state: str  # of the log-in
    expires: UnixMs  # until when it could be shown again


class NewMember(msgspec.Struct, frozen=True, kw_only=True):
    """The account of who is not known yet."""

    name: str  # an address that the provider has verified
    tenant: str
    role: Role


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    session: NewSession
    password: str = ""  # of an account that was made for it; shown once


class Identities:
    """Invariants:

    OC1. Each account has a password of its own, whoever vouches for it: a provider is never the only way in.
    OC2. One answer of a provider lets in, or links, once.
    OC3. Whom nobody has linked is let in as nobody that is there already, whatever address a provider gives.
    """

    def __init__(
        self, database: Database, changer: Changer, sign_ins: SignIns, accounts: AccountStore
    ) -> None:
        self._database = database
        self._changer = changer
        self._sign_ins = sign_ins
        self._accounts = accounts

    def log_in(
        self, vouched: Vouched, tenant: str = "", new: NewMember | None = None
    ) -> Entered | SignInProblem:
        """Let in whose identity it is; ``new``: who is not known becomes this account.

        Raises ConflictError: the answer was used, or there is an account of that name; TenancyError.
        """
        password, hashed = "", ""
        if new is not None and not self._is_known(vouched):
            password = b32encode(self._changer.random_octets(_PASSWORD_OCTETS)).decode().lower()
            hashed = self._accounts.hashed(password)  # takes its time: not in a transaction
        with self._database.noting() as connection:
            self._use_up(connection, vouched)
            row = connection.execute(
                sa.select(ACCOUNT.c.id, ACCOUNT.c.disabled).join(IDENTITY).where(_is(vouched))
            ).first()
            if row is not None:
                if row.disabled is not None:
                    return SignInProblem(fault="wrong")
                account_id, password = row.id, ""
            elif new is not None and hashed:
                # OC3, OC1
                made = self._accounts.insert(connection, new.name, new.tenant, new.role, hashed)
                self._insert(connection, made, vouched)
                account_id, tenant = made.id, new.tenant
            else:
                return SignInProblem(fault="not_linked")
            found = self._sign_ins.let_in(connection, account_id, tenant)
            if isinstance(found, SignInProblem):
                return found
            return Entered(session=found, password=password)

    def link(self, name: str, issuer: str, subject: str) -> Account:
        """Have a provider's person be this account's, as the operator says. Raises TenancyError."""
        for field, text in (("issuer", issuer), ("subject", subject)):
            if not 1 <= len(text) <= MAX_TEXT or not text.isprintable():
                text = f"{field}: 1 to {MAX_TEXT} printable characters"
                raise TenancyError(text, field=field)
        with self._database.noting() as connection:
            vouched = Vouched(issuer=issuer, subject=subject, state="", expires=UnixMs(0))
            self._insert(connection, known_account(connection, name), vouched)
            return known_account(connection, name)

    def link_own(self, name: str, vouched: Vouched) -> Account:
        """The same for who is logged in, and has been at the provider. Raises TenancyError."""
        with self._database.noting() as connection:
            self._use_up(connection, vouched)
            account = known_account(connection, name)
            if account.disabled is not None:
                raise ConflictError(f"account {account.name} is disabled")
            self._insert(connection, account, vouched)
            return known_account(connection, name)

    def unlink(self, name: str, issuer: str) -> Account:
        """Let nobody of the provider in as this account; its sessions end. Raises NotFoundError."""
        with self._database.noting() as connection:
            account = known_account(connection, name)
            mine = sa.delete(IDENTITY).where(
                IDENTITY.c.account_id == account.id, IDENTITY.c.issuer == issuer
            )
            if not connection.execute(mine).rowcount:
                raise NotFoundError(f"account {account.name} is not linked with {issuer[:80]!r}")
            end_sessions(connection, account.id)  # ACC1
            self._changer.note(
                connection, "account.identity_removed", "", account.name, issuer=issuer
            )
            return known_account(connection, name)

    def _is_known(self, vouched: Vouched) -> bool:
        with self._database.reading() as connection:
            found = connection.execute(sa.select(IDENTITY.c.account_id).where(_is(vouched)))
            return found.first() is not None

    def _insert(self, connection: Connection, account: Account, vouched: Vouched) -> None:
        """Raises ConflictError."""
        owner = connection.execute(sa.select(IDENTITY.c.account_id).where(_is(vouched))).scalar()
        if owner is not None:
            whose = "this account" if owner == account.id else "another account"
            raise ConflictError(f"whom the provider vouches for is linked with {whose} already")
        if len(account.identities) >= MAX_IDENTITIES:
            raise ConflictError(f"an account has at most {MAX_IDENTITIES} links: remove some")
        connection.execute(
            sa.insert(IDENTITY).values(
                issuer=vouched.issuer,
                subject=vouched.subject,
                account_id=account.id,
                created=self._changer.clock(),
            )
        )
        self._changer.note(
            connection,
            "account.identity_added",
            "",
            account.name,
            issuer=vouched.issuer,
            person=vouched.subject,
        )

    def _use_up(self, connection: Connection, vouched: Vouched) -> None:
        """OC2. Raises ConflictError: it was used."""
        now = self._changer.clock()
        digest = hashlib.sha256(b"oidc " + vouched.state.encode()).digest()
        connection.execute(sa.delete(CHALLENGE).where(CHALLENGE.c.expires <= now))
        if connection.execute(
            sa.select(CHALLENGE.c.digest).where(CHALLENGE.c.digest == digest)
        ).first():
            raise ConflictError("this log-in has ended already: begin again")
        connection.execute(sa.insert(CHALLENGE).values(digest=digest, expires=vouched.expires))


def _is(vouched: Vouched) -> sa.ColumnElement[bool]:
    return sa.and_(IDENTITY.c.issuer == vouched.issuer, IDENTITY.c.subject == vouched.subject)
