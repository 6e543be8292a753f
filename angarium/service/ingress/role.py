"""The ingress role: SMTP and HTTP listeners, and the way from an accepted message to its partition."""

import asyncio
import functools
import itertools
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from angarium.access.certificates import ServerTls
from angarium.access.client_limits import FailedLogins
from angarium.access.client_table import ListenerClients
from angarium.access.credential_file import CredentialFileError, credential_path
from angarium.access.credentials import Credentials
from angarium.access.tls_file import TlsFileError
from angarium.api.notifications import Notifications
from angarium.config.schema import Config, Listener, ListenerLimits, Ses
from angarium.config.streams import streams_by_name
from angarium.feedback.reference import ReferenceKeys
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.intake.desk import AcceptanceDesk
from angarium.intake.key_rates import KeyRates
from angarium.intake.report_desk import ReportDesk
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.submission_desk import SubmissionDesk
from angarium.intake.tracking import MailTracking
from angarium.queue import LmdbSpool, MessageIdGenerator
from angarium.queue.reports import ReportBounds
from angarium.routing.partition_finder import PartitionFinder
from angarium.routing.routing import Routing
from angarium.service.bells import open_doorbell
from angarium.service.feedback.role import load_references
from angarium.service.ingress.answers import IngressAnswers
from angarium.service.ingress.api_parts import ApiParts
from angarium.service.ingress.http_listeners import HttpListeners
from angarium.service.ingress.observer import IngressObserver
from angarium.service.ingress.sns_intake import SnsIntake
from angarium.service.ingress.tenant_logins import TenantLogins
from angarium.service.ingress.tenants import SnapshotTenants
from angarium.service.ingress.tracked_parts import TrackedParts
from angarium.service.runtime import Runtime
from angarium.service.snapshots import follow, snapshots_of
from angarium.service.tracking_keys import find_tracking_keys
from angarium.smtp_in.listener import SmtpListener
from angarium.smtp_in.reception import Reception
from angarium.tenancy import SnapshotFile, TenancyError, TenancySetupError
from angarium.tenancy.alignment import Alignments

FAILED_DRAIN_S: Final = 1.0  # ours: clients are refused meanwhile, and a new process serves them


async def run_ingress(runtime: Runtime) -> None:
    """The composition root of the role. Raises StartError, QueueError."""
    spool = runtime.open_spool()
    doorbell = open_doorbell(runtime, spool)
    try:
        snapshots = snapshots_of(runtime.config)
        ingress = _Ingress(runtime, spool, snapshots)
        following = asyncio.create_task(follow(snapshots))
        fetching = asyncio.create_task(ingress.fetch_key_sets())
        answers = IngressAnswers(ingress.listeners, runtime.slot.name)
        async with runtime.admin.answering(runtime.watchers.handlers(), answers.handlers()):
            try:
                await ingress.start()
                runtime.on_reload(ingress.reload)
                runtime.on_beat(ingress.beat)
                runtime.ready(ingress.reasons)
                await _until_stopped(runtime, spool)
            finally:
                following.cancel()
                fetching.cancel()
                await ingress.close(runtime.drain_s)
    except (TlsFileError, CredentialFileError, TenancySetupError, TenancyError) as error:
        raise StartError(str(error), EX_CONFIG) from error
    finally:
        if doorbell is not None:
            doorbell.close()
        runtime.close_spool()


async def _until_stopped(runtime: Runtime, spool: LmdbSpool) -> None:
    """Serve until told to stop. Raises QueueFailedError: nothing can be accepted by this process any more."""
    stopping = asyncio.create_task(runtime.stop.wait())
    failing = asyncio.create_task(spool.fail())
    try:
        await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            runtime.drain_s = min(runtime.drain_s, FAILED_DRAIN_S)
            await failing
    finally:
        stopping.cancel()
        failing.cancel()


