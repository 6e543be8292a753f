"""Rows of the database as values, and those that a name means."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from angarium.config.address import a_labels, is_fqdn
from angarium.queue.model import UnixMs
from angarium.tenancy.check_policy import CheckPolicy
from angarium.tenancy.model import (
    Domain,
    DomainKey,
    Key,
    KeySecret,
    NotFoundError,
    TenancyError,
    Tenant,
)
from angarium.tenancy.plan import Plan
from angarium.tenancy.tables import (
    DOMAIN,
    DOMAIN_KEY,
    KEY,
    KEY_CERTIFICATE,
    KEY_SECRET,
    TENANT,
    TOPIC,
    TRACKING_HOST,
    WEBHOOK,
    WEBHOOK_SECRET,
)
from angarium.tenancy.topic import Topic
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tenancy.webhook import Webhook, WebhookSecret

_KEYS: Final = sa.select(KEY, TENANT.c.name.label("tenant")).join(TENANT).order_by(KEY.c.id)
_DOMAINS: Final = (
    sa.select(DOMAIN, TENANT.c.name.label("tenant"))
    .join(TENANT)
    .order_by(DOMAIN.c.name, TENANT.c.name)
)

_TRACKING_HOSTS: Final = (
    sa.select(TRACKING_HOST, TENANT.c.name.label("tenant"))
    .join(TENANT)
    .order_by(TRACKING_HOST.c.created, TRACKING_HOST.c.host)
)
_TOPICS: Final = (
    sa.select(TOPIC, TENANT.c.name.label("tenant"))
    .join(TENANT)
    .order_by(TENANT.c.name, TOPIC.c.name)
)
_WEBHOOKS: Final = (
    sa.select(WEBHOOK, TENANT.c.name.label("tenant")).join(TENANT).order_by(WEBHOOK.c.id)
)


def read_tenants(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Tenant]:
    """Those that are removed are no more."""
    there = TENANT.c.removed.is_(None)
    rows = connection.execute(sa.select(TENANT).where(there, *where).order_by(TENANT.c.name))
    return [
        Tenant(
            id=row.id,
            name=row.name,
            active=row.active,
            created=UnixMs(row.created),
            plan=_plan(row),
            alignment=row.alignment,
            check=CheckPolicy(mode=row.check_mode, codes=_words(row.check_codes)),
            tracking=row.tracking,
            postal_address=row.postal_address,
        )
        for row in rows
    ]


def read_keys(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Key]:
    rows = connection.execute(_KEYS.where(*where)).all()
    secrets: dict[str, list[KeySecret]] = defaultdict(list)
    owned = sa.select(KEY.c.id).select_from(KEY.join(TENANT)).where(*where)
    for row in connection.execute(
        sa.select(KEY_SECRET).where(KEY_SECRET.c.key_id.in_(owned)).order_by(KEY_SECRET.c.version)
    ):
        secrets[row.key_id].append(
            KeySecret(
                version=row.version,
                digest=bytes(row.digest),
                created=UnixMs(row.created),
                expires=_time(row.expires),
            )
        )
    certificates: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(
        sa.select(KEY_CERTIFICATE)
        .where(KEY_CERTIFICATE.c.key_id.in_(owned))
        .order_by(KEY_CERTIFICATE.c.name)
    ):
        certificates[row.key_id].append(row.name)
    return [
        Key(
            id=row.id,
            tenant=row.tenant,
            kind=row.kind,
            name=row.name,
            scopes=_words(row.scopes),
            networks=_words(row.networks),
            rate=row.rate,
            created=UnixMs(row.created),
            expires=_time(row.expires),
            revoked=_time(row.revoked),
            secrets=tuple(secrets[row.id]),
            certificates=tuple(certificates[row.id]),
        )
        for row in rows
    ]


def read_domains(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Domain]:
    rows = connection.execute(_DOMAINS.where(*where)).all()
    keys: dict[str, list[DomainKey]] = defaultdict(list)
    owned = sa.select(DOMAIN.c.id).select_from(DOMAIN.join(TENANT)).where(*where)
    for row in connection.execute(
        sa.select(DOMAIN_KEY)
        .where(DOMAIN_KEY.c.domain_id.in_(owned))
        .order_by(DOMAIN_KEY.c.created, DOMAIN_KEY.c.selector)
    ):
        keys[row.domain_id].append(
            DomainKey(
                selector=row.selector,
                type=row.type,
                sealed=bytes(row.sealed),
                created=UnixMs(row.created),
                waits=row.waits,
                retired=_time(row.retired),
            )
        )
    return [_domain(row, keys[row.id]) for row in rows]


def read_tracking_hosts(
    connection: Connection, *where: sa.ColumnElement[bool]
) -> list[TrackingHost]:
    """The oldest first."""
    return [
        TrackingHost(host=row.host, tenant=row.tenant, created=UnixMs(row.created), state=row.state)
        for row in connection.execute(_TRACKING_HOSTS.where(*where))
    ]


def read_topics(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Topic]:
    return [
        Topic(
            id=row.id,
            tenant=row.tenant,
            name=row.name,
            titles=msgspec.json.decode(row.titles, type=dict[str, str]),
            created=UnixMs(row.created),
        )
        for row in connection.execute(_TOPICS.where(*where))
    ]


def _plan(row: Row[tuple[object, ...]]) -> Plan:
    return Plan(
        rate=row.rate,
        per_second=row.per_second,
        per_hour=row.per_hour,
        per_day=row.per_day,
        per_month=row.per_month,
        over_quota=row.over_quota,
        streams=_words(row.streams),
        pools=_words(row.pools),
    )


def plan_values(plan: Plan) -> dict[str, object]:
    """Return what its columns have."""
    values = msgspec.structs.asdict(plan)
    return values | {"streams": joined_words(plan.streams), "pools": joined_words(plan.pools)}


def read_webhooks(connection: Connection, *where: sa.ColumnElement[bool]) -> list[Webhook]:
    rows = connection.execute(_WEBHOOKS.where(*where)).all()
    secrets: dict[str, list[WebhookSecret]] = defaultdict(list)
    owned = sa.select(WEBHOOK.c.id).select_from(WEBHOOK.join(TENANT)).where(*where)
    for row in connection.execute(
        sa.select(WEBHOOK_SECRET)
        .where(WEBHOOK_SECRET.c.webhook_id.in_(owned))
        .order_by(WEBHOOK_SECRET.c.version)
    ):
        secrets[row.webhook_id].append(
            WebhookSecret(
                version=row.version,
                sealed=bytes(row.sealed),
                created=UnixMs(row.created),
                expires=_time(row.expires),
            )
        )
    return [
        Webhook(
            id=row.id,
            tenant=row.tenant,
            url=row.url,
            events=_list(row.events),
            streams=_list(row.streams),
            tags=_list(row.tags),
            format=row.format,
            enabled=row.enabled,
            reason=row.reason,
            created=UnixMs(row.created),
            changed=UnixMs(row.changed),
            secrets=tuple(secrets[row.id]),
        )
        for row in rows
    ]


def list_text(words: Iterable[str]) -> str:
    """Return how words that may hold commas are kept in one column."""
    return msgspec.json.encode(list(words)).decode()


def _list(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def known_tenant(connection: Connection, name: str) -> Tenant:
    """Raises NotFoundError."""
    for tenant in read_tenants(connection, TENANT.c.name == name):
        return tenant
    raise NotFoundError(
        f"there is no tenant {name!r}",
        f"`postmaster tenant create {name}` makes it",
        field="tenant",
    )


def known_domain(connection: Connection, name: str, tenant: str | None) -> Domain:
    """Raises NotFoundError, TenancyError: several tenants have it, and none was named."""
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


def domain_name(text: str) -> str:
    """Return a domain in lower-case A-labels. Raises TenancyError."""
    name = a_labels(text.strip().removesuffix("."))
    if not is_fqdn(name):
        raise TenancyError(f"{text!r} is no domain: write one like example.com", field="domain")
    return name


def joined_words(words: Iterable[str]) -> str:
    """Return how several are kept in one column."""
    return ",".join(words)


def _domain(row: Row[tuple[object, ...]], keys: Iterable[DomainKey]) -> Domain:
    return Domain(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        token=row.token,
        assumed=row.assumed,
        created=UnixMs(row.created),
        verified=_time(row.verified),
        keys=tuple(keys),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _time(value: int | None) -> UnixMs | None:
    return None if value is None else UnixMs(value)
