"""Opens the queue for an operator's command, and says in words why it cannot be."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angarium.cli.exit import (
    EX_CONFIG,
    EX_IOERR,
    EX_NOINPUT,
    EX_NOPERM,
    EX_TEMPFAIL,
    EX_USAGE,
    CommandError,
)
from angarium.config.loader import load
from angarium.config.schema import Config
from angarium.queue import (
    EmptyFilterError,
    QueueBusyError,
    QueueError,
    SchemaError,
    UnixMs,
)
from angarium.queue.doorbell import DoorbellSender, doorbell_path
from angarium.queue.lmdb.operator import QueueOperator


def wall_clock() -> UnixMs:
    return UnixMs(time.time_ns() // 1_000_000)


def queue_path(config: Config) -> Path:
    return Path(config.server.data_dir) / "queue"


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turn what the queue raises into words and exit codes."""
    try:
        yield
    except FileNotFoundError as error:
        advice = "has this server run yet? is it the right --config?"
        raise CommandError(f"{error}; {advice}", EX_NOINPUT) from None
    except PermissionError as error:
        advice = "run this as root or as the server's user"
        raise CommandError(f"{error.filename}: permission denied; {advice}", EX_NOPERM) from None
    except EmptyFilterError:
        raise CommandError(
            "say which recipients are meant: --domain, --sender, --id, --state, ... (see --help);"
            " an empty filter would mean the whole queue",
            EX_USAGE,
        ) from None
    except QueueBusyError as error:
        raise CommandError(str(error), EX_TEMPFAIL) from None
    except SchemaError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None
    except QueueError as error:
        raise CommandError(str(error), EX_IOERR) from None


@contextmanager
def acting_as_owner(path: Path) -> Iterator[None]:
    """Let root open the queue as its owner.

    LMDB makes files beside the data when they are missing, as after a compaction: root's would keep the server, which
    is not root, from ever opening its queue again.
    """
    try:
        owner = path.stat()
    except OSError:
        yield  # whoever opens it says so
        return
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    group = os.getegid()
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


@contextmanager
def open_queue(config_file: Path) -> Iterator[tuple[Config, QueueOperator]]:
    """Open the queue of a configuration; what becomes due is rung to a running server."""
    config = load(config_file)
    data_dir = Path(config.server.data_dir)
    processes = config.server.delivery_processes
    bell = DoorbellSender([doorbell_path(data_dir, each) for each in range(processes)])
    with queue_errors():
        path = queue_path(config)
        with acting_as_owner(path):
            operator = QueueOperator.open(path, config.queue, wall_clock, bell.ring)
        try:
            yield config, operator
        finally:
            operator.close()
            bell.close()
