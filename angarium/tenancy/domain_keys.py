"""The DKIM keys of domains in the database, sealed: how one takes over from another. Blocks on disk; what is returned
is on disk, with its audit entry.

A new key waits until its record is found in DNS, or the operator says that it is there. Then it signs, and the key of
before is retired: its record stays published for what is still under way, and may go after ``RETIRED_KEPT_MS``.
"""

from base64 import b32encode
from collections.abc import Callable, Collection, Sequence
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.engine import Connection

from angarium.dkim.keygen import generate
from angarium.dkim.keys import PrivateKey, key_type
from angarium.queue.model import UnixMs
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import BY_OPERATOR, ConflictError, DkimType, Domain, DomainKey
from angarium.tenancy.rows import known_domain, read_domains
from angarium.tenancy.secret_file import Secrets
from angarium.tenancy.signing import seal_place
from angarium.tenancy.tables import DOMAIN, DOMAIN_KEY

SELECTOR_OCTETS: Final = 5
# RSA, since every receiver verifies it
USUAL_TYPES: Final[tuple[DkimType, ...]] = ("rsa",)
# Ours: mail waits for five days at most, and is verified when it arrives
RETIRED_KEPT_MS: Final = 7 * 86_400_000
# Why a key signs, as audit entries say it; or by the operator's word
FOUND_IN_DNS: Final = "its record was found"


class DomainKeyMaker:
    def __init__(
        self,
        changer: Changer,
        secrets: Secrets,
        new_private_key: Callable[[DkimType], PrivateKey] = generate,
    ) -> None:
        self._changer = changer
        self._secrets = secrets
        self._new_private_key = new_private_key

    def make(self, types: Sequence[DkimType]) -> list[PrivateKey]:
        """Takes a tenth of a second for each: before a transaction, not in it."""
        return [self._new_private_key(each) for each in dict.fromkeys(types)]

    def insert(
        self, connection: Connection, domain_id: str, name: str, private: PrivateKey, *, waits: bool
    ) -> None:
        """The selector is random: another tenant's, or a key of the configuration, may be published beside it."""
        selector = f"a{b32encode(self._changer.random_octets(SELECTOR_OCTETS)).decode().lower()}"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        connection.execute(
            sa.insert(DOMAIN_KEY).values(
                domain_id=domain_id,
                selector=selector,
                type=key_type(private),
                sealed=self._secrets.seal(pem, *seal_place(name, selector)),
                created=self._changer.clock(),
                waits=waits,
            )
        )


class DomainKeyStore:
    """Invariant DK1: a domain that has a key that signs never loses it but to one that signs in its place."""

    def __init__(self, database: Database, changer: Changer, maker: DomainKeyMaker) -> None:
        self._database = database
        self._changer = changer
        self._maker = maker

    def rotate(
        self,
        name: str,
        tenant: str | None = None,
        *,
        types: Sequence[DkimType] = (),
        force: bool = False,
    ) -> Domain:
        """Make new keys, which wait for their records to be found; those of before sign until then.

        ``types``: none: those that sign now. ``force``: they sign from now on, unseen, and so do those that wait
        already. Raises NotFoundError, TenancyError: keys wait already, and are not forced.
        """
        with self._database.reading() as connection:
            before = known_domain(connection, name, tenant)
        kinds = types or tuple([each.type for each in before.signing_keys]) or USUAL_TYPES
        made = () if before.waiting_keys else self._maker.make(kinds)
        with self._database.changing() as connection:
            domain = known_domain(connection, name, tenant)
            if domain.waiting_keys and not force:
                records = ", ".join(record_name(domain, each) for each in domain.waiting_keys)
                raise ConflictError(
                    f"{domain.name} has a key that waits for its record already: publish {records}",
                    "or use --force",
                )
            if not domain.waiting_keys:
                for private in made:
                    self._maker.insert(connection, domain.id, domain.name, private, waits=True)
                self._changer.note(connection, "domain.key_made", domain.tenant, domain.name)
            if force:
                self.let_sign(connection, known_domain(connection, name, tenant), BY_OPERATOR)
            return known_domain(connection, name, tenant)

    def take_over(self, domain_id: str, found: Collection[str]) -> Domain | None:
        """Have the keys that wait sign from now on if the records of all of them are among ``found``, by selector.

        Return the domain if so.
        """
        with self._database.changing() as connection:
            for domain in read_domains(connection, DOMAIN.c.id == domain_id):
                waiting = domain.waiting_keys
                if waiting and all(each.selector in found for each in waiting):
                    self.let_sign(connection, domain, FOUND_IN_DNS)
                    return read_domains(connection, DOMAIN.c.id == domain_id)[0]
        return None

    def forget_retired(self) -> list[tuple[Domain, DomainKey]]:
        """Forget keys that were retired long ago, and return them: their records may go."""
        over = sa.and_(
            DOMAIN_KEY.c.retired.is_not(None),
            DOMAIN_KEY.c.retired <= self._changer.clock() - RETIRED_KEPT_MS,
        )
        with self._database.reading() as connection:
            if connection.execute(sa.select(DOMAIN_KEY.c.selector).where(over)).first() is None:
                return []
        with self._database.changing() as connection:
            ids = connection.execute(sa.select(DOMAIN_KEY.c.domain_id).where(over)).scalars().all()
            gone: list[tuple[Domain, DomainKey]] = []
            for domain in read_domains(connection, DOMAIN.c.id.in_(ids)):
                for key in domain.keys:
                    if key.retired is None or key.retired > self._changer.clock() - RETIRED_KEPT_MS:
                        continue
                    connection.execute(sa.delete(DOMAIN_KEY).where(_is_key(domain, key)))
                    record = record_name(domain, key)
                    self._changer.note(
                        connection, "domain.key_over", domain.tenant, domain.name, record=record
                    )
                    gone.append((domain, key))
            return gone

    def let_sign(self, connection: Connection, domain: Domain, by: str) -> None:
        """Have the keys that wait sign, and retire those that do. In the caller's transaction."""
        waiting = domain.waiting_keys
        if not waiting:
            return
        for key in domain.signing_keys:
            _set_key(connection, domain, key, retired=self._changer.clock())
        for key in waiting:
            _set_key(connection, domain, key, waits=False)  # DK1
        selectors = ",".join(each.selector for each in waiting)
        self._changer.note(
            connection,
            "domain.key_signs",
            domain.tenant,
            domain.name,
            selectors=selectors,
            by=by,
        )


def record_name(domain: Domain, key: DomainKey) -> str:
    """RFC 6376 section 3.6.2.1."""
    return f"{key.selector}._domainkey.{domain.name}"


def record_may_go(key: DomainKey) -> UnixMs | None:
    """From when on the record of a retired key is not needed; None: it is."""
    return None if key.retired is None else UnixMs(key.retired + RETIRED_KEPT_MS)


def _set_key(connection: Connection, domain: Domain, key: DomainKey, **values: object) -> None:
    connection.execute(sa.update(DOMAIN_KEY).where(_is_key(domain, key)).values(**values))


def _is_key(domain: Domain, key: DomainKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        DOMAIN_KEY.c.domain_id == domain.id,
        DOMAIN_KEY.c.selector == key.selector,
    )
