"""Where and with what a benchmark ran: without it no figure means anything."""

import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.angarium_peer import TOP
from bench.debian_package import unpacked_version
from bench.exim_peer import PACKAGE as EXIM
from bench.meter import Meter
from bench.opensmtpd_peer import PACKAGE as OPENSMTPD
from bench.private_postfix import postfix_version


def describe(folder: Path) -> dict[str, Any]:
    """Return machine, software, commit and command, as JSON values."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _output("git", "rev-parse", "--short=12", "HEAD"),
        "modified": bool(_output("git", "status", "--porcelain", "--", "angarium", "bench")),
        "command": shlex.join(["bin/bench", *sys.argv[1:]]),
        "cpu": _first(r"model name\s*:\s*(.+)", "/proc/cpuinfo"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_octets": int(_first(r"MemTotal:\s*(\d+)", "/proc/meminfo") or 0) * 1024,
        "system": f"{platform.system()} {platform.release()}",
        "file_system": _output("stat", "-f", "-c", "%T", str(folder)),
        "python": platform.python_version(),
        "postfix": postfix_version(),
        "exim": unpacked_version(EXIM),
        "opensmtpd": unpacked_version(OPENSMTPD),
        "processor_time_of": _metered(),
        "openssl": _output("openssl", "version"),
        "load_average_before": os.getloadavg()[0],
    }


def _metered() -> str:
    with Meter() as meter:
        return "all processes" if meter.counts_orphans else "processes that are waited for"


def rsa2048_signs_per_s(seconds: int = 3) -> float:
    """Return what one core signs with ``openssl speed``; 0 when openssl is absent."""
    text = _output("openssl", "speed", "-seconds", str(seconds), "rsa2048")
    found = re.search(r"rsa\s+2048 bits\s+\S+\s+\S+\s+([\d.]+)", text)
    return float(found[1]) if found else 0.0


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=TOP, check=False)
    except OSError:
        return ""
    return " ".join(done.stdout.split())


def _first(pattern: str, file: str) -> str:
    found = re.search(pattern, Path(file).read_text())
    return found[1].strip() if found else ""
