"""The platform role: follows the event log, lets old events and expired hold rules go, measures queue and disk."""

import asyncio
import functools
import os
from collections.abc import Callable
from typing import Final

from angarium.analytics.keeping import ANALYTICS, CounterKeeper
from angarium.config.schema import Config
from angarium.feedback.attempts import find_verdict
from angarium.feedback.suppression_policy import FORGOTTEN_MS
from angarium.history.keeping import HISTORY, HistoryKeeper
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.insight.admin.client import ask_process
from angarium.insight.admin.forgetting import ForgetFailures
from angarium.insight.admin.reloading import AskReload
from angarium.mta.disk_wait import DISK_FULL, until_space
from angarium.queue import LmdbSpool, UnixMs
from angarium.routing.dns import DnsSetupError
from angarium.routing.routing import Routing
from angarium.service.admin_socket import Handlers
from angarium.service.platform.alarms.parts import AlarmParts
from angarium.service.platform.analytics_answers import AnalyticsAnswers
from angarium.service.platform.audit_keeping import AuditKeeper
from angarium.service.platform.came_back_follower import RECEIVER_REPORTS
from angarium.service.platform.census import Census
from angarium.service.platform.copy_facts import CopyFactsFinder
from angarium.service.platform.domain_parts import DomainParts
from angarium.service.platform.event_counts import EventCounts
from angarium.service.platform.event_follower import EventConsumer, EventFollower
from angarium.service.platform.fetch_judge import TRACKING, FetchJudge
from angarium.service.platform.lake_follower import LAKE, LakeFollower
from angarium.service.platform.log_answers import LogAnswers
from angarium.service.platform.mail_log import MailLog, Sink
from angarium.service.platform.mail_log_file import MailLogFile, StandardOutput
from angarium.service.platform.mail_log_retention import MailLogRetention
from angarium.service.platform.provider_labels import ProviderLabels
from angarium.service.platform.queue_answers import QueueAnswers
from angarium.service.platform.queue_measuring import (
    LowDisk,
    free_stale_readers,
    measure_providers,
    measure_queue,
    measure_quotas,
    show_limits,
)
from angarium.service.platform.receiver_parts import ReceiverParts
from angarium.service.platform.reload_audit import ReloadAudit
from angarium.service.platform.sender_notices import SenderNotices
from angarium.service.platform.shared_reading import SharedReading
from angarium.service.platform.standing_parts import StandingParts
from angarium.service.platform.summary_sender import SummarySender
from angarium.service.platform.suppression_answers import SuppressionAnswers
from angarium.service.platform.suppression_follower import SuppressionFollower
from angarium.service.platform.tenancy_publisher import TenancyPublisher
from angarium.service.platform.trace_follower import TRACING
from angarium.service.platform.trace_parts import trace_parts
from angarium.service.platform.tracking_host_parts import TrackingHostParts
from angarium.service.platform.upload_sweep import UploadSweep
from angarium.service.platform.webhook_follower import NoIntroductions
from angarium.service.platform.webhook_parts import WebhookParts
from angarium.service.runtime import Runtime
from angarium.service.snapshots import snapshots_of
from angarium.telemetry.log import log, log_exception
from angarium.tenancy import Snapshot, TenancySetupError

PERIOD_S: Final = 60.0
SWEEP_S: Final = 3600.0
TELL_S: Final = 5.0
# Ours: a delivery process that is busy for longer does not keep an operator waiting
FORGET_WITHIN_S: Final = 5.0


