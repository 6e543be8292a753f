"""A child process of the supervisor, from its birth in ``service.nursery`` on.

Takes its order from the supervisor, drops privileges, runs its role, and ends with the supervisor.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Final

import uvloop

from angarium.access.client_table import ClientTable
from angarium.access.shared_rates import SharedRates
from angarium.config.error import ConfigError
from angarium.host.sysexits import (
    EX_CONFIG,
    EX_OK,
    EX_SOFTWARE,
    StartError,
    find_start_error,
)
from angarium.insight.admin.reloading import ProcessReload
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir
from angarium.service.life.control import (
    Beat,
    Failed,
    Ready,
    Reload,
    ReloadAsked,
    Report,
    Start,
    Stop,
    frame,
    read_order,
    receive_order,
)
from angarium.service.life.nursery import Descriptors
from angarium.service.life.privileges import drop, harden
from angarium.service.life.slot import Slot
from angarium.service.role_table import Run, import_run
from angarium.service.runtime import Runtime
from angarium.service.spool_share import SpoolShare
from angarium.service.tuning import tune
from angarium.telemetry.log import configure, log, log_exception
from angarium.telemetry.metrics import Metrics
from angarium.telemetry.shared_files import share_metrics

ORPHAN_DRAIN_S: Final = 1.0  # ours: when the supervisor died, its successor waits for our lock
EXIT_GRACE_S: Final = 4.0  # behind the drain: then the process ends itself, whatever hangs


def run_slot(slot: Slot, control: socket.socket, descriptors: Descriptors) -> int:
    """Return the exit status. SIGHUP is ignored already."""
    order = receive_order(control)
    if not isinstance(order, Start):
        return EX_OK  # the supervisor died
    configure(slot.name, order.config.log.level)
    try:
        run = import_run(order.run)  # before privileges are dropped
        if order.identity is not None:
            drop(order.identity)
        harden(signal.SIGTERM)
        tune()
        os.umask(0o077)
        return _run(run, slot, order, control, descriptors)
    except Exception as error:  # noqa: BLE001  (the task boundary of the process)
        failed = _failed(error)
        if failed.code == EX_SOFTWARE:
            log_exception("role_failed")
        _send(control, failed)
        return failed.code


def _run(
    run: Run, slot: Slot, order: Start, control: socket.socket, descriptors: Descriptors
) -> int:
    runtime_done = uvloop.run(_serve(run, slot, order, control, descriptors))
    return EX_OK if runtime_done else EX_SOFTWARE


async def _serve(
    run: Run, slot: Slot, order: Start, control: socket.socket, descriptors: Descriptors
) -> bool:
    """Run the role until it is told to stop; True: it ended as it was told."""
    control.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=control)
    runtime = _make_runtime(slot, order, descriptors)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, runtime, runtime.drain_s, runtime.last_reply_s)

    def report(message: Report) -> None:
        if not writer.is_closing():
            writer.write(frame(message))

    if order.reload is not None:
        runtime.last_reload = ProcessReload(server=order.reload)
    runtime.ask_reload = lambda token: report(ReloadAsked(token))
    obeying = asyncio.create_task(_obey(reader, runtime))
    log("process_started")
    try:
        await runtime.run(run, lambda: report(Ready()), lambda: report(Beat()))
    except Exception as error:
        report(_failed(error))  # here: the connection closes below
        raise
    finally:
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()
    log("process_ended")
    return runtime.stop.is_set()


def _make_runtime(slot: Slot, order: Start, descriptors: Descriptors) -> Runtime:
    """Return the surroundings of a role that has a process to itself."""
    config = order.config
    data_dir = DataDir(Path(config.server.data_dir))
    if not share_metrics(data_dir.metrics, slot.name):
        log("metrics_not_shared", "warning", reason="no room on the disk of server.data_dir")
    spool = SpoolShare(data_dir.queue, config.queue, wall_clock)
    return Runtime(
        slot,
        config,
        slots=order.slots,
        metrics=Metrics(),
        spool=spool,
        sockets=[socket.socket(fileno=fd) for fd in descriptors.listeners],
        clients=ClientTable(descriptors.clients),
        rates=SharedRates(descriptors.rates),
    )


async def _obey(reader: asyncio.StreamReader, runtime: Runtime) -> None:
    while True:
        match await read_order(reader):
            case Stop(drain_s=drain_s, last_reply_s=last_reply_s):
                _stop(runtime, drain_s, last_reply_s)
            case Reload(config=config, result=result):
                await runtime.reload(config, result)
            case Start():
                pass  # only ever the first
            case None:
                log("supervisor_gone", "warning")
                drain_s = min(runtime.drain_s, ORPHAN_DRAIN_S)
                _stop(runtime, drain_s, drain_s)
                return


def _stop(runtime: Runtime, drain_s: float, last_reply_s: float) -> None:
    """Stop within these; a thread sees to it even if the event loop hangs."""
    runtime.request_stop(drain_s, last_reply_s)
    timer = threading.Timer(last_reply_s + EXIT_GRACE_S, os._exit, (EX_SOFTWARE,))
    timer.daemon = True
    timer.start()


def _failed(error: Exception) -> Failed:
    if isinstance(error, ExceptionGroup):
        error = find_start_error(error) or error
    match error:
        case StartError():
            return Failed(str(error), error.code)
        case ConfigError():
            return Failed(str(error), EX_CONFIG)
        case _:
            return Failed(f"{type(error).__name__}: {error}", EX_SOFTWARE)


def _send(control: socket.socket, report: Report) -> None:
    with contextlib.suppress(OSError):
        control.setblocking(True)
        control.sendall(frame(report))
