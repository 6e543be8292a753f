"""What takes campaigns on, made of the configuration."""

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Final

from angarium.campaigns.asked import Asked
from angarium.campaigns.batch import Batches, Standing
from angarium.campaigns.fetching import Fetching
from angarium.campaigns.making import Making
from angarium.campaigns.runner import Runner, RunnerSettings
from angarium.campaigns.source import (
    FileSource,
    SourceError,
    campaign_file,
    campaigns_directory,
    failed_lines,
)
from angarium.campaigns.telling import QueueTeller
from angarium.config.schema import Config, ListenerLimits
from angarium.config.streams import streams_by_name, streams_to_leave
from angarium.intake.checking.scanners import Scanners
from angarium.intake.checking.sending_check import PolicyCheck
from angarium.intake.order_preparation import OrderPreparation
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.template_desk import TemplateDesk
from angarium.intake.tracking import MailTracking
from angarium.queue import LmdbSpool, MessageIdGenerator, UnixMs
from angarium.queue.ledger.values import LedgerCampaign
from angarium.routing.partition_finder import PartitionFinder
from angarium.routing.routing import Routing
from angarium.service.campaigns.campaign_gauges import CampaignGauges
from angarium.service.campaigns.file_fetcher import FileFetcher
from angarium.service.campaigns.outcome_follower import OutcomeFollower
from angarium.service.feedback.role import load_references
from angarium.service.ingress.tenants import SnapshotTenants
from angarium.service.order_limits import order_limits
from angarium.service.platform.event_follower import EventFollower
from angarium.service.rendering import open_pool
from angarium.service.runtime import Runtime
from angarium.service.snapshots import follow, snapshots_of
from angarium.service.tracking_keys import find_tracking_keys
from angarium.telemetry.log import log, log_exception
from angarium.tenancy.alignment import Alignments
from angarium.tenancy.check_policy import CheckPolicy
from angarium.tenancy.templates.files import TemplateFiles

_DAY_MS: Final = 86_400_000
# In an hour
_FORGET_AT_ONCE: Final = 100
# Between two transactions that delete: others commit
_BREATH_S: Final = 0.01


class _Faults:
    """A FaultObserver."""

    def internal_error(self, where: str, error: BaseException) -> None:
        log_exception("internal_error", error, where=where)