class _Ingress:
    def __init__(self, runtime: Runtime, spool: LmdbSpool, snapshots: SnapshotFile) -> None:
        self._runtime = runtime
        self._spool = spool
        self._observer = IngressObserver(runtime.metrics)
        feedback = runtime.config.feedback
        bounds = ReportBounds(reports=feedback.waiting_reports, octets=feedback.waiting_octets)
        self._sns = SnsIntake(spool.reports, bounds, runtime.clock)
        self._smtp: list[SmtpListener] = []
        self._receptions: list[Reception] = []
        self.listeners: list[tuple[str, SmtpListener]] = []  # with their addresses as configured
        runtime.watchers.on_changed = self._watch
        self._builders: list[SubmissionBuilder] = []
        self._credentials: list[Credentials] = []
        self._tls: list[ServerTls] = []
        self._certificate_ends: list[tuple[ServerTls, Gauge]] = []
        self._new_message_id = MessageIdGenerator(runtime.clock, os.urandom)
        self._connection_numbers = itertools.count(1)
        self._partition_of = PartitionFinder(Routing.of(runtime.config), spool)
        self._snapshots = snapshots
        self._alignments = Alignments(snapshots)
        self._signatures = RequiredSignatures(runtime.config.dkim, self._alignments)
        self._rates = KeyRates(
            runtime.rates,
            self._find_rate,
            self._tenant_rate,
            runtime.clock,
        )
        self._references: ReferenceKeys | None = None
        self._tracking = MailTracking(runtime.config.tracking)
        self._report_desks: list[ReportDesk] = []
        self._api = ApiParts(
            runtime,
            spool,
            snapshots,
            self._builder(ListenerLimits()),
            self._signatures,
            self._new_message_id,
            self._observer,
        )
        self._tracked = TrackedParts(runtime, spool, snapshots) if runtime.config.tracks else None
        self._http = HttpListeners(runtime, Notifications(self._sns), self._api, self._tracked)

    async def start(self) -> None:
        """Raises TlsFileError, CredentialFileError, StartError."""
        self._reload_references()
        self._reload_tracking()
        self._follow_ses(self._runtime.config.ses)
        listeners = self._runtime.config.listener
        self._show_limits([each.limits for each in listeners if each.kind != "http"])
        for number, (listener, listening) in enumerate(
            zip(listeners, self._runtime.sockets, strict=True)
        ):
            if listener.kind == "http":
                await self._http.start(listener, listening)
            else:
                shared = self._runtime.clients.at(number, self._runtime.slot.index)
                await self._start_smtp(listener, listening, shared)

    async def reload(self, config: Config) -> Sequence[str]:
        """Take routes, providers and keys' domains; read certificates, users and the keys of references again: what
        cannot be read stays.
        """
        self._partition_of.exchange(Routing.of(config))
        self._signatures.exchange(config.dkim)
        self._api.exchange(config)
        if self._tracked is not None:
            self._tracked.exchange(config)
        for builder in self._builders:
            builder.expire_s = config.delivery.expire_s
            builder.streams = streams_by_name(config.stream)
        reloads: list[Callable[[], None]] = [
            *(each.reload for each in self._tls),
            *(each.reload for each in self._credentials),
            functools.partial(self._http.reload_certificates, config),
            self._reload_references,
            self._reload_tracking,
            functools.partial(self._follow_ses, config.ses),
        ]
        problems: list[str] = []
        for reload in reloads:
            try:
                reload()
            except (TlsFileError, CredentialFileError, StartError) as error:
                problems.append(str(error))
        return problems

    def _follow_ses(self, ses: Ses | None) -> None:
        """Raises StartError; then the topics of before stay."""
        if not self._runtime.config.takes_reports:
            if ses is not None and ses.topic_arns:
                text = "ses.topic_arns: nobody reads notifications until the server is restarted"
                raise StartError(text, EX_CONFIG)
            return
        try:
            self._sns.exchange(ses)
        except (OSError, ValueError) as error:
            text = f"ses.sns_certificate_file: {error.strerror if isinstance(error, OSError) else 'no certificate'}"
            raise StartError(text, EX_CONFIG) from None

    def _reload_tracking(self) -> None:
        """Raises StartError; then the keys of before stay."""
        config = self._runtime.config.tracking
        keys = find_tracking_keys(config)
        self._tracking = MailTracking(config, keys, SnapshotTenants(self._snapshots))
        if self._tracked is not None and keys is not None:
            self._tracked.exchange_keys(keys)
        for builder in self._builders:
            builder.tracking = self._tracking

    def _reload_references(self) -> None:
        """Raises StartError; then the old keys stay."""
        feedback = self._runtime.config.feedback
        if not feedback.is_used:
            return
        references = self._references = load_references(feedback)
        for desk in self._report_desks:
            desk.exchange(feedback, references)
        for builder in self._builders:
            builder.references = references

    def _show_limits(self, limits: Sequence[ListenerLimits]) -> None:
        """Each holds over all processes."""
        smtp = self._runtime.metrics.smtp
        smtp.connection_limit.set(sum(each.connections for each in limits))
        smtp.bytes_limit.set(sum(each.bytes_in_flight for each in limits))

    def beat(self) -> None:
        self._observer.set_gauges()
        octets = sum(each.budget.used for each in self._receptions)
        self._runtime.metrics.smtp.bytes_in_flight.set(octets)
        self._http.set_metrics()
        self._api.renderer.observe()
        for tls, end in self._certificate_ends:
            end.set(tls.certificate.not_after.timestamp())

    async def fetch_key_sets(self) -> None:
        """Of those whose tokens are believed; until cancelled."""
        await self._api.key_sets.run(self._api.issued.sets.update)

    def _watch(self) -> None:
        watchers = self._runtime.watchers
        for address, listener in self.listeners:
            is_watched = watchers.is_watched(address)
            open_tap = functools.partial(watchers.open_tap, address)
            listener.watch(open_tap if is_watched else None)

    def reasons(self) -> list[str]:
        if self._spool.has_room():
            return []
        return ["new mail is refused: the disk is full, or below queue.min_free_octets"]

    async def close(self, drain_s: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for each in self._smtp:
                tasks.create_task(each.close(drain_s))
        await self._http.close()
        await self._api.close()
        for credentials in self._credentials:
            credentials.close()

    def _find_rate(self, user: str) -> int | None:
        key = self._snapshots.current.keys.get(user)
        return None if key is None else key.rate

    def _tenant_rate(self, tenant: str) -> int:
        rate = self._snapshots.current.plan(tenant).rate
        return rate or self._runtime.config.api.requests_per_second

    async def _start_smtp(
        self, listener: Listener, listening: socket.socket, shared: ListenerClients
    ) -> None:
        server = self._runtime.config.server
        logins: TenantLogins | None = None
        if listener.auth == "required" and listener.kind == "submission":
            path = credential_path(server.data_dir)
            failed = FailedLogins(listener.limits.auth_window_s, shared)
            credentials = Credentials(Path(path), listener.limits, time.monotonic, failed=failed)
            self._credentials.append(credentials)
            logins = TenantLogins(credentials, self._snapshots, self._runtime.clock)
        tls: ServerTls | None = None
        if listener.tls != "none":
            tls = ServerTls.of(listener)
            self._tls.append(tls)
            end = self._runtime.metrics.certificate_end(listener.address)
            self._certificate_ends.append((tls, end))
        reception = Reception(
            listener,
            server.hostname,
            desk=self._desk(listener),
            clock=self._runtime.clock,
            name=self._runtime.slot.name,
            numbers=self._connection_numbers,
            logins=logins,
            tls=tls,
            observer=self._observer,
            shared=shared,
        )
        self._receptions.append(reception)
        smtp = SmtpListener(reception)
        await smtp.start(listening)
        self._smtp.append(smtp)
        self.listeners.append((listener.address, smtp))

    def _desk(self, listener: Listener) -> AcceptanceDesk:
        config, clock = self._runtime.config, self._runtime.clock
        if listener.kind == "inbound":
            assert self._references is not None  # the loader saw to it
            desk = ReportDesk(
                config.feedback,
                self._references,
                self._spool.reports,
                self._new_message_id,
                clock,
                self._observer,
                self._spool.give_way,
            )
            self._report_desks.append(desk)
            return desk
        builder = self._builder(listener.limits)
        return SubmissionDesk(
            builder,
            self._spool,
            self._observer,
            self._signatures,
            self._rates,
            SnapshotTenants(self._snapshots),
        )

    def _builder(self, limits: ListenerLimits) -> SubmissionBuilder:
        """It follows reloads."""
        config = self._runtime.config
        builder = SubmissionBuilder(
            config.server.hostname,
            self._runtime.clock,
            self._new_message_id,
            self._partition_of,
            limits,
            config.delivery.expire_s,
            streams_by_name(config.stream),
        )
        builder.references = self._references
        builder.tracking = self._tracking
        self._builders.append(builder)
        return builder
