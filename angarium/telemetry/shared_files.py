"""Makes this process's metrics visible to the others: prometheus_client's files, one set per slot of the server.

Must be called before prometheus_client's metrics are made. A restarted process fills its predecessor's slot and goes
on counting in its files, so their number is bounded and counters never go back.
"""

import os
from pathlib import Path
from typing import Final

FILE_OCTETS: Final = 262_144  # per kind; our closed label sets need a tenth of it
_KINDS: Final = ("counter", "histogram", "gauge_livesum", "gauge_livemin")


def share_metrics(directory: Path, slot_name: str) -> bool:
    """Keep this process's metrics in files of ``directory``; False: it had no room, they stay in memory.

    The files' blocks are allocated first: a write to a hole of a mapped file on a full disk would be a SIGBUS.
    """
    try:
        for kind in _KINDS:
            _allocate(directory / f"{kind}_{slot_name}.db")
    except OSError:
        return False
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: slot_name)  # type: ignore[no-untyped-call]
    return True


def is_shared() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


def _allocate(path: Path) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, FILE_OCTETS)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
