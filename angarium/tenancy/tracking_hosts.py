"""Tenants' tracking hosts in the database. Blocks on disk; what is returned is on disk, with its audit entry."""

from collections.abc import Callable
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from angarium.dkim.signing_domains import and_parents
from angarium.queue.model import UnixMs
from angarium.tenancy.change import Changer
from angarium.tenancy.database import Database
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.rows import (
    domain_name,
    known_tenant,
    read_domains,
    read_tracking_hosts,
)
from angarium.tenancy.tables import DOMAIN, TENANT, TRACKING_HOST
from angarium.tenancy.tracking_host_check import HostCheck, HostFinding
from angarium.tenancy.tracking_policy import TrackingHost

# Of a tenant; ours: authorities issue not many more certificates for a domain in a week
MAX_HOSTS: Final = 20
# Ours: files are named after it
HOST_CHARACTERS: Final = 200
_FINDINGS: Final = msgspec.json.Decoder(tuple[HostFinding, ...])


class TrackingHostStore:
    """Invariant TH1: a host is below a domain that its tenant has verified, and no other tenant has verified a nearer
    one: so nobody has requests to another's names (P7), or to the server's own.
    """

    def __init__(
        self, database: Database, changer: Changer, is_reserved: Callable[[str], bool]
    ) -> None:
        """``is_reserved``: whether a name is one of the server's own."""
        self._database = database
        self._changer = changer
        self._is_reserved = is_reserved

    def list(self, tenant: str | None = None) -> list[TrackingHost]:
        """Return all, or those of a tenant, the oldest first. Raises NotFoundError."""
        with self._database.reading() as connection:
            if tenant is None:
                return read_tracking_hosts(connection)
            owner = known_tenant(connection, tenant)
            return read_tracking_hosts(connection, TENANT.c.id == owner.id)

    def find(self, host: str, tenant: str | None = None) -> TrackingHost:
        """Raises NotFoundError: there is none, or another tenant has it."""
        with self._database.reading() as connection:
            return _known(connection, host, tenant)

    def find_check(self, host: str) -> HostCheck | None:
        """None: nobody has looked yet."""
        with self._database.reading() as connection:
            at = TRACKING_HOST.c.host == host
            row = connection.execute(sa.select(TRACKING_HOST).where(at)).first()
        return None if row is None or row.checked is None else _check(row)

    def checks(self) -> dict[str, HostCheck]:
        """Return the last look at each host that was looked at."""
        looked = TRACKING_HOST.c.checked.is_not(None)
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(TRACKING_HOST).where(looked)).all()
        return {row.host: _check(row) for row in rows}

    def add(self, host: str, tenant: str) -> TrackingHost:
        """Take a host in; links lead to it once a look has found that it leads here.

        Raises NotFoundError; TenancyError: it is no host name, not of a domain of the tenant, or one too many;
        ConflictError: it is there already, or the server's own.
        """
        name = _host_name(host)
        if self._is_reserved(name):
            text = f"{name} is the server's own name: give one that is yours alone"
            raise ConflictError(text, field="host")
        with self._database.changing() as connection:
            owner = known_tenant(connection, tenant)
            if (problem := owner_problem(connection, name, owner.name)) is not None:
                raise TenancyError(problem, field="host")  # TH1
            for other in read_tracking_hosts(connection, TRACKING_HOST.c.host == name):
                if other.tenant == owner.name:
                    text = f"tenant {owner.name} has {name} already"
                    raise ConflictError(text, field="host")
                # Whoever has the domain now has its names
                self._forget(connection, other)
            mine = read_tracking_hosts(connection, TENANT.c.id == owner.id)
            if len(mine) >= MAX_HOSTS:
                text = f"tenant {owner.name} has {MAX_HOSTS} tracking hosts: remove one first"
                raise ConflictError(text, field="host")
            made = TrackingHost(host=name, tenant=owner.name, created=self._changer.clock())
            connection.execute(
                sa.insert(TRACKING_HOST).values(
                    host=name, tenant_id=owner.id, created=made.created, state=made.state
                )
            )
            self._changer.note(connection, "tracking_host.added", owner.name, name)
            return made

    def remove(self, host: str, tenant: str | None = None) -> TrackingHost:
        """Forget it; links of before that lead to it are dead. Raises NotFoundError."""
        with self._database.changing() as connection:
            found = _known(connection, host, tenant)
            self._forget(connection, found)
            return found

    def find_owner_problem(self, host: TrackingHost) -> str | None:
        """Say why it is no longer the tenant's (TH1); None: it is."""
        with self._database.reading() as connection:
            return owner_problem(connection, host.host, host.tenant)

    def record(self, check: HostCheck) -> TrackingHost | None:
        """Keep what was found, and what state that makes; None: it was removed meanwhile.

        Only another state is a change that is published.
        """
        at = TRACKING_HOST.c.host == check.host
        values = {
            "checked": check.checked,
            "findings": msgspec.json.encode(check.findings).decode(),
        }
        with self._database.reading() as connection:
            found = next(iter(read_tracking_hosts(connection, at)), None)
        if found is None:
            return None
        state = check.state_after(found.state)
        if state == found.state:
            with self._database.noting() as connection:
                connection.execute(sa.update(TRACKING_HOST).where(at).values(**values))
            return found
        with self._database.changing() as connection:
            # Where it was changed, or made anew, meanwhile, the next look tells
            mine = (at, TRACKING_HOST.c.created == found.created)
            update = sa.update(TRACKING_HOST).where(*mine).values(state=state, **values)
            if not connection.execute(update).rowcount:
                return None
            problem = check.problem
            details = {} if problem is None else {"problem": f"{problem.purpose}: {problem.found}"}
            self._changer.note(
                connection, f"tracking_host.{state}", found.tenant, found.host, **details
            )
        return msgspec.structs.replace(found, state=state)

    def _forget(self, connection: Connection, host: TrackingHost) -> None:
        connection.execute(sa.delete(TRACKING_HOST).where(TRACKING_HOST.c.host == host.host))
        self._changer.note(connection, "tracking_host.removed", host.tenant, host.host)


