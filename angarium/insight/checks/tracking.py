"""Checks of tracking hosts: the server's own is looked at now, tenants' by what the server found of them last."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.config.schema import Config
from angarium.config.tracking_host import default_host
from angarium.insight.checks.finding import Evidence, Finding, Verdict
from angarium.insight.host_certificate import HostCertificate, find_certificate
from angarium.insight.tracking_hosts import HostLook, Subject
from angarium.insight.units import span_text
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.queue.model import UnixMs
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.telemetry.timestamp import rfc3339
from angarium.tenancy.location import has_database
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.tracking_host_check import HostCheck, HostFinding
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tracking.host_proof import HostProof

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

NAME: Final = "tracking host"
CERTIFICATE: Final = "certificate"
# Of its life; what is renewed by itself was renewed when a third was left
_LATE: Final = 4


async def check_tracking_hosts(config: Config) -> AsyncIterator[Finding]:
    """Connects to the server's own tracking host, which should lead to a server that runs."""
    if not config.tracks:
        return
    own = default_host(config).host
    now = UnixMs(int(datetime.now(UTC).timestamp() * 1000))
    if own:
        async for finding in _own(config, own):
            yield finding
        for finding in _certificate(own, find_certificate(config, own), now):
            yield finding
    for finding in _of_tenants(config, now):
        yield finding


async def _own(config: Config, host: str) -> AsyncIterator[Finding]:
    try:
        proof = HostProof(read_tracking_keys(Path(config.tracking.key_file)))
        status = IssuanceStore(Path(config.server.data_dir)).status(host)
        resolver = DnsResolver(config.dns, time.monotonic)
    except (TrackingKeyError, IssuanceError, DnsSetupError) as error:
        yield Finding(NAME, "warn", str(error), Evidence(subject=host, found=str(error)))
        return
    has_files = any(each.host == host for each in config.tracking_certificate)
    subject = Subject(host=host, status=status, has_files=has_files)
    try:
        found = await HostLook(config, proof, resolver, os.urandom).look(subject)
    except OSError as error:
        text = f"tracking.ca_file: {error}"
        yield Finding(NAME, "fail", text, Evidence(subject=host, found=text))
        return
    finally:
        await resolver.close()
    for each in found:
        if each.purpose != "ownership":
            yield _finding(host, each)


def _finding(subject: str, found: HostFinding) -> Finding:
    evidence = Evidence(
        subject=subject, expected=found.expected, found=found.found, remedy=found.remedy
    )
    text = f"{found.purpose}: {found.found}"
    return Finding(
        NAME, found.verdict, f"{text}: {found.remedy}" if found.remedy else text, evidence
    )


def _of_tenants(config: Config, now: UnixMs) -> Iterator[Finding]:
    try:
        if not has_database(config):
            return
        with _opened(config) as platform:
            hosts = platform.tracking_hosts.list()
            checks = platform.tracking_hosts.checks()
    except TenancySetupError as error:
        yield Finding(NAME, "fail", str(error), Evidence(subject=NAME, found=str(error)))
        return
    wrong = [each for each in hosts if each.state != "verified"]
    for host in wrong:
        yield _judged(host, checks.get(host.host))
    for host in hosts:
        yield from _certificate(
            _subject(host), find_certificate(config, host.host), now, is_quiet=True
        )
    if hosts and not wrong:
        text = f"{len(hosts)} of tenants, all of which lead here"
        yield Finding(NAME, "ok", text, Evidence(subject="tenants' tracking hosts", found=text))


def _judged(host: TrackingHost, check: HostCheck | None) -> Finding:
    problem = None if check is None else check.problem
    if check is None or problem is None:
        text = f"{host.host} is {host.state}: it was not looked at yet"
        evidence = Evidence(
            subject=_subject(host),
            expected="verified",
            found=f"{host.state}, and not looked at yet",
            remedy=f"start the server, or `postmaster tracking-host check {host.host}`",
        )
        return Finding(NAME, "warn", text, evidence)
    found = _finding(_subject(host), problem)
    assert found.evidence is not None  # ``_finding`` gives it
    at = f"{problem.found} (at {rfc3339(check.checked)})"
    evidence = Evidence(
        subject=found.evidence.subject,
        expected=problem.expected,
        found=at,
        remedy=problem.remedy,
    )
    verdict: Verdict = "fail" if host.state == "failed" else "warn"
    return found._replace(verdict=verdict, evidence=evidence)


def _certificate(
    subject: str, found: HostCertificate, now: UnixMs, *, is_quiet: bool = False
) -> Iterator[Finding]:
    """Say when it ends, and why it was not renewed. ``is_quiet``: only what is wrong."""
    expected = "renewed when a third of its life is left"
    if found.ends is None:
        if found.problem:
            evidence = Evidence(subject=subject, expected=expected, found=found.problem)
            yield Finding(CERTIFICATE, "fail", found.problem, evidence)
        return
    left = found.ends - now
    text = f"{found.source}, ends {rfc3339(found.ends)}"
    remedy = found.problem or (
        "renew its files: they are read again by themselves"
        if found.source == "configured"
        else "see that the server runs, and that [acme] is there"
    )
    if left > (found.ends - (found.begins or 0)) // _LATE:
        if not is_quiet:
            said = f"{text}, {span_text(left)} left"
            evidence = Evidence(subject=subject, expected=expected, found=said)
            yield Finding(CERTIFICATE, "ok", said, evidence)
        return
    ended = "it has ended" if left <= 0 else f"{span_text(left)} left"
    evidence = Evidence(subject=subject, expected=expected, found=f"{text}: {ended}", remedy=remedy)
    verdict: Verdict = "fail" if left <= 0 else "warn"
    yield Finding(CERTIFICATE, verdict, f"{text}: {ended}: {remedy}", evidence)


def _subject(host: TrackingHost) -> str:
    return f"{host.host} of tenant {host.tenant}"


def _opened(config: Config) -> "Platform":
    # Imported where there are hosts: SQLAlchemy is 25 MB
    from angarium.tenancy.platform import Platform

    return Platform.open(config, actor="doctor")
