"""Sending domains in the database, with their DKIM keys sealed. Blocks on disk; what is returned is on disk, with its
audit entry.
"""

from base64 import b32encode
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.engine import Connection

from angarium.config.address import a_labels, is_fqdn
from angarium.dkim.keygen import generate
from angarium.dkim.keys import PrivateKey, key_type
from angarium.queue.model import UnixMs
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, Domain, NotFoundError, TenancyError
from angarium.tenancy.rows import read_domains
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.signing import seal_place
from angarium.tenancy.tables import DOMAIN, DOMAIN_KEY, TENANT
from angarium.tenancy.tenants import known_tenant

TOKEN_OCTETS: Final = 20
SELECTOR_OCTETS: Final = 5
# What a domain was verified by, as audit entries say it
BY_DNS: Final = "DNS"
BY_OPERATOR: Final = "the operator's word"


class DomainStore:
    def __init__(
        self,
        database: Database,
        changer: Changer,
        secrets: Secrets,
        new_private_key: Callable[[], PrivateKey] = lambda: generate("rsa"),
    ) -> None:
        """RSA, since every receiver verifies it."""
        self._database = database
        self._changer = changer
        self._secrets = secrets
        self._new_private_key = new_private_key

    def list(self, tenant: str | None = None) -> list[Domain]:
        """Return all by name, or those of a tenant. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_domains(connection)
            return read_domains(connection, TENANT.c.id == known_tenant(connection, tenant).id)

    def find(self, name: str, tenant: str | None = None) -> Domain:
        """Raises NotFoundError, TenancyError: several tenants have it, and none was named."""
        with self._database.reading() as connection:
            return _known(connection, name, tenant)

    def add(self, name: str, tenant: str, *, assume_verified: bool = False) -> Domain:
        """Take a domain in, with a token to prove it by and a DKIM key.

        ``assume_verified``: the operator says whose it is. Raises TenancyError: it is no domain, the tenant has it
        already, or another one has it verified.
        """
        name = domain_name(name)
        private = self._new_private_key()  # before the transaction: it takes a tenth of a second
        now, token = self._changer.clock(), self._random_word(TOKEN_OCTETS)
        with self._database.changing() as connection:
            owner = known_tenant(connection, tenant)
            others = read_domains(connection, DOMAIN.c.name == name)
            if any(each.tenant == owner.name for each in others):
                raise ConflictError(f"tenant {tenant!r} has {name} already", field="domain")
            _refuse_taken(others, name)
            domain_id = self._changer.new_id()
            connection.execute(
                sa.insert(DOMAIN).values(
                    id=domain_id,
                    tenant_id=owner.id,
                    name=name,
                    token=token,
                    assumed=assume_verified,
                    created=now,
                    verified=now if assume_verified else None,
                )
            )
            self._insert_key(connection, domain_id, name, private, now)
            self._changer.note(connection, "domain.added", owner.name, name)
            if assume_verified:
                self._changer.note(connection, "domain.verified", owner.name, name, by=BY_OPERATOR)
            return _known(connection, name, tenant)

    def set_verified(self, name: str, tenant: str, *, by: str) -> Domain:
        """Note that its token was seen, or the operator's word (``by``). Raises TenancyError: another one has it."""
        with self._database.changing() as connection:
            domain = _known(connection, name, tenant)
            if domain.verified is not None:
                return domain
            _refuse_taken(read_domains(connection, DOMAIN.c.name == domain.name), domain.name)
            connection.execute(
                sa.update(DOMAIN)
                .where(DOMAIN.c.id == domain.id)
                .values(verified=self._changer.clock(), assumed=by != BY_DNS)
            )
            self._changer.note(connection, "domain.verified", domain.tenant, domain.name, by=by)
            return _known(connection, name, tenant)

    def remove(self, name: str, tenant: str | None = None) -> Domain:
        """Forget it with its keys; returns what it was. Raises NotFoundError, TenancyError as ``find``."""
        with self._database.changing() as connection:
            domain = _known(connection, name, tenant)
            connection.execute(sa.delete(DOMAIN_KEY).where(DOMAIN_KEY.c.domain_id == domain.id))
            connection.execute(sa.delete(DOMAIN).where(DOMAIN.c.id == domain.id))
            self._changer.note(connection, "domain.removed", domain.tenant, domain.name)
            return domain

    def _insert_key(
        self, connection: Connection, domain_id: str, name: str, private: PrivateKey, now: UnixMs
    ) -> None:
        """The selector is random: another tenant's, or a key of the configuration, may be published beside it."""
        selector = f"a{self._random_word(SELECTOR_OCTETS)}"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        connection.execute(
            sa.insert(DOMAIN_KEY).values(
                domain_id=domain_id,
                selector=selector,
                type=key_type(private),
                sealed=self._secrets.seal(pem, *seal_place(name, selector)),
                created=now,
            )
        )

    def _random_word(self, octets: int) -> str:
        return b32encode(self._changer.random_octets(octets)).decode().lower()


def domain_name(text: str) -> str:
    """Return a domain in lower-case A-labels. Raises TenancyError."""
    name = a_labels(text.strip().removesuffix("."))
    if not is_fqdn(name):
        raise TenancyError(f"{text!r} is no domain: write one like example.com", field="domain")
    return name


def _known(connection: Connection, name: str, tenant: str | None) -> Domain:
    where = [DOMAIN.c.name == domain_name(name)]
    if tenant is not None:
        where.append(TENANT.c.id == known_tenant(connection, tenant).id)
    found = read_domains(connection, *where)
    if not found:
        of = f"tenant {tenant!r} has no" if tenant is not None else "there is no"
        raise NotFoundError(f"{of} domain {name!r}", f"`postmaster domain add {name}` takes it in")
    if len(found) > 1:
        names = ", ".join(each.tenant for each in found)
        raise TenancyError(f"several tenants have {name} ({names})", "name one with --tenant")
    return found[0]


def _refuse_taken(others: list[Domain], name: str) -> None:
    for each in others:
        if each.verified is not None:
            text = f"{name} is tenant {each.tenant!r}'s, who has proved it"
            raise ConflictError(text, field="domain")
