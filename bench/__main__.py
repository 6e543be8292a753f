"""The command line of the benchmarks: ``bin/bench`` and the name of one of them; none: all."""

import sys
from pathlib import Path

import click
import msgspec

from bench.angarium_peer import Setup, angarium
from bench.debian_package import fetch, unpacked_version
from bench.direct_peer import DIRECT
from bench.errors import BenchError, PeerAbsent
from bench.exim_peer import EXIM
from bench.exim_peer import PACKAGE as EXIM_PACKAGE
from bench.measure import Plan
from bench.opensmtpd_peer import OPENSMTPD
from bench.opensmtpd_peer import PACKAGE as OPENSMTPD_PACKAGE
from bench.postfix_peer import POSTFIX
from bench.sinks import SinkKind


class Options:
    """What all benchmarks share."""

    def __init__(self, *, quick: bool, folder: Path, sink: SinkKind) -> None:
        self.quick = quick
        self.folder = folder
        self.sink = sink

    def plan(
        self,
        *,
        messages: int | None,
        rounds: int | None,
        sizes: tuple[int, ...],
        sessions: int,
        reconnect: bool,
    ) -> Plan:
        return Plan(
            messages=messages or (1500 if self.quick else 10_000),
            sizes=sizes or (4096, 20_480),
            rounds=rounds or (1 if self.quick else 3),
            sessions=sessions,
            reconnect=reconnect,
            sink=self.sink,
            folder=self.folder,
        )


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="Few messages, one round: does everything work?")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="/var/tmp",
    show_default=True,
    help="Where all systems have their queues: on a real disk, or (/dev/shm) fsync costs nothing.",
)
@click.option(
    "--sink",
    type=click.Choice(["own", "smtp-sink"]),
    default="own",
    help="own: cheaper, and proves that each message came exactly once; smtp-sink: Postfix's.",
)
@click.pass_context
def bench(context: click.Context, quick: bool, folder: Path, sink: SinkKind) -> None:
    """Benchmarks of Angarium, each beside the peer it is measured against. Loopback only."""
    context.obj = Options(quick=quick, folder=folder, sink=sink)
    if context.invoked_subcommand is None:
        for command in (
            relay,
            signed,
            latency,
            storm,
            backlog,
            fairness,
            scheduling,
            feedback,
            suppression,
            api,
            webhooks,
            visible,
            tracking,
            render,
            rewriting,
            campaign,
        ):
            context.invoke(command)  # with its defaults


def plan_options(command):  # type: ignore[no-untyped-def]
    for option in (
        click.option("--messages", type=int, help="Per round (10,000; quick: 1,500)."),
        click.option("--rounds", type=int, help="3; quick: 1."),
        click.option("--size", "sizes", type=int, multiple=True, help="Octets; 4,096 and 20,480."),
        click.option("--sessions", type=int, default=50, show_default=True),
        click.option("--reconnect", is_flag=True, help="A new connection for each message."),
    ):
        command = option(command)
    return command


@bench.command()
@plan_options
@click.option("--delivery-processes", type=int, default=1, show_default=True)
@click.option(
    "--system",
    "systems",
    type=click.Choice(
        [
            *("direct", "postfix", "exim", "opensmtpd"),
            *("single", "multi", "shaped", "referenced", "tracked"),
            *("log", "lake", "traces"),
        ]
    ),
    multiple=True,
    help="Only these; direct: nothing between load and sink; the last eight: Angarium's forms.",
)
@click.option("--html", is_flag=True, help="Each message is a letter with five links.")
@click.pass_obj
def relay(options: Options, delivery_processes=1, systems=(), html=False, **plan) -> None:  # type: ignore[no-untyped-def]
    """Submission to delivery, 4 KB and 20 KB, beside its peers and the limit."""
    from bench import relay as module

    candidates = {
        "direct": DIRECT,
        "postfix": POSTFIX,
        "exim": EXIM,
        "opensmtpd": OPENSMTPD,
        "single": angarium(Setup(single=True)),
        "multi": angarium(Setup(delivery_processes=delivery_processes)),
        "referenced": angarium(Setup(delivery_processes=delivery_processes, referenced=True)),
        "shaped": angarium(Setup(delivery_processes=delivery_processes, shaped=True)),
        "tracked": angarium(Setup(delivery_processes=delivery_processes, tracked=True)),
        "log": angarium(Setup(delivery_processes=delivery_processes, made="log")),
        "lake": angarium(Setup(delivery_processes=delivery_processes, made="lake")),
        "traces": angarium(Setup(delivery_processes=delivery_processes, made="traces")),
    }
    asked_for = {"log", "lake", "traces"} | (set() if html else {"tracked"})
    usual = [each for each in candidates if each not in asked_for]
    planned = msgspec.structs.replace(options.plan(**plan), is_html=html)
    module.run(planned, [candidates[each] for each in systems or usual])


