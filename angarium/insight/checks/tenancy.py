"""Checks of tenants' domains, by what was found of them last, and of the secret that opens their keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from angarium.config.schema import Config
from angarium.insight.checks.finding import Evidence, Finding
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.domain_check import DomainCheck, outcome_of
from angarium.tenancy.location import has_database
from angarium.tenancy.model import Domain, TenancySetupError
from angarium.tenancy.secret_file import Secrets, read_secrets, secret_path
from angarium.tenancy.signing import open_domain_key
from angarium.tenancy.snapshot import Snapshot
from angarium.tenancy.snapshot_file import FILE_NAME, read_snapshot

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

NAME: Final = "tenant domain"
SECRET: Final = "tenancy"  # noqa: S105 - a check's name
_LOST: Final = (
    "put back tenancy.key as it was; if it is lost, `postmaster domain rotate DOMAIN --force` makes a key anew for each"
    " domain, `postmaster key rotate ID` a secret for each ses key, and `postmaster account totp NAME` other codes"
)


def tenants_domains(config: Config) -> tuple[str, ...]:
    """Return the domains that tenants have verified, by what was published; none, where that cannot be read."""
    try:
        data = read_snapshot(Path(config.server.data_dir) / FILE_NAME)
    except TenancySetupError:
        return ()
    return tuple(
        sorted({each.name for each in Snapshot(data).domains if each.verified is not None})
    )


def check_secret(config: Config) -> Iterator[Finding]:
    """Whether the file opens what the database has sealed. Nothing, where no start has made it yet."""
    path = secret_path(config)
    has_data = (Path(config.server.data_dir) / FILE_NAME).exists()
    if not path.exists():
        if has_data:
            yield Finding(
                SECRET, "fail", f"{path} is gone, and with it tenants' DKIM keys: {_LOST}"
            )
        return
    try:
        secrets = read_secrets(path)
    except TenancySetupError as error:
        yield Finding(SECRET, "fail", str(error))
        return
    if (sealed := _find_unopened(config, secrets)) is not None:
        yield Finding(SECRET, "fail", f"{path} does not open the DKIM keys of {sealed}: {_LOST}")
        return
    yield Finding(SECRET, "ok", f"{path} opens tenants' keys: keep a copy of it")


def check_tenant_domains(config: Config) -> Iterator[Finding]:
    """What the server found when it looked last: each that fails, or one that all is well. Asks no nameserver."""
    try:
        if not tenants_domains(config) or not has_database(config):
            return
        with _opened(config) as platform:
            domains = platform.domains.list()
            checks: dict[str, DomainCheck] = {}
            platform.domain_checks.each(lambda check: checks.update({check.domain_id: check}))
    except TenancySetupError as error:
        evidence = Evidence(subject=NAME, found=str(error))
        yield Finding(NAME, "fail", str(error), evidence)
        return
    verified = [each for each in domains if each.verified is not None]
    failed = [each for each in (_judged(it, checks.get(it.id)) for it in verified) if each]
    yield from failed
    if not failed:
        found = f"{len(verified)} verified, none of which has failed"
        yield Finding(NAME, "ok", found, Evidence(subject="tenants' domains", found=found))


def _judged(domain: Domain, check: DomainCheck | None) -> Finding | None:
    """None: nothing is known to be wrong with it."""
    if check is None or not (outcome := outcome_of(domain, check)).failed:
        return None
    wrong = next(each for each in check.records if each.name == outcome.failed[0])
    found = f"{wrong.found or 'not there'} (at {rfc3339(check.checked)})"
    evidence = Evidence(
        subject=f"{domain.name} of tenant {domain.tenant}",
        expected=wrong.zone_line or wrong.value,
        found=f"{wrong.name}: {found}",
        remedy=wrong.remedy or f"see `postmaster domain show {domain.name}`",
    )
    return Finding(NAME, "fail", f"{domain.name}: {outcome.text}", evidence)


def _find_unopened(config: Config, secrets: Secrets) -> str | None:
    """Return a domain whose keys that sign are not opened; one of each kind of trouble is enough to know."""
    try:
        data = read_snapshot(Path(config.server.data_dir) / FILE_NAME)
    except TenancySetupError:
        return None  # what is wrong with that file, its reader says
    for domain in data.domains:
        for key in domain.published_keys:
            try:
                open_domain_key(secrets, domain.name, key)
            except TenancySetupError:
                return domain.name
    return None


def _opened(config: Config) -> "Platform":
    # Imported where there are domains: SQLAlchemy is 25 MB
    from angarium.tenancy.platform import Platform

    return Platform.open(config, actor="doctor")
