"""Keys in the database: shown once, kept as digests (P6). Blocks on disk; what is returned is on disk, with its audit
entry.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.access.certificate_names import read_name
from angarium.queue.model import UnixMs
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.key_text import key_digest, new_key_id, new_key_text, ses_access_key_id
from angarium.tenancy.model import (
    DEFAULT_RATE,
    MAX_CERTIFICATES,
    MAX_RATE,
    ConflictError,
    Key,
    KeyKind,
    KeySecret,
    NotFoundError,
    TenancyError,
)
from angarium.tenancy.rows import joined_words, known_tenant, read_keys
from angarium.tenancy.scopes import USUAL, read_scopes
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.tables import KEY, KEY_CERTIFICATE, KEY_SECRET, TENANT

MAX_NETWORKS: Final = 100  # ours, of one key
MAX_NAME: Final = 100
VALID_AT_ONCE: Final = 2  # secrets of one key


class KeyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be."""

    tenant: str
    kind: KeyKind = "api"
    name: str = ""
    scopes: Sequence[str] = ()  # empty: those that are usual for its kind
    networks: Sequence[str] = ()
    rate: int = DEFAULT_RATE
    lifetime_ms: int | None = None
    certificates: Sequence[
        str
    ] = ()  # of kind api: names of clients' certificates that stand for it


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with its secret, which is nowhere else."""

    key: Key
    text: str  # of ses: the secret access key

    @property
    def access_key_id(self) -> str:
        return ses_access_key_id(self.key.id)


class KeyStore:
    def __init__(self, database: Database, changer: Changer, secrets: Secrets) -> None:
        self._database = database
        self._changer = changer
        self._secrets = secrets

    def list(self, tenant: str | None = None) -> list[Key]:
        """Return all, or those of a tenant. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_keys(connection)
            return read_keys(connection, TENANT.c.id == known_tenant(connection, tenant).id)

    def find(self, key_id: str) -> Key:
        """Raises NotFoundError."""
        with self._database.reading() as connection:
            return _known(connection, key_id)

    def create(self, wish: KeyWish) -> NewKey:
        """Raises TenancyError: there is no such tenant, or what was wished cannot be."""
        scopes = read_scopes(wish.scopes or USUAL[wish.kind])
        networks = _checked_networks(wish.networks)
        certificates = _checked_certificates(wish.certificates, wish.kind)
        if not 1 <= wish.rate <= MAX_RATE:
            raise TenancyError(f"a rate is from 1 to {MAX_RATE} per second", field="rate")
        if len(wish.name) > MAX_NAME or not (wish.name.isprintable() or not wish.name):
            text = f"a key's name has at most {MAX_NAME} printable characters"
            raise TenancyError(text, field="name")
        now = self._changer.clock()
        key_id = new_key_id(self._changer.random_octets)
        text, secret = self._new_secret(wish.kind, key_id, 1, now)
        with self._database.changing() as connection:
            tenant = known_tenant(connection, wish.tenant)
            expires = None if wish.lifetime_ms is None else now + wish.lifetime_ms
            connection.execute(
                sa.insert(KEY).values(
                    id=key_id,
                    tenant_id=tenant.id,
                    kind=wish.kind,
                    name=wish.name,
                    scopes=joined_words(scopes),
                    networks=joined_words(networks),
                    rate=wish.rate,
                    created=now,
                    expires=expires,
                )
            )
            _insert_secret(connection, key_id, secret)
            _bind(connection, key_id, certificates)
            self._changer.note(
                connection,
                "key.created",
                tenant.name,
                key_id,
                kind=wish.kind,
                scopes=joined_words(scopes),
                **_noted(certificates),
            )
            return NewKey(key=_known(connection, key_id), text=text)

    def rotate(self, key_id: str, overlap_ms: int) -> NewKey:
        """Give it another secret; the one of before is valid for ``overlap_ms`` more, older ones no longer.

        Raises NotFoundError, TenancyError: it is revoked or has expired.
        """
        now = self._changer.clock()
        with self._database.changing() as connection:
            key = _known(connection, key_id)
            if not key.is_valid(now):
                raise ConflictError(f"key {key.id} is no longer valid: create another one")
            version = key.secrets[-1].version + 1
            text, secret = self._new_secret(key.kind, key.id, version, now)
            ends = UnixMs(now + overlap_ms)
            for old in key.secrets:
                until = ends if old is key.secrets[-1] else now
                _end_secret(connection, key.id, old, until)
            _insert_secret(connection, key.id, secret)
            _forget_old(connection, key.id, version)
            self._changer.note(connection, "key.rotated", key.tenant, key.id, version=str(version))
            return NewKey(key=_known(connection, key.id), text=text)

    def bind(self, key_id: str, names: Sequence[str]) -> Key:
        """Have these certificates, and no others, stand for a key. Raises NotFoundError, TenancyError: a name is none;
        ConflictError: it is another key's, or the key is no longer valid.
        """
        with self._database.changing() as connection:
            key = _known(connection, key_id)
            if not key.is_valid(self._changer.clock()):
                raise ConflictError(f"key {key.id} is no longer valid: create another one")
            certificates = _checked_certificates(names, key.kind)
            _unbind(connection, key.id)
            _bind(connection, key.id, certificates)
            self._changer.note(
                connection, "key.bound", key.tenant, key.id, certificates=" ".join(certificates)
            )
            return _known(connection, key.id)

    def revoke(self, key_id: str) -> Key:
        """Raises NotFoundError. What is revoked already stays so."""
        with self._database.changing() as connection:
            key = _known(connection, key_id)
            if key.revoked is None:
                connection.execute(
                    sa.update(KEY).where(KEY.c.id == key.id).values(revoked=self._changer.clock())
                )
                _unbind(connection, key.id)
                self._changer.note(connection, "key.revoked", key.tenant, key.id)
            return _known(connection, key.id)

    def _new_secret(
        self, kind: KeyKind, key_id: str, version: int, now: UnixMs
    ) -> tuple[str, KeySecret]:
        if kind == "ses":
            text, digest = self._secrets.ses_secret(key_id, version), b""
        else:
            text = new_key_text(kind, key_id, self._changer.random_octets)
            digest = key_digest(text)
        return text, KeySecret(version=version, digest=digest, created=now)


