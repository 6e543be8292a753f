"""``bin/bench scheduling``: what choosing the next message costs, at 1,000 providers x 20 sources, by how many wait.

A delivery process without its network: the real queue on disk, backlog, policy with every rate, pools and places; hosts
that take each message at once, and nothing signed. So what is measured is the scheduling, with its reads and commits.
"""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress
from rich.table import Table

from angarium.config.loader import load
from angarium.config.schema import Config, Provider
from angarium.mta.dispatcher import DeliveryParts, Dispatcher
from angarium.mta.draining import DrainBounds
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.work import Parcel, Work
from angarium.mta.record.conclusion import Conclusion
from angarium.mta.record.retry import RetrySchedule
from angarium.mta.record.settler import Settler
from angarium.mta.transport.outcome import Failure, Outcome, Taken
from angarium.mta.transport.transfer import EgressPath, Transfer
from angarium.mta.transport.transfer import Progress as Opening
from angarium.queue import Attempt, LmdbSpool, UnixMs
from angarium.routing.fair_turns import Whose
from angarium.routing.resolution import MxHost, Resolution, Site, SiteName
from angarium.routing.routing import Routing
from bench.errors import BenchError
from bench.fill import fill
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save

SOURCES: Final = 20
RATE: Final = "1000000/s"  # asked for each message, and far above what is reached
DEADLINE_S: Final = 600.0
_ADDRESS: Final = "192.0.2.1"


def run(folder: Path, sizes: Sequence[int], measured: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    lines = [_one(folder, each, measured) for each in sizes]
    _print(lines)
    save("scheduling", machine, sources=SOURCES, measured=measured, results=lines)


def _one(parent: Path, queued: int, measured: int) -> dict[str, Any]:
    """Fill a queue, and let so many of it go."""
    if queued < measured:
        raise BenchError(f"{queued} are too few: {measured} are to go")
    folder = work_folder(parent, "scheduling")
    try:
        path = _write_config(folder)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"queueing {queued:,} recipients", total=queued)
            fill(path, queued, due_in_s=0, say=lambda done: progress.update(task, completed=done))
        config = load(path)
        # Of a queue that memory does not hold: once it is full, so that each message costs one that is read
        skipped = min(queued - measured, config.delivery.ready_limit)
        return asyncio.run(_Delivery(config, skipped, measured).run(queued))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_config(folder: Path) -> Path:
    sources = "".join(f'[[source]]\nname = "ip{each}"\n' for each in range(SOURCES))
    path = folder / "angarium.toml"
    path.write_text(f'[server]\nhostname = "angarium.test"\ndata_dir = "data"\n{sources}')
    return path


class _Delivery:
    """One delivery process that owns all partitions, and its peers."""

    def __init__(self, config: Config, skipped: int, measured: int) -> None:
        self._config = config
        self._skipped = skipped
        self._measured = measured
        self._gone = 0
        self._began = self._cpu_began = self._took = self._cpu = 0.0
        self._done = asyncio.Event()
        self.sites: dict[str, Site] = {}

    async def run(self, queued: int) -> dict[str, Any]:
        config, chance = self._config, random.Random(1)
        folder = Path(config.server.data_dir)
        loop = asyncio.get_running_loop()
        spool = LmdbSpool.open(folder / "queue", config.queue, _now, loop)
        try:
            partitions = {each: await spool.own(each, "bench") for each in spool.partitions()}
            schedule = RetrySchedule(config.delivery)
            pools = Pools(config.source, config.pool, Routing.of(config), "angarium.test")
            dispatcher = Dispatcher(
                DeliveryParts(
                    settings=config.delivery,
                    partitions=partitions,
                    partition_count=len(partitions),
                    resolver=self,
                    remember_route=lambda *_: None,
                    policy=ShapingPolicy(pools),
                    hosts=self,
                    packer=_Packer(),
                    settler=Settler(partitions),
                    conclusion=Conclusion(schedule, lambda *_: None, _now, chance),
                    schedule=schedule,
                    observer=_Observer(),
                    give_way=spool.give_way,
                    suppressions=spool.suppressions,
                    clock=_now,
                )
            )
            spool.wakeups(dispatcher.ring)
            stop = asyncio.Event()
            bounds = DrainBounds(transfers_s=5, last_replies_s=5)
            self._began, self._cpu_began = time.monotonic(), time.process_time()
            running = asyncio.create_task(dispatcher.run(stop, lambda: None, lambda: bounds))
            try:
                await asyncio.wait_for(self._done.wait(), DEADLINE_S)
            except TimeoutError:
                raise BenchError(f"{self._gone} messages went in {DEADLINE_S:.0f} s") from None
            finally:
                stop.set()
                await running
        finally:
            spool.close()
        return {
            "queued": queued,
            "messages_per_s": self._measured / self._took,
            "cpu_us": self._cpu / self._measured * 1e6,
            "providers": len(self.sites),
        }

    def went(self) -> None:
        """One more message was taken."""
        self._gone += 1
        if self._gone == self._skipped:
            self._began, self._cpu_began = time.monotonic(), time.process_time()
        elif self._gone == self._skipped + self._measured:
            self._took = time.monotonic() - self._began
            self._cpu = time.process_time() - self._cpu_began
            self._done.set()

    # --- as the resolver: each domain is a provider by itself

    def find_known(self, domain: str) -> Resolution | None:
        site = self.sites.get(domain)
        if site is None:
            provider = Provider(
                name=domain,
                message_rate=RATE,
                connection_rate=RATE,
                tenant_message_rate=RATE,
                tenant_connections=100,
            )
            host = MxHost(name=f"mx.{domain}", port=25, preference=0, addresses=(_ADDRESS,))
            site = self.sites[domain] = Site(
                name=SiteName(f"mx.{domain}"),
                hosts=(host,),
                provider=provider,
                via="mx",
                final=True,
            )
        return site

    async def resolve(self, domain: str, whose: Whose) -> Resolution:
        raise BenchError("every domain is known")

    # --- as the hosts

    async def open(
        self, site: Site, path: EgressPath, refused_by: frozenset[str], progress: Opening
    ) -> "_Connection | Failure":
        return _Connection(site.hosts[0], path, self.went)

    def avoid(self, host: MxHost, address: str) -> None: ...


