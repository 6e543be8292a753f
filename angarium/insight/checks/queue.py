"""Whether the queue's file can be used, as a start would find: the quick part of ``postmaster queue verify``."""

from collections.abc import Iterator
from pathlib import Path

from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding
from angarium.queue import DamagedQueueError, check_file, has_file


def check_queue(config: Config) -> Iterator[Finding]:
    """Reads some hundred octets; changes nothing, also beside a server."""
    path = Path(config.server.data_dir) / "queue"
    try:
        if not has_file(path):
            return  # made at the first start
        check_file(path)
    except DamagedQueueError as error:
        yield Finding("queue", "fail", str(error))
    except OSError as error:
        yield Finding("queue", "fail", f"{error.filename}: {error.strerror}; run this as root")
    else:
        yield Finding("queue", "ok", f"{path} is whole; `postmaster queue verify` reads all of it")