def owner_problem(connection: Connection, host: str, tenant: str) -> str | None:
    """Say why a tenant may not have the host (TH1); None: it may."""
    above = tuple(and_parents(host))
    verified = {
        each.name: each.tenant
        for each in read_domains(
            connection, DOMAIN.c.name.in_(above), DOMAIN.c.verified.is_not(None)
        )
    }
    nearest = next((each for each in above if each in verified), None)
    if nearest is None:
        return f"{host} is below no domain that tenant {tenant} has verified: see `postmaster domain add`"
    if verified[nearest] != tenant:
        return f"{host} is below {nearest}, which is another tenant's"
    return None


def _known(connection: Connection, host: str, tenant: str | None) -> TrackingHost:
    name = _host_name(host)
    where = [TRACKING_HOST.c.host == name]
    if tenant is not None:
        where.append(TENANT.c.id == known_tenant(connection, tenant).id)
    for each in read_tracking_hosts(connection, *where):
        return each
    of = "there is no" if tenant is None else f"tenant {tenant!r} has no"
    raise NotFoundError(
        f"{of} tracking host {name!r}", f"`postmaster tracking-host add {name}` takes it in"
    )


def _host_name(text: str) -> str:
    """Raises TenancyError."""
    try:
        name = domain_name(text)
    except TenancyError:
        problem = (
            f"{text[:80]!r} is no host: write one like t.example.com, without https:// or a port"
        )
        raise TenancyError(problem, field="host") from None
    if len(name) > HOST_CHARACTERS:
        raise TenancyError(f"a host has up to {HOST_CHARACTERS} characters", field="host")
    return name


def _check(row: sa.Row[tuple[object, ...]]) -> HostCheck:
    return HostCheck(
        host=row.host, checked=UnixMs(row.checked), findings=_FINDINGS.decode(row.findings)
    )