class CampaignParts:
    def __init__(self, runtime: Runtime, spool: LmdbSpool, config: Config) -> None:
        """Raises StartError, TenancySetupError."""
        self._runtime = runtime
        self._spool = spool
        self._config = config
        self._snapshots = snapshots_of(config)
        self._directory = campaigns_directory(runtime.data_dir.path)
        self._partition_of = PartitionFinder(Routing.of(config), spool)
        new_id = MessageIdGenerator(runtime.clock, os.urandom)
        self._builder = SubmissionBuilder(
            config.server.hostname,
            runtime.clock,
            new_id,
            self._partition_of,
            ListenerLimits(),
            config.delivery.expire_s,
            streams_by_name(config.stream),
        )
        if config.takes_reports:
            self._builder.references = load_references(config.feedback)
        self._signatures = RequiredSignatures(config.dkim, Alignments(self._snapshots))
        self._tenants = SnapshotTenants(self._snapshots)
        self._reload_tracking()
        self._scanners = Scanners(config.check)
        preparation = OrderPreparation(
            self._builder,
            spool.suppressions,
            self._signatures,
            self._tenants,
            _Faults(),
            clock=runtime.clock,
            new_message_id=new_id,
            random_octets=os.urandom,
            limits=order_limits(config.api),
            checks=PolicyCheck(self._check_of, self._is_bulk, self._scanners, runtime.clock),
        )
        self._renderer = open_pool(runtime)
        templates = TemplateFiles(runtime.data_dir.path)
        desk = TemplateDesk(templates, self._renderer, runtime.clock)
        fetcher = FileFetcher(runtime.data_dir.path, lambda: self._config, runtime.clock)
        self._fetching = Fetching(fetcher)
        self.runner = Runner(
            spool.ledger,
            QueueTeller(spool.ledger, spool.administration),
            Batches(Making(desk, preparation, spool.give_way), self._standing, runtime.clock),
            self._fetching,
            self._open_source,
            terms=self._tenants.terms,
            quota_use=spool.quota_use,
            clock=runtime.clock,
            settings=_settings(config),
        )
        self._gauges = CampaignGauges(runtime.metrics.campaigns, spool.ledger, self.runner.rows)
        self._follower = EventFollower(spool.events, OutcomeFollower(spool.ledger))
        self._following = asyncio.create_task(follow(self._snapshots))

    def _reload_tracking(self) -> None:
        """Raises StartError; then the keys of before stay."""
        keys = find_tracking_keys(self._config.tracking)
        self._builder.tracking = MailTracking(self._config.tracking, keys, self._tenants)

    def exchange(self, config: Config) -> None:
        """Go by this from now on. Raises StartError (the keys of tracked mail); then the old ones stay."""
        self._config = config
        self._builder.expire_s = config.delivery.expire_s
        self._builder.streams = streams_by_name(config.stream)
        self._partition_of.exchange(Routing.of(config))
        self._signatures.exchange(config.dkim)
        self.runner.settings = _settings(config)
        self._reload_tracking()

    async def follow(self, stop: asyncio.Event) -> None:
        """Count what becomes of rows, until the server stops. Raises QueueFailedError."""
        await self._follower.run(stop)

    def beat(self) -> None:
        self._renderer.observe()
        self._gauges.follow(self._config.campaigns.queued_ahead)

    async def forget(self) -> None:
        """Let campaigns go that are over for long, and the files of those that are not there."""
        before = self._runtime.clock() - self._config.campaigns.keep_days * _DAY_MS
        for campaign in self._spool.ledger.over(UnixMs(before), _FORGET_AT_ONCE):
            path = campaign_file(self._directory, campaign.id)
            await asyncio.to_thread(path.unlink, missing_ok=True)
            is_left = True
            while is_left:
                is_left = await self._spool.ledger.forget(campaign.number)
                await asyncio.sleep(_BREATH_S)
            log("campaign_forgotten", tenant=campaign.tenant, campaign=path.stem)

    async def close(self) -> None:
        self._following.cancel()
        await self._fetching.close()
        await self.runner.close()
        await self._renderer.close()
        await self._scanners.close()

    def _standing(self, tenant: str) -> Standing | None:
        self._snapshots.refresh()
        current = self._snapshots.current
        if not current.is_active(tenant):
            return None
        return Standing(domains=current.domains_of(tenant), senders=current.senders_of(tenant))

    def _check_of(self, tenant: str) -> CheckPolicy:
        return self._snapshots.current.check_of(tenant)

    def _is_bulk(self, stream: str) -> bool:
        """Its mail says how to leave: nobody waits for it."""
        return stream in streams_to_leave(self._config.stream)

    def _open_source(self, campaign: LedgerCampaign, asked: Asked) -> FileSource:
        path = campaign_file(self._directory, campaign.id)
        wanted: Callable[[], Iterator[int]] | None = None
        if campaign.parent:
            parent = self._spool.ledger.find(campaign.parent)
            wanted = (lambda: iter(())) if parent is None else self._failed_of(parent)
        if asked.layout is None:
            raise SourceError("its file was never fetched")
        return FileSource(path, asked.layout, wanted)

    def _failed_of(self, parent: LedgerCampaign) -> Callable[[], Iterator[int]]:
        return lambda: failed_lines(self._spool.ledger, parent)


def _settings(config: Config) -> RunnerSettings:
    return RunnerSettings(
        batch_rows=config.campaigns.batch_rows, queued_ahead=config.campaigns.queued_ahead
    )