@bench.command()
@plan_options
@click.pass_obj
def signed(options: Options, **plan) -> None:  # type: ignore[no-untyped-def]
    """The same signed with RSA-2048, beside openssl speed and Postfix with OpenDKIM."""
    from bench import signed as module

    module.run(options.plan(**plan))


@bench.command()
@click.option("--size", type=int, default=4096, show_default=True)
@click.option("--seconds", type=float, help="20; quick: 4.")
@click.pass_obj
def latency(options: Options, size: int, seconds: float | None) -> None:
    """From the end of data to the 250, at half the maximum rate."""
    from bench import latency as module

    module.run(options.folder, size, seconds or (4.0 if options.quick else 20.0), options.quick)


@bench.command()
@click.option("--seconds", type=float, help="Of each measurement: 15; quick: 3.")
@click.option("--batch", type=int, default=1000, show_default=True, help="Messages of a batch.")
@click.pass_obj
def api(options: Options, seconds: float | None = None, batch: int = 1000) -> None:
    """Mail handed over by HTTP, beside Postfix behind a small web application."""
    from bench import api as module

    module.run(options.folder, seconds or (3.0 if options.quick else 15.0), batch)


@bench.command()
@click.option("--reports", type=int, help="100,000; quick: 5,000.")
@click.option("--rate", type=float, default=200.0, show_default=True, help="Messages per second.")
@click.option("--quiet-s", type=float, help="Measured before the storm: 30; quick: 8.")
@click.pass_obj
def storm(options: Options, reports: int | None, rate: float, quiet_s: float | None) -> None:
    """What a storm of bounces and complaints that come back does to deliveries."""
    from bench import storm as module

    quick = options.quick
    module.run(
        options.folder,
        reports or (5_000 if quick else 100_000),
        rate,
        quiet_s or (8.0 if quick else 30.0),
    )


@bench.command()
@click.option(
    "--messages", "sizes", type=int, multiple=True, help="1,000,000 and 10,000,000; quick: 100,000."
)
@click.pass_obj
def history(options: Options, sizes: tuple[int, ...]) -> None:
    """Look-ups and lists of what became of messages, by how many there are."""
    from bench import history as module

    module.run(options.folder, sizes or ((100_000,) if options.quick else (1_000_000, 10_000_000)))


@bench.command()
@click.option("--messages", type=int, help="200,000; quick: 20,000.")
@click.pass_obj
def stats(options: Options, messages: int | None) -> None:
    """How many events a second are counted, and what asking for counters costs."""
    from bench import stats as module

    module.run(options.folder, messages or (20_000 if options.quick else 200_000))


@bench.command()
@click.option("--messages", type=int, help="200,000; quick: 20,000.")
@click.option("--events", type=int, help="Of the report: 100,000,000, some 4 GB; quick: 1,000,000.")
@click.pass_obj
def lake(options: Options, messages: int | None, events: int | None) -> None:
    """How many events a second go into the lake's files, and what reports over months of them cost."""
    from bench import lake as module

    module.run(
        options.folder,
        messages or (20_000 if options.quick else 200_000),
        events or (1_000_000 if options.quick else 100_000_000),
    )


@bench.command()
@click.option("--recipients", type=int, help="1,000,000; quick: 50,000.")
@click.option("--deferred", type=int, help="100,000; quick: 10,000.")
@click.pass_obj
def backlog(options: Options, recipients: int | None, deferred: int | None) -> None:
    """A start on a full queue: first delivery, memory, listing; and the rate beside deferred mail."""
    from bench import backlog as module

    module.run(
        options.folder,
        recipients or (50_000 if options.quick else 1_000_000),
        deferred or (10_000 if options.quick else 100_000),
        options.quick,
    )


@bench.command()
@click.option("--waiting", type=int, help="Of one tenant (200,000; quick: 20,000).")
@click.pass_obj
def fairness(options: Options, waiting: int | None) -> None:
    """Single messages of a tenant beside another one's mountain of waiting mail at the same provider."""
    from bench import fairness as module

    module.run(options.folder, waiting or (20_000 if options.quick else 200_000))


@bench.command()
@click.option("--seconds", type=float, help="Of a round (2; quick: 0.2).")
@click.pass_obj
def feedback(options: Options, seconds: float | None) -> None:
    """How much of what comes back one core understands a second: replies and mails."""
    from bench import feedback as module

    module.run(options.folder, seconds or (0.2 if options.quick else 2.0))


