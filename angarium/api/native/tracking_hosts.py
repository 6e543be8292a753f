"""/v1/tracking-hosts: names of a tenant's own that links in its mail lead to."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.access.tracking_keys import TrackingKeyError, read_tracking_keys
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    Wire,
    cursor_of,
    in_path,
    maybe_time,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.config.tracking_host import default_host
from angarium.insight.host_certificate import (
    CertificateSource,
    HostCertificate,
    find_certificate,
)
from angarium.insight.tracking_hosts import HostLook, Subject
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.routing.dns import DnsResolver, DnsSetupError
from angarium.tenancy.model import TrackingHostState
from angarium.tenancy.tracking_host_check import HostCheck, HostFinding, HostPurpose, HostVerdict
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tracking.host_proof import HostProof

if TYPE_CHECKING:
    from angarium.tenancy.platform import Platform

LOOKS_AT_ONCE: Final = 4  # ours, of a process


class HostFindingShown(Wire, frozen=True, kw_only=True):
    purpose: HostPurpose
    verdict: HostVerdict
    expected: str
    found: str
    remedy: str  # what to do; empty: nothing


class HostCertificateShown(Wire, frozen=True, kw_only=True):
    source: CertificateSource  # none: it has none of its own
    ends_at: Time | None
    problem: str  # what is wrong, with what to do; empty: nothing
    tried_at: Time | None  # when that was found
    again_at: Time | None  # when it is ordered next, at the earliest


class TrackingHostShown(Wire, frozen=True, kw_only=True):
    host: str
    tenant: str
    # pending: it has not led here yet; reached: it leads here, and lacks a certificate; verified: links in mail may
    # lead to it; failed: it was verified, and no longer leads here
    state: TrackingHostState
    created_at: Time


class TrackingHostWithFindings(TrackingHostShown, frozen=True, kw_only=True):
    record: str  # to copy into a zone
    # When it was looked at last: by itself daily, and at once when it is new
    checked_at: Time | None
    findings: Sequence[HostFindingShown]
    certificate: HostCertificateShown


class TrackingHostList(Wire, frozen=True, kw_only=True):
    tracking_hosts: Sequence[TrackingHostShown]
    cursor: str | None  # of the next page; null: there is none


class TrackingHostAsked(Asked, frozen=True, kw_only=True):
    # as t.example.com, below a domain that the tenant has verified
    host: Annotated[str, Meta(min_length=1, max_length=260)]
    tenant: str = ""  # omitted: the caller's own


class TrackingHostsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class OneTrackingHostAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class TrackingHostResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    def routes(self) -> Sequence[Route]:
        one = "/v1/tracking-hosts/{host}"
        return (
            Route(
                method="POST",
                path="/v1/tracking-hosts",
                handler=self.add,
                summary="Take in a host for links in mail, and say what is to be published.",
                scope="domains:write",
                request=TrackingHostAsked,
                answers={201: TrackingHostWithFindings},
            ),
            Route(
                method="GET",
                path="/v1/tracking-hosts",
                handler=self.page,
                summary="List the tracking hosts.",
                scope="domains:read",
                query=TrackingHostsAsked,
                answers={200: TrackingHostList},
            ),
            Route(
                method="GET",
                path=one,
                handler=self.show,
                summary="Show a tracking host with what was found of it, and its certificate. Asks nobody.",
                scope="domains:read",
                query=OneTrackingHostAsked,
                answers={200: TrackingHostWithFindings},
            ),
            Route(
                method="POST",
                path=f"{one}/check",
                handler=self.check,
                summary="Look at a tracking host now: expected, found, what to do. It is used in mail while it is"
                " verified.",
                scope="domains:write",
                query=OneTrackingHostAsked,
                answers={200: TrackingHostWithFindings},
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self.remove,
                summary="Forget a tracking host. Links in mail that was sent lead nowhere from then on.",
                scope="domains:write",
                query=OneTrackingHostAsked,
                answers={200: TrackingHostShown},
            ),
        )

    async def add(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        asked = await read_json(request, TrackingHostAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        added = await self._premises.platform.run(
            lambda platform: platform.tracking_hosts.add(asked.host, tenant), by=caller
        )
        return json_response(await self._whole(added, None), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        asked = read_query(request, TrackingHostsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after, limit = read_text_cursor(asked.cursor), asked.limit
        found = await self._premises.platform.run(
            lambda platform: platform.pages.tracking_hosts(tenant, after, limit), by=caller
        )
        last = found[-1].host.encode() if len(found) == limit else None
        shown = [_shown(each) for each in found]
        return json_response(TrackingHostList(tracking_hosts=shown, cursor=cursor_of(last)))

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "read")
        name, tenant = self._named(request, caller, "read")

        def find(platform: "Platform") -> tuple[TrackingHost, HostCheck | None]:
            host = platform.tracking_hosts.find(name, tenant)
            return host, platform.tracking_hosts.find_check(host.host)

        return json_response(await self._whole(*await self._premises.platform.run(find, by=caller)))

    async def check(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        name, tenant = self._named(request, caller, "write")

        def find(platform: "Platform") -> tuple[TrackingHost, str | None]:
            host = platform.tracking_hosts.find(name, tenant)
            return host, platform.tracking_hosts.find_owner_problem(host)

        host, owner_problem = await self._premises.platform.run(find, by=caller)
        began = self._premises.clock()
        findings = await self._looked_at(host.host, owner_problem)
        looked = HostCheck(host=host.host, checked=began, findings=findings)
        after = await self._premises.platform.run(
            lambda platform: platform.tracking_hosts.record(looked), by=caller
        )
        host = after or host
        if host.state == "reached":
            await asyncio.to_thread(IssuanceStore(self._premises.data_dir).ask_again, host.host)
        return json_response(await self._whole(host, looked))

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "domains", "write")
        name, tenant = self._named(request, caller, "write")
        removed = await self._premises.platform.run(
            lambda platform: platform.tracking_hosts.remove(name, tenant), by=caller
        )
        return json_response(_shown(removed))

    def _named(self, request: web.Request, caller: Caller, action: str) -> tuple[str, str]:
        asked = read_query(request, OneTrackingHostAsked)
        return in_path(request, "host"), self._premises.tenant_of(caller, asked.tenant, action)

    async def _looked_at(self, host: str, owner_problem: str | None) -> tuple[HostFinding, ...]:
        config = self._premises.config()
        async with self._looks:
            try:
                resolver = DnsResolver(config.dns, time.monotonic)
            except DnsSetupError as error:
                raise _busy(str(error)) from None
            try:
                subject, proof = await asyncio.to_thread(self._prepared, host, owner_problem)
                return await HostLook(config, proof, resolver, os.urandom).look(subject)
            except (TrackingKeyError, IssuanceError, OSError) as error:
                raise _busy(str(error)) from None
            finally:
                await resolver.close()

    def _prepared(self, host: str, owner_problem: str | None) -> tuple[Subject, HostProof]:
        """Blocks on disk. Raises TrackingKeyError, IssuanceError."""
        config = self._premises.config()
        subject = Subject(
            host=host,
            owner_problem=owner_problem,
            status=IssuanceStore(self._premises.data_dir).status(host),
            has_files=any(each.host == host for each in config.tracking_certificate),
        )
        return subject, HostProof(read_tracking_keys(Path(config.tracking.key_file)))

    async def _whole(self, host: TrackingHost, check: HostCheck | None) -> TrackingHostWithFindings:
        config = self._premises.config()
        certificate = await asyncio.to_thread(find_certificate, config, host.host)
        target = default_host(config).host or config.server.hostname
        return TrackingHostWithFindings(
            **msgspec.structs.asdict(_shown(host)),
            record=f"{host.host}. IN CNAME {target}.",
            checked_at=maybe_time(None if check is None else check.checked),
            findings=[_finding(each) for each in (check.findings if check is not None else ())],
            certificate=_certificate(certificate),
        )


def _busy(text: str) -> FaultError:
    return FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=60))


def _shown(host: TrackingHost) -> TrackingHostShown:
    return TrackingHostShown(
        host=host.host,
        tenant=host.tenant,
        state=host.state,
        created_at=time_text(host.created),
    )


def _finding(finding: HostFinding) -> HostFindingShown:
    return HostFindingShown(
        purpose=finding.purpose,
        verdict=finding.verdict,
        expected=finding.expected,
        found=finding.found,
        remedy=finding.remedy,
    )


def _certificate(certificate: HostCertificate) -> HostCertificateShown:
    return HostCertificateShown(
        source=certificate.source,
        ends_at=maybe_time(certificate.ends),
        problem=certificate.problem,
        tried_at=maybe_time(certificate.tried),
        again_at=maybe_time(certificate.again),
    )