async def run_platform(runtime: Runtime) -> None:
    """The composition root of the role. Raises what makes it impossible to go on."""
    runtime.on_reloaded(ReloadAudit(runtime.config).note)
    spool = runtime.open_spool()
    sink = _sink(runtime.config)
    labels = ProviderLabels(runtime.config.provider)
    try:
        parts = StandingParts(runtime, spool)
        history = _history(runtime, spool)
        webhooks = WebhookParts(
            runtime.config,
            snapshots_of(runtime.config),
            history or NoIntroductions(),
            spool.keepsakes,
            runtime.clock,
            runtime.stop,
            runtime.metrics.webhooks,
        )
        domains = DomainParts(runtime, spool.keepsakes)
        tracking_hosts = (
            TrackingHostParts(runtime, spool.keepsakes) if runtime.config.tracks else None
        )
        summaries = SummarySender(runtime.config, spool, runtime.clock)
        alarms = AlarmParts(
            runtime,
            spool,
            parts,
            domains.watch.failing,
            tuple if tracking_hosts is None else tracking_hosts.hosts.failing,
        )
    except (DnsSetupError, TenancySetupError) as error:
        raise StartError(str(error), EX_CONFIG) from error
    consumers: list[EventConsumer] = [
        MailLog(spool.events, sink),
        EventCounts(runtime.metrics, labels),
        parts.standing,
        parts.feed,
        SuppressionFollower(spool.suppressions, find_verdict),
        webhooks.follower,
    ]
    if history is not None:
        consumers.append(history)
    if runtime.config.tracks:
        facts = CopyFactsFinder(history, spool.reports.find_accepted)
        after_s = runtime.config.tracking.judged_after_s
        judge = FetchJudge(spool.events, facts, runtime.clock, after_s)
        consumers.append(judge)
    traces = trace_parts(runtime, spool)
    if traces is not None:
        consumers.append(traces.follower)
    counters = _counters(runtime, spool)
    if counters is not None:
        consumers.append(counters)
    lake = _lake(runtime, spool, history)
    if lake is not None:
        consumers.append(lake)
    receivers = ReceiverParts(runtime, spool, parts.finder)
    if receivers.follower is not None:
        consumers.append(receivers.follower)
    shared = SharedReading(spool.events)
    followers = [EventFollower(spool.events, each, shared) for each in consumers]
    kept: list[CounterKeeper | HistoryKeeper] = [
        each for each in (counters, history) if each is not None
    ]
    used = {each.name for each in (*kept, *([lake] if lake is not None else []))}
    used |= {TRACKING} if runtime.config.tracks else set()
    used |= {RECEIVER_REPORTS} if receivers.follower is not None else set()
    used |= {TRACING} if traces is not None else set()
    low_disk = LowDisk()
    show_limits(runtime.metrics, runtime.config)
    tenancy = TenancyPublisher(runtime.config)
    uploads = UploadSweep(runtime.config, runtime.clock)
    audit = AuditKeeper(runtime.config, runtime.clock)
    mail_log = MailLogRetention(runtime.config, runtime.clock)

    def disk_full() -> None:
        runtime.ready(lambda: (DISK_FULL,))

    try:
        for follower in followers:
            # All of them, before anything is trimmed
            await until_space(follower.register, runtime.stop, disk_full)
        for name in sorted({ANALYTICS, HISTORY, LAKE, TRACKING, RECEIVER_REPORTS, TRACING} - used):
            if name in spool.events.consumers():
                # Nobody follows by that name any more, and trimming would wait for it
                retire = functools.partial(spool.events.retire, name)
                await until_space(retire, runtime.stop, disk_full)
        async with asyncio.TaskGroup() as tasks:
            periodic = [
                tasks.create_task(measure_queue(spool, runtime.clock, runtime.metrics, low_disk)),
                tasks.create_task(_trim(spool, runtime)),
                tasks.create_task(_expire_hold_rules(spool)),
                tasks.create_task(parts.watch.run()),
                tasks.create_task(parts.measure()),
                tasks.create_task(parts.slowing.run()),
                tasks.create_task(_sweep_suppressions(spool, runtime.clock)),
                tasks.create_task(_forget_keys(spool)),
                tasks.create_task(tenancy.run()),
                tasks.create_task(_tell_instance(runtime, spool)),
                tasks.create_task(domains.watch.run()),
                tasks.create_task(uploads.run()),
                tasks.create_task(audit.run()),
                tasks.create_task(mail_log.run()),
                tasks.create_task(_measure_quotas(runtime, spool)),
                tasks.create_task(receivers.run()),
            ]
            if tracking_hosts is not None:
                periodic.append(tasks.create_task(tracking_hosts.hosts.run()))
                periodic.append(tasks.create_task(tracking_hosts.certificates.run()))
            if traces is not None:
                periodic.append(tasks.create_task(traces.run()))
            periodic += [tasks.create_task(each.forget_old()) for each in kept]
            if lake is not None:
                periodic.append(tasks.create_task(lake.tend()))
            spool.administration.tell_providers(Routing.of(runtime.config).find_told_provider)
            notices = SenderNotices(runtime.config, spool, runtime.clock)
            answers = QueueAnswers(
                spool.administration,
                runtime.config,
                runtime.clock,
                notices,
                lambda: _forget_failures(runtime),
                spool.suppressions.find,
            )

            async def reload(config: Config) -> None:
                labels.exchange(config.provider)
                show_limits(runtime.metrics, config)
                spool.administration.tell_providers(Routing.of(config).find_told_provider)
                await answers.reload(config)
                parts.exchange(config)
                webhooks.exchange(config)
                domains.exchange(config)
                alarms.exchange(config)
                summaries.exchange(config)
                if tracking_hosts is not None:
                    tracking_hosts.exchange(config)
                uploads.exchange(config)
                audit.exchange(config)
                mail_log.exchange(config)
                receivers.exchange(config)
                if history is not None:
                    history.exchange(config)
                if counters is not None:
                    counters.exchange(config)
                if lake is not None:
                    lake.exchange(config)

            runtime.on_reload(reload)
            census = Census(spool.administration, runtime.clock)
            holds = spool.administration.hold_rules
            measuring = measure_providers(census, labels, runtime.metrics, runtime.clock, holds)
            periodic.append(tasks.create_task(measuring))
            periodic.append(tasks.create_task(summaries.run()))
            assert runtime.config.log.mail_log is not None
            log_answers = LogAnswers(spool.events, runtime.config.log.mail_log)
            runtime.on_notes(lambda: (*alarms.notes(), *parts.notes(), *tenancy.notes()))
            runtime.ready(low_disk.reasons)
            async with (
                runtime.admin.answering(
                    answers.handlers(), Handlers().on(AskReload, runtime.answer_reload)
                ),
                runtime.admin.answering(
                    log_answers.handlers(),
                    census.handlers(),
                    parts.answers.handlers(),
                    alarms.answers.handlers(),
                    SuppressionAnswers(spool.suppressions).handlers(),
                    AnalyticsAnswers(counters).handlers(),
                ),
                asyncio.TaskGroup() as following,
            ):
                following.create_task(webhooks.run())
                following.create_task(alarms.run())
                for follower in followers:
                    following.create_task(follower.run(runtime.stop))
            await webhooks.close()
            await alarms.close()
            if traces is not None:
                await traces.close()
            await parts.close()
            for task in periodic:
                task.cancel()
            await domains.close()
            if tracking_hosts is not None:
                await tracking_hosts.close()
            summaries.close()
    finally:
        for keeper in (*kept, *([lake] if lake is not None else [])):
            await keeper.close()
        await receivers.close()
        sink.close()
        runtime.close_spool()