@bench.command()
@click.option("--entries", type=int, help="10,000,000; quick: 100,000.")
@click.option("--rows", type=int, help="Of the import (1,000,000; quick: 20,000).")
@click.pass_obj
def suppression(options: Options, entries: int | None, rows: int | None) -> None:
    """Look-ups, start, import and relay beside many suppressed addresses."""
    from bench import suppression as module

    module.run(
        options.folder,
        entries or (100_000 if options.quick else 10_000_000),
        rows or (20_000 if options.quick else 1_000_000),
        options.quick,
    )


@bench.command()
@click.option("--messages", type=int, help="Each has two events (5,000; quick: 500).")
@click.pass_obj
def webhooks(options: Options, messages: int | None) -> None:
    """How many deliveries to webhooks a second the platform process makes."""
    from bench import webhooks as module

    module.run(options.folder, messages or (500 if options.quick else 5_000))


@bench.command()
@click.option("--rate", "rates", type=float, multiple=True, help="Messages a second; 278, 1,000.")
@click.pass_obj
def visible(options: Options, rates: tuple[float, ...] = ()) -> None:
    """How long after something happened status and webhooks have it, under load."""
    from bench import visible as module

    module.run(options.folder, 3.0 if options.quick else 30.0, rates or (278.0, 1000.0))


@bench.command()
@click.option("--seconds", type=float, help="Of a round (10; quick: 2).")
@click.pass_obj
def tracking(options: Options, seconds: float | None = None) -> None:
    """How fast tracked pictures and links are answered, and how well machines are told from people."""
    from bench import tracking as module

    module.run(options.folder, seconds or (2 if options.quick else 10))


@bench.command()
@click.option("--seconds", type=float, help="Of a round, in processor time (2; quick: 0.2).")
@click.pass_obj
def render(options: Options, seconds: float | None = None) -> None:
    """Mails made of templates, by workers and without; and MIME messages built: per core."""
    from bench import render as module

    module.run(options.folder, seconds or (0.2 if options.quick else 2.0))


@bench.command()
@click.option("--seconds", type=float, help="Of a round, in processor time (2; quick: 0.2).")
@click.pass_obj
def rewriting(options: Options, seconds: float | None = None) -> None:
    """Tracked mails: made ready when accepted, and filled for each recipient."""
    from bench import rewriting as module

    module.run(options.folder, seconds or (0.2 if options.quick else 2.0))


@bench.command()
@click.option("--rows", type=int, help="Of the file (1,000,000; quick: 20,000).")
@click.pass_obj
def campaign(options: Options, rows: int | None) -> None:
    """How fast a file of recipients is accepted, in how much memory, and what others feel of it."""
    from bench import campaign as module

    module.run(options.folder, rows or (20_000 if options.quick else 1_000_000))


@bench.command()
@click.option(
    *("--queued", "sizes"),
    type=int,
    multiple=True,
    help="How many wait; 10,000, 100,000 and 1,000,000; quick: 5,000 and 50,000.",
)
@click.pass_obj
def scheduling(options: Options, sizes: tuple[int, ...]) -> None:
    """Processor time of choosing a message at 1,000 providers x 20 sources, by how many wait."""
    from bench import scheduling as module

    usual = (5_000, 50_000) if options.quick else (10_000, 100_000, 1_000_000)
    module.run(options.folder, sizes or usual, 5_000 if options.quick else 10_000)


@bench.command()
@click.option("--size", type=int, default=4096, show_default=True)
@click.option("--messages", type=int, help="20,000; quick: 1,500.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default="/dev/shm",
    show_default=True,
    help="Where the queue is: in memory, so that the disk is out of the way.",
)
@click.option(
    "--system",
    "systems",
    type=click.Choice(["single", "multi"]),
    multiple=True,
    help="Only this of Angarium's two forms.",
)
@click.pass_obj
def profile(
    options: Options, size: int, messages: int | None, folder: Path, systems: tuple[str, ...]
) -> None:
    """Where the processor time of a message goes."""
    from bench import profile as module

    forms = {"single": Setup(single=True), "multi": Setup()}
    module.run(
        folder,
        size,
        messages or (1500 if options.quick else 20_000),
        [forms[each] for each in systems or forms],
    )


@bench.command("fetch-peers", hidden=True)
def fetch_peers() -> None:
    """Unpack Exim and OpenSMTPD, which cannot be installed beside Postfix."""
    for package in (EXIM_PACKAGE, OPENSMTPD_PACKAGE):
        fetch(package)
        print(f"{package} {unpacked_version(package)} is in bench/cache")


if __name__ == "__main__":
    try:
        bench(prog_name="bin/bench", standalone_mode=False)
    except click.ClickException as e:
        e.show()
        sys.exit(64)
    except PeerAbsent as e:
        print(f"bin/bench: {e}", file=sys.stderr)
        sys.exit(69)
    except BenchError as e:
        print(f"bin/bench: {e}", file=sys.stderr)
        sys.exit(70)
