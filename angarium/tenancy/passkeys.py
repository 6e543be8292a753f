"""Passkeys (WebAuthn, W3C level 2): how an authenticator is made known, and lets its person in. Blocks on disk.

An authenticator has seen its person (by finger, face or PIN), so no other code is asked for. Nobody has to say who they
are: it knows itself, and so nobody learns which accounts there are.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy.engine import Connection

from angarium.tenancy.account import Account, SignInProblem
from angarium.tenancy.accounts import known_account
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, TenancyError, TenancySetupError
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.sign_in import NewSession, SignIns
from angarium.tenancy.tables import ACCOUNT, CHALLENGE, PASSKEY

LIFE_MS: Final = 300_000  # of a challenge; ours
MAX_PASSKEYS: Final = 20  # of one account; ours
MAX_NAME: Final = 100
_ISSUER: Final = "Angarium"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator is asked: ``options`` for the browser, ``challenge`` to come back with its answer."""

    challenge: str
    options: dict[str, Any]


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What a challenge is, sealed: it is with the client, and in no table."""

    server: dict[str, Any]
    account_id: str
    expires: int


class Passkeys:
    """Invariants:

    PK1. A challenge is answered once, within LIFE_MS, for what it was made for.
    PK2. What an authenticator signs counts only for our origin, and where it has verified its person.
    """

    def __init__(
        self, database: Database, changer: Changer, secrets: Secrets, sign_ins: SignIns
    ) -> None:
        self._database = database
        self._changer = changer
        self._secrets = secrets
        self._sign_ins = sign_ins

    def begin_registration(self, origin: str, name: str) -> Asked:
        """``name``: of the account, whose session it is. Raises TenancyError."""
        with self._database.reading() as connection:
            account = known_account(connection, name)
            known = self._credentials(connection, account.id)
        if len(known) >= MAX_PASSKEYS:
            raise ConflictError(f"an account has at most {MAX_PASSKEYS} passkeys")
        options, state = _server(origin).register_begin(
            PublicKeyCredentialUserEntity(
                id=account.id.encode(), name=account.name, display_name=account.name
            ),
            credentials=known,
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,  # PK2
            challenge=self._changer.random_octets(32),
        )
        return self._asked("register", dict(options), state, account.id)

    def finish_registration(
        self, origin: str, name: str, challenge: str, answer: Mapping[str, Any], label: str
    ) -> Account:
        """Raises TenancyError: it is not what was asked for."""
        if not 1 <= len(label) <= MAX_NAME or not label.isprintable():
            text = f"a passkey's name has 1 to {MAX_NAME} printable characters"
            raise TenancyError(text, field="label")
        state = self._opened("register", challenge)
        try:
            made = _server(origin).register_complete(state.server, answer)
        except (ValueError, TypeError, KeyError, InvalidSignature) as error:
            raise TenancyError(f"the passkey was not taken: {error}", field="answer") from None
        credential = made.credential_data
        assert credential is not None  # ``register_complete`` sees to that
        with self._database.noting() as connection:
            account = known_account(connection, name)
            if account.id != state.account_id:
                raise TenancyError("the challenge is another account's", field="challenge")
            self._use_up(connection, challenge, state)
            key_id = _key_id(credential.credential_id)
            if connection.execute(sa.select(PASSKEY.c.id).where(PASSKEY.c.id == key_id)).first():
                raise ConflictError("this passkey is known already", field="answer")
            connection.execute(
                sa.insert(PASSKEY).values(
                    id=key_id,
                    account_id=account.id,
                    name=label,
                    credential=bytes(credential),
                    uses=made.counter,
                    created=self._changer.clock(),
                )
            )
            self._changer.note(connection, "account.passkey_added", "", account.name, name=label)
            return known_account(connection, name)

    def begin_login(self, origin: str) -> Asked:
        """Raises TenancyError."""
        options, state = _server(origin).authenticate_begin(
            user_verification=UserVerificationRequirement.REQUIRED,  # PK2
            challenge=self._changer.random_octets(32),
        )
        return self._asked("log in", dict(options), state, "")

    def finish_login(
        self, origin: str, challenge: str, answer: Mapping[str, Any], *, tenant: str = ""
    ) -> NewSession | SignInProblem:
        """Let in whose authenticator has answered. Raises TenancyError: there is no origin."""
        server, wrong = _server(origin), SignInProblem(fault="wrong")
        try:
            state = self._opened("log in", challenge)
        except TenancyError:
            return wrong
        with self._database.noting() as connection:
            found = self._known(connection, answer)
            if found is None:
                return wrong
            try:
                server.authenticate_complete(
                    state.server, [AttestedCredentialData(found.credential)], answer
                )
                uses = _counter(answer)
                self._use_up(connection, challenge, state)
            except (ValueError, TypeError, KeyError, InvalidSignature, TenancyError):
                return wrong
            # W3C WebAuthn section 6.1.1: a count that does not go up is a copy of the authenticator
            if (uses or found.uses) and uses <= found.uses:
                self._changer.note(connection, "account.passkey_copied", "", found.account)
                return wrong
            connection.execute(sa.update(PASSKEY).where(PASSKEY.c.id == found.id).values(uses=uses))
            return self._sign_ins.let_in(connection, found.account_id, tenant)

    def _asked(
        self, purpose: str, options: dict[str, Any], state: dict[str, Any], account_id: str
    ) -> Asked:
        kept = _State(server=state, account_id=account_id, expires=self._changer.clock() + LIFE_MS)
        sealed = self._secrets.seal(msgspec.json.encode(kept), "passkey", purpose)
        return Asked(challenge=sealed.hex(), options=options)

    def _opened(self, purpose: str, challenge: str) -> _State:
        """Raises TenancyError."""
        try:
            octets = self._secrets.open(bytes.fromhex(challenge), "passkey", purpose)
            state = msgspec.json.decode(octets, type=_State)
        except (ValueError, TenancySetupError):
            raise TenancyError("there is no such challenge", field="challenge") from None
        if self._changer.clock() >= state.expires:  # PK1
            raise TenancyError("the challenge is over: begin again", field="challenge")
        return state

    def _use_up(self, connection: Connection, challenge: str, state: _State) -> None:
        """PK1. Raises TenancyError: it was used."""
        now = self._changer.clock()
        digest = hashlib.sha256(bytes.fromhex(challenge)).digest()
        connection.execute(sa.delete(CHALLENGE).where(CHALLENGE.c.expires <= now))
        used = sa.select(CHALLENGE.c.digest).where(CHALLENGE.c.digest == digest)
        if connection.execute(used).first():
            raise TenancyError("the challenge was answered already", field="challenge")
        connection.execute(sa.insert(CHALLENGE).values(digest=digest, expires=state.expires))

    def _credentials(self, connection: Connection, account_id: str) -> list[AttestedCredentialData]:
        mine = sa.select(PASSKEY.c.credential).where(PASSKEY.c.account_id == account_id)
        return [AttestedCredentialData(each) for each in connection.execute(mine).scalars()]

    def _known(self, connection: Connection, answer: Mapping[str, Any]) -> Any:
        """Return the row of the passkey that an answer is of, if its account may log in."""
        raw = answer.get("rawId") or answer.get("id")
        if not isinstance(raw, str):
            return None
        try:
            key_id = _key_id(_from_base64(raw))
        except ValueError:
            return None
        statement = (
            sa.select(PASSKEY, ACCOUNT.c.name.label("account"))
            .join(ACCOUNT)
            .where(PASSKEY.c.id == key_id, ACCOUNT.c.disabled.is_(None))
            .with_for_update()
        )
        return connection.execute(statement).first()


def _server(origin: str) -> Fido2Server:
    """Raises TenancyError: nobody has said where people log in."""
    host = urlsplit(origin).hostname
    if not host:
        text = "there are no passkeys here: tenancy.origin is not set"
        raise ConflictError(text, field="origin")
    rp = PublicKeyCredentialRpEntity(name=_ISSUER, id=host)
    return Fido2Server(rp, verify_origin=lambda it: it == origin.rstrip("/"))  # PK2


def _key_id(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _from_base64(text: str) -> bytes:
    return websafe_decode(text)


def _counter(answer: Mapping[str, Any]) -> int:
    """Raises ValueError, TypeError, KeyError."""
    return AuthenticatorData(_from_base64(answer["response"]["authenticatorData"])).counter
