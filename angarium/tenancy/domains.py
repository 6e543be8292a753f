"""Sending domains in the database. Blocks on disk; what is returned is on disk, with its audit entry."""

from base64 import b32encode
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.domain_checks import forget_check
from angarium.tenancy.domain_keys import USUAL_TYPES, DomainKeyMaker, DomainKeyStore
from angarium.tenancy.model import (
    BY_DNS,
    BY_OPERATOR,
    ConflictError,
    DkimType,
    Domain,
)
from angarium.tenancy.rows import domain_name, known_domain, known_tenant, read_domains
from angarium.tenancy.tables import DOMAIN, DOMAIN_KEY, TENANT

TOKEN_OCTETS: Final = 20


class DomainStore:
    def __init__(
        self,
        database: Database,
        changer: Changer,
        maker: DomainKeyMaker,
        keys: DomainKeyStore,
        is_signed: Callable[[str], bool],
    ) -> None:
        """``is_signed``: whether the configuration has a key for a domain."""
        self._is_signed = is_signed
        self._database = database
        self._changer = changer
        self._maker = maker
        self._keys = keys

    def list(self, tenant: str | None = None) -> list[Domain]:
        """Return all by name, or those of a tenant. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_domains(connection)
            return read_domains(connection, TENANT.c.id == known_tenant(connection, tenant).id)

    def find(self, name: str, tenant: str | None = None) -> Domain:
        """Raises NotFoundError, TenancyError: several tenants have it, and none was named."""
        with self._database.reading() as connection:
            return known_domain(connection, name, tenant)

    def add(
        self,
        name: str,
        tenant: str,
        *,
        assume_verified: bool = False,
        types: Sequence[DkimType] = USUAL_TYPES,
    ) -> Domain:
        """Take a domain in, with a token to prove it by and DKIM keys, which sign when their records are found.

        ``assume_verified``: the operator says whose it is, and the keys sign at once, but where a key of the
        configuration does, whose record is perhaps there already. Raises TenancyError: it is no domain, the tenant has
        it already, or another one has it verified.
        """
        name = domain_name(name)
        made = self._maker.make(types)
        now = self._changer.clock()
        token = b32encode(self._changer.random_octets(TOKEN_OCTETS)).decode().lower()
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
            for private in made:
                waits = not assume_verified or self._is_signed(name)
                self._maker.insert(connection, domain_id, name, private, waits=waits)
            self._changer.note(connection, "domain.added", owner.name, name)
            if assume_verified:
                self._changer.note(connection, "domain.verified", owner.name, name, by=BY_OPERATOR)
            return known_domain(connection, name, tenant)

    def set_verified(self, name: str, tenant: str, *, by: str) -> Domain:
        """Note that its token was seen, or the operator's word (``by``), by which a first key signs, too.

        Raises TenancyError: another one has it.
        """
        with self._database.changing() as connection:
            domain = known_domain(connection, name, tenant)
            if domain.verified is not None:
                return domain
            _refuse_taken(read_domains(connection, DOMAIN.c.name == domain.name), domain.name)
            connection.execute(
                sa.update(DOMAIN)
                .where(DOMAIN.c.id == domain.id)
                .values(verified=self._changer.clock(), assumed=by != BY_DNS)
            )
            self._changer.note(connection, "domain.verified", domain.tenant, domain.name, by=by)
            is_unsigned = not domain.signing_keys and not self._is_signed(domain.name)
            if by == BY_OPERATOR and is_unsigned:
                self._keys.let_sign(connection, domain, by)
            return known_domain(connection, name, tenant)

    def remove(self, name: str, tenant: str | None = None) -> Domain:
        """Forget it with its keys; returns what it was. Raises NotFoundError, TenancyError as ``find``."""
        with self._database.changing() as connection:
            domain = known_domain(connection, name, tenant)
            # Locked: who notes a check of it waits, and then finds it gone
            connection.execute(
                sa.select(DOMAIN.c.id).where(DOMAIN.c.id == domain.id).with_for_update()
            )
            forget_check(connection, domain.id)
            connection.execute(sa.delete(DOMAIN_KEY).where(DOMAIN_KEY.c.domain_id == domain.id))
            connection.execute(sa.delete(DOMAIN).where(DOMAIN.c.id == domain.id))
            self._changer.note(connection, "domain.removed", domain.tenant, domain.name)
            return domain


def _refuse_taken(others: list[Domain], name: str) -> None:
    for each in others:
        if each.verified is not None:
            text = f"{name} is tenant {each.tenant!r}'s, who has proved it"
            raise ConflictError(text, field="domain")