def _history(runtime: Runtime, spool: LmdbSpool) -> HistoryKeeper | None:
    if runtime.config.history_of == "none":
        return None
    return HistoryKeeper(runtime.config, spool.events, runtime.clock, os.urandom)


def _counters(runtime: Runtime, spool: LmdbSpool) -> CounterKeeper | None:
    if not runtime.config.analytics.counts:
        return None
    return CounterKeeper(runtime.config, spool.events, runtime.clock, os.urandom)


def _lake(runtime: Runtime, spool: LmdbSpool, history: HistoryKeeper | None) -> LakeFollower | None:
    if not runtime.config.lake.enabled:
        return None
    find = spool.reports.find_accepted
    metrics = runtime.metrics
    return LakeFollower(
        runtime.config, spool.events, history, find, runtime.clock, os.urandom, metrics
    )


async def _forget_failures(runtime: Runtime) -> None:
    """Have each delivery process forget; one that does not run, or hangs, remembers nothing or delivers nothing."""
    async with asyncio.TaskGroup() as tasks:
        for slot in runtime.slots:
            if slot.role == "delivery":
                question, path = ForgetFailures(), runtime.data_dir.path
                ask = asyncio.to_thread(
                    ask_process, path, slot.name, question, timeout_s=FORGET_WITHIN_S
                )
                tasks.create_task(ask)


def _sink(config: Config) -> Sink:
    assert config.log.mail_log is not None  # the loader puts the default there
    return StandardOutput() if config.log.mail_log == "-" else MailLogFile(config.log.mail_log)


async def _trim(spool: LmdbSpool, runtime: Runtime) -> None:
    retention_ms = int(runtime.config.queue.event_retention_s * 1000)
    limit = runtime.config.queue.event_limit
    while True:
        await asyncio.sleep(PERIOD_S)
        try:
            free_stale_readers(spool, runtime.metrics)
            await spool.events.trim(UnixMs(runtime.clock() - retention_ms), limit)
            for consumer, position in spool.events.consumers().items():
                if (lag := spool.events.last() - position) > limit:
                    log("event_consumer_lags", "warning", consumer=consumer, events=lag)
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("trim_failed")


async def _measure_quotas(runtime: Runtime, spool: LmdbSpool) -> None:
    snapshots = snapshots_of(runtime.config)

    def current() -> Snapshot:
        snapshots.refresh()
        return snapshots.current

    await measure_quotas(current, spool.quota_use, runtime.metrics)


async def _tell_instance(runtime: Runtime, spool: LmdbSpool) -> None:
    """How far the queue is, for who puts an older one in its place."""
    told = -1
    while True:
        last = spool.events.last()
        if last != told and runtime.instance.tell(last):
            told = last
        await asyncio.sleep(TELL_S)


async def _sweep_suppressions(spool: LmdbSpool, clock: Callable[[], UnixMs]) -> None:
    """What is over keeps no mail already: this is about room, and about telling of it."""
    while True:
        try:
            await spool.suppressions.sweep()
            await spool.suppressions.forget_troubles(UnixMs(clock() - FORGOTTEN_MS))
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("suppressions_not_swept")
        await asyncio.sleep(SWEEP_S)


async def _forget_keys(spool: LmdbSpool) -> None:
    """A key whose time is over is free already: this is about room."""
    while True:
        try:
            await spool.forget_keys()
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("keys_not_forgotten")
        await asyncio.sleep(PERIOD_S)


async def _expire_hold_rules(spool: LmdbSpool) -> None:
    """Also finish what a crash left of a rule's removal: hence at once at the start."""
    while True:
        try:
            if ended := await spool.administration.expire_hold_rules():
                log("hold_rules_expired", rules=ended)
        except Exception:  # noqa: BLE001  (periodic: the next time may do)
            log_exception("hold_rules_not_expired")
        await asyncio.sleep(PERIOD_S)
