"""The delivery role: owns its share of the partitions and keeps the dispatcher at work."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence, Set

from angarium.config.schema import Config
from angarium.dkim import KeyFileError
from angarium.host.sysexits import EX_CONFIG, StartError
from angarium.mta.disk_wait import DISK_FULL, until_space
from angarium.mta.dispatcher import Dispatcher
from angarium.mta.draining import DrainBounds
from angarium.queue import LmdbSpool, Partition, PartitionNumber, QueueError
from angarium.queue.doorbell import DoorbellReceiver, DoorbellSender, doorbell_path
from angarium.routing.dns import DnsSetupError
from angarium.routing.resolution import Site
from angarium.service.delivery.answers import DeliveryAnswers
from angarium.service.delivery.complaint_answers import ComplaintAnswers
from angarium.service.delivery.limit_gauges import LimitGauges
from angarium.service.delivery.observer import DeliveryObserver
from angarium.service.delivery.parts import DeliverySetup
from angarium.service.delivery.rule_answers import RuleAnswers
from angarium.service.delivery.rule_gauges import RuleGauges
from angarium.service.delivery.smart_host_teller import SmartHostTeller
from angarium.service.delivery.traffic_metrics import TrafficMetrics
from angarium.service.delivery.warmup_answers import WarmupAnswers
from angarium.service.life.watchers import Watchers
from angarium.service.runtime import ReloadCallback, Runtime
from angarium.service.snapshots import follow, snapshots_of
from angarium.tenancy import SnapshotFile, TenancySetupError
from angarium.tenancy.secret_file import Secrets, read_secrets, secret_path
from angarium.tenancy.signing import TenantKeyRing


async def run_delivery(runtime: Runtime) -> None:
    """The composition root of the role. Raises StartError, QueueError (also in an ExceptionGroup)."""
    spool = runtime.open_spool()
    observer = DeliveryObserver(runtime.metrics)
    try:
        if not await runtime.until_adopted():
            return
        partitions = await _own_share(runtime, spool, observer)
        snapshots, secrets = _tenancy(runtime.config)
        setup = _setup(runtime, spool, partitions, observer, snapshots, secrets)
        following = asyncio.create_task(follow(snapshots))
        bells = _Doorbells(runtime, spool, setup.dispatcher, list(partitions))
        runtime.on_reload(_reloader(setup))
        writing = asyncio.create_task(setup.warmup_writer.run())
        keeping = asyncio.create_task(setup.rule_keeper.run())
        teller = SmartHostTeller(setup.smart_host_rests, spool.keepsakes)
        telling = asyncio.create_task(teller.run())
        reading = asyncio.create_task(setup.ses_account.run(setup.dispatcher.ask_anew))
        watched = _WatchedHosts(runtime.watchers, setup)
        runtime.on_beat(_follower(runtime, setup, teller))
        runtime.on_notes(setup.notes)
        try:
            dispatcher = setup.dispatcher
            answers = DeliveryAnswers(
                dispatcher, partitions, runtime.slot.name, setup.forget_failures, setup.narrowings
            )
            warmups = WarmupAnswers(setup.warmups, setup.warmup_writer, dispatcher, runtime.clock)
            rules = RuleAnswers(setup.rules, setup.rule_keeper, runtime.clock, dispatcher.ask_anew)
            complaints = ComplaintAnswers(setup.owns, setup.complained, setup.slow, runtime.clock)
            async with runtime.admin.answering(
                complaints.handlers(),
                *(runtime.watchers.handlers(), answers.handlers()),
                *(warmups.handlers(), rules.handlers()),
            ):
                await dispatcher.run(
                    runtime.stop,
                    lambda: runtime.ready(dispatcher.reasons),
                    lambda: DrainBounds(
                        transfers_s=runtime.drain_s, last_replies_s=runtime.last_reply_s
                    ),
                )
        finally:
            bells.close()
            following.cancel()
            await watched.close()
            writing.cancel()
            await asyncio.wait([writing])
            await setup.warmup_writer.close()
            for task in (keeping, reading, telling):
                task.cancel()
            await asyncio.wait([keeping, reading, telling])
            # A full disk, or one that failed: what is on it holds
            with contextlib.suppress(QueueError):
                await setup.rule_keeper.write()
            setup.close()
            await setup.dns.close()
    finally:
        runtime.close_spool()


def _setup(
    runtime: Runtime,
    spool: LmdbSpool,
    partitions: dict[PartitionNumber, Partition],
    observer: DeliveryObserver,
    snapshots: SnapshotFile,
    secrets: Secrets,
) -> DeliverySetup:
    def tracking_host_of(tenant: str) -> str:
        return snapshots.current.tracking_host_of(tenant)

    try:
        return DeliverySetup(
            runtime.config,
            spool,
            partitions,
            observer,
            runtime.clock,
            runtime.random,
            runtime.watchers,
            find_keys=lambda others: TenantKeyRing(snapshots, secrets, others),
            tracking_host_of=tracking_host_of,
        )
    except (KeyFileError, DnsSetupError) as error:
        raise StartError(str(error), EX_CONFIG) from error


def _tenancy(config: Config) -> tuple[SnapshotFile, Secrets]:
    try:
        return snapshots_of(config), read_secrets(secret_path(config))
    except TenancySetupError as error:
        raise StartError(str(error), EX_CONFIG) from error


async def _own_share(
    runtime: Runtime, spool: LmdbSpool, observer: DeliveryObserver
) -> dict[PartitionNumber, Partition]:
    """Own every partition whose number modulo the processes is ours. On a full disk, waits for room."""
    count = 1 if runtime.is_single else runtime.config.server.delivery_processes
    node = f"{runtime.slot.name} {os.getpid()}"
    numbers = [each for each in spool.partitions() if each % count == runtime.slot.index]

    async def own() -> Sequence[Partition]:
        return await asyncio.gather(*(spool.own(number, node) for number in numbers))  # one commit

    def disk_full() -> None:
        observer.disk_full()
        runtime.ready(lambda: (DISK_FULL,))

    owned = await until_space(own, runtime.stop, disk_full)
    return dict(zip(numbers, owned, strict=True))


class _WatchedHosts:
    """Tells the watchers which hosts their domains have, for sessions that fail before any recipient is named."""

    def __init__(self, watchers: Watchers, setup: DeliverySetup) -> None:
        self._watchers = watchers
        self._setup = setup
        self._task: asyncio.Task[None] | None = None
        watchers.on_changed = self._look

    def _look(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._resolve())

    async def _resolve(self) -> None:
        domains: Set[str] = frozenset()
        while domains != self._watchers.domains:  # somebody may come or go meanwhile
            domains = self._watchers.domains
            found: dict[str, Set[str]] = {}
            for domain in domains:
                site = await self._setup.resolver.resolve(domain)
                if isinstance(site, Site):
                    found[domain] = frozenset(each.name for each in site.hosts)
            self._watchers.hosts = found

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


class _Doorbells:
    """Rings from other processes, and from our own commits: DSNs, and recipients that belong to others."""

    def __init__(
        self,
        runtime: Runtime,
        spool: LmdbSpool,
        dispatcher: Dispatcher,
        owned: list[PartitionNumber],
    ) -> None:
        count = 1 if runtime.is_single else runtime.config.server.delivery_processes
        path = runtime.data_dir.path
        loop = asyncio.get_running_loop()
        self._sender = DoorbellSender([doorbell_path(path, each) for each in range(count)])
        mine = frozenset(owned)

        def ring(partition: PartitionNumber) -> None:
            if partition in mine:
                dispatcher.ring(partition)
            else:
                self._sender.ring_soon(loop, partition)

        def ring_all() -> None:
            for partition in owned:
                dispatcher.ring(partition)

        spool.wakeups(ring)
        self._receiver = DoorbellReceiver(doorbell_path(path, runtime.slot.index), ring_all)
        self._receiver.open(loop)

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()


def _reloader(setup: DeliverySetup) -> ReloadCallback:
    async def reload(config: Config) -> Sequence[str]:
        try:
            setup.reload(config)
        except (KeyFileError, DnsSetupError, StartError) as error:
            return [str(error)]
        return ()

    return reload


def _follower(
    runtime: Runtime, setup: DeliverySetup, teller: SmartHostTeller
) -> Callable[[], None]:
    opening = runtime.metrics.delivery_connections_opening
    rules = RuleGauges(runtime.metrics)
    limits = LimitGauges(runtime.metrics, setup.dispatcher, setup.dns)
    traffic = TrafficMetrics(
        setup.dispatcher, setup.count_in_force, setup.provider_labels, runtime.metrics.paths
    )

    def follow() -> None:
        for state, number in setup.dispatcher.openings().items():
            opening[state].set(number)
        limits.follow()
        setup.show_warmups(runtime.metrics)
        teller.follow(runtime.metrics)
        setup.ses_account.follow(runtime.metrics)
        rules.follow(setup.rules.in_force(runtime.clock()))
        traffic.follow()

    return follow