class _Connection:
    """Takes each message when the loop comes round."""

    offers_dsn = False
    offers_8bit = True
    content_sent = False
    address = _ADDRESS

    def __init__(self, host: MxHost, path: EgressPath, went: Callable[[], None]) -> None:
        self.host = host
        self.is_open = True
        self.transfers = 0
        self._source = path.source
        self._went = went

    def on_end(self, tell: Callable[[], None] | None) -> None: ...

    def room_for(self, transfer: Transfer) -> int:
        return 0

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        await asyncio.sleep(0)
        self.transfers += 1
        self._went()
        made = Attempt(
            at=_now(),
            host=self.host.name,
            address=_ADDRESS,
            source=self._source,
            code=250,
            enhanced="2.0.0",
            text="taken",
            tls="",
            stage="final_dot",
        )
        return [Taken(made)] * len(transfer.recipients)

    async def close(self) -> None:
        self.is_open = False

    def abort(self) -> None:
        self.is_open = False


class _Packer:
    """Nothing is signed."""

    async def pack(
        self,
        works: list[Work],
        ready: Callable[[Parcel], None],
        failed: Callable[[Work, BaseException], None],
    ) -> None:
        for work in works:
            message = work.message
            ready(
                Parcel(
                    work,
                    Transfer(
                        reverse_path=message.envelope.reverse_path,
                        recipients=work.recipients,
                        header=message.content[: message.header_octets],
                        body=message.content[message.header_octets :],
                        body_8bit=False,
                        smtputf8=False,
                    ),
                )
            )

    async def seven_bit(self, parcel: Parcel) -> Transfer | None:
        return None


class _Observer:
    def connection_opened(self) -> None: ...
    def connection_closed(self) -> None: ...
    def connection_failed(self, failure: Failure) -> None: ...
    def loaded(self, recipients: int) -> None: ...
    def in_doubt(self, recipients: int) -> None: ...
    def disk_full(self) -> None: ...
    def pulled_in(self, recipients: int) -> None: ...

    def internal_error(self, where: str, error: BaseException) -> None:
        raise BenchError(f"{where}: {error!r}")


def _now() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


def _print(lines: Sequence[dict[str, Any]]) -> None:
    providers = max(each["providers"] for each in lines)
    title = f"scheduling: {providers:,} providers x {SOURCES} sources"
    table = Table(title=title, title_justify="left")
    for name in ("queued", "messages/s", "CPU us per message", "of the smallest queue"):
        table.add_column(name, justify="right")
    for line in lines:
        share = line["cpu_us"] / lines[0]["cpu_us"]
        row = (f"{line['queued']:,}", f"{line['messages_per_s']:,.0f}", f"{line['cpu_us']:.0f}")
        table.add_row(*row, f"{share:.2f}")
    console.print(table)