def _known(connection: Connection, key_id: str) -> Key:
    for key in read_keys(connection, KEY.c.id == key_id.lower()):
        return key
    raise NotFoundError(f"there is no key {key_id!r}", "`postmaster key list` shows them")


def _insert_secret(connection: Connection, key_id: str, secret: KeySecret) -> None:
    connection.execute(
        sa.insert(KEY_SECRET).values(
            key_id=key_id,
            version=secret.version,
            digest=secret.digest,
            created=secret.created,
        )
    )


def _bind(connection: Connection, key_id: str, names: Sequence[str]) -> None:
    """Raises ConflictError."""
    for name in names:
        found = sa.select(KEY_CERTIFICATE.c.key_id).where(KEY_CERTIFICATE.c.name == name)
        other = connection.execute(found).scalar()
        if other is not None:
            text = f"{name} stands for another key: bind or revoke that one first"
            raise ConflictError(text, field="certificates")
        connection.execute(sa.insert(KEY_CERTIFICATE).values(name=name, key_id=key_id))


def _unbind(connection: Connection, key_id: str) -> None:
    connection.execute(sa.delete(KEY_CERTIFICATE).where(KEY_CERTIFICATE.c.key_id == key_id))


def _noted(certificates: Sequence[str]) -> dict[str, str]:
    return {"certificates": " ".join(certificates)} if certificates else {}


def _checked_certificates(names: Sequence[str], kind: KeyKind) -> tuple[str, ...]:
    """Raises TenancyError."""
    if names and kind != "api":
        text = "certificates stand for keys of kind api, not of others"
        raise TenancyError(text, field="certificates")
    if len(names) > MAX_CERTIFICATES:
        text = f"a key has at most {MAX_CERTIFICATES} certificates"
        raise TenancyError(text, field="certificates")
    try:
        return tuple(dict.fromkeys(read_name(each) for each in names))
    except ValueError as error:
        raise TenancyError(str(error), field="certificates") from None


def _end_secret(connection: Connection, key_id: str, secret: KeySecret, until: UnixMs) -> None:
    """What ends sooner already stays with that."""
    if secret.expires is not None and secret.expires <= until:
        return
    connection.execute(
        sa.update(KEY_SECRET)
        .where(KEY_SECRET.c.key_id == key_id, KEY_SECRET.c.version == secret.version)
        .values(expires=until)
    )


def _forget_old(connection: Connection, key_id: str, newest: int) -> None:
    connection.execute(
        sa.delete(KEY_SECRET).where(
            KEY_SECRET.c.key_id == key_id, KEY_SECRET.c.version <= newest - VALID_AT_ONCE
        )
    )


def _checked_networks(networks: Sequence[str]) -> tuple[str, ...]:
    if len(networks) > MAX_NETWORKS:
        raise TenancyError(f"a key has at most {MAX_NETWORKS} networks", field="networks")
    try:
        return tuple(str(ipaddress.ip_network(each.strip())) for each in networks)
    except ValueError as error:
        text = f"{error}: write a network like 192.0.2.0/24"
        raise TenancyError(text, field="networks") from None
