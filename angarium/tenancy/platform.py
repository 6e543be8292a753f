"""The platform as commands and the API change it: one object over the database and its secret."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import argon2
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.access.credential_file import HASHER
from angarium.config.schema import Config
from angarium.config.tracking_host import reserved_hosts
from angarium.dkim.keygen import generate
from angarium.dkim.keys import PrivateKey
from angarium.dkim.signing_domains import SigningDomains
from angarium.queue.model import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.accounts import AccountStore
from angarium.tenancy.audit.book import AuditBook
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database, read_version
from angarium.tenancy.domain_checks import DomainChecks
from angarium.tenancy.domain_keys import DomainKeyMaker, DomainKeyStore
from angarium.tenancy.domains import DomainStore
from angarium.tenancy.identities import Identities
from angarium.tenancy.keys import KeyStore
from angarium.tenancy.model import DkimType
from angarium.tenancy.pages import Pages
from angarium.tenancy.passkeys import Passkeys
from angarium.tenancy.rows import (
    read_domains,
    read_keys,
    read_tenants,
    read_topics,
    read_tracking_hosts,
    read_webhooks,
)
from angarium.tenancy.secret_file import Secrets, read_secrets, secret_path
from angarium.tenancy.sign_in import SignIns
from angarium.tenancy.snapshot import SnapshotData
from angarium.tenancy.snapshot_file import writing
from angarium.tenancy.tables import KEY
from angarium.tenancy.templates.named_versions import NamedVersionStore
from angarium.tenancy.templates.publications import PublicationStore
from angarium.tenancy.templates.publishing import publish_templates
from angarium.tenancy.templates.rows import read_bundle, read_index
from angarium.tenancy.templates.store import TemplateStore
from angarium.tenancy.templates.versions import VersionStore
from angarium.tenancy.tenants import TenantStore
from angarium.tenancy.topics import TopicStore
from angarium.tenancy.tracking_hosts import TrackingHostStore
from angarium.tenancy.webhooks import WebhookStore

# What is told of a key that is no longer valid is told for so long; ours: 30 days
TOLD_MS = 30 * 86_400_000


class Platform:
    """Blocks on disk, or on the network: never on an event loop. A change is in force when ``publish`` returns."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        data_dir: Path,
        *,
        actor: str,
        clock: Callable[[], UnixMs] = wall_clock,
        random_octets: Callable[[int], bytes] = os.urandom,
        new_private_key: Callable[[DkimType], PrivateKey] = generate,
        hasher: argon2.PasswordHasher = HASHER,
        is_signed: Callable[[str], bool] = lambda _: False,
        is_reserved: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """``actor``: who is named in the audit entries. ``is_signed``: as ``DomainStore`` has it, ``is_reserved`` as
        ``TrackingHostStore``.
        """
        self._is_signed = is_signed
        self._is_reserved = is_reserved
        changer = Changer(actor, clock, random_octets)
        self.database = database
        self._changer = changer
        self._clock = clock
        self._random_octets = random_octets
        self._data_dir = data_dir
        self.secrets = secrets
        self.tenants = TenantStore(database, changer)
        self.keys = KeyStore(database, changer, secrets)
        self._new_private_key = new_private_key
        self._hasher = hasher
        maker = DomainKeyMaker(changer, secrets, new_private_key)
        self.domain_keys = DomainKeyStore(database, changer, maker)
        self.domains = DomainStore(database, changer, maker, self.domain_keys, is_signed)
        self.domain_checks = DomainChecks(database)
        self.tracking_hosts = TrackingHostStore(database, changer, is_reserved)
        self.pages = Pages(database)
        self.audit = AuditBook(database, changer)
        self.webhooks = WebhookStore(database, changer, secrets)
        self.topics = TopicStore(database, changer)
        self.templates = TemplateStore(database, changer)
        self.template_versions = VersionStore(database, changer)
        self.named_versions = NamedVersionStore(database, changer)
        self.template_publications = PublicationStore(database, changer)
        self.accounts = AccountStore(database, changer, secrets, hasher)
        self.sign_ins = SignIns(database, changer, secrets)
        self.identities = Identities(database, changer, self.sign_ins, self.accounts)
        self.passkeys = Passkeys(database, changer, secrets, self.sign_ins)

    @classmethod
    def open(cls, config: Config, *, actor: str) -> "Platform":
        """Open what the configuration names; its secret is there already. Raises TenancySetupError."""
        data_dir = Path(config.server.data_dir)
        secrets = read_secrets(secret_path(config))
        database = Database.open(config.tenancy.database, data_dir)
        is_signed = SigningDomains.of(config.dkim).covers
        reserved = reserved_hosts(config)
        return cls(
            database,
            secrets,
            data_dir,
            actor=actor,
            is_signed=is_signed,
            is_reserved=lambda host: host in reserved,
        )

    def acting_as(self, actor: str) -> "Platform":
        """Return the same platform, whose changes are noted as another's. Costs nothing, and is not to be closed."""
        return Platform(
            self.database,
            self.secrets,
            self._data_dir,
            actor=actor,
            clock=self._clock,
            random_octets=self._random_octets,
            new_private_key=self._new_private_key,
            hasher=self._hasher,
            is_signed=self._is_signed,
            is_reserved=self._is_reserved,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def version(self) -> int:
        """Return the number of changes so far. Raises TenancySetupError."""
        return self.database.version()

    def publish(self) -> int:
        """Hand the state to the server's processes; returns its version. Raises TenancySetupError."""
        with writing(self._data_dir) as write, self.database.reading() as connection:
            data = self._read(connection)
            publish_templates(
                self._data_dir,
                read_index(connection),
                lambda digest: read_bundle(connection, digest.hex()),
                self._clock(),
            )
            write(data)
        return data.version

    def _read(self, connection: Connection) -> SnapshotData:
        since = self._clock() - TOLD_MS
        told = sa.or_(KEY.c.revoked.is_(None), KEY.c.revoked > since)
        lasting = sa.or_(KEY.c.expires.is_(None), KEY.c.expires > since)
        return SnapshotData(
            version=read_version(connection),
            tenants=tuple(read_tenants(connection)),
            keys=tuple(read_keys(connection, told, lasting)),
            domains=tuple(read_domains(connection)),
            webhooks=tuple(read_webhooks(connection)),
            tracking_hosts=tuple(read_tracking_hosts(connection)),
            topics=tuple(read_topics(connection)),
        )
