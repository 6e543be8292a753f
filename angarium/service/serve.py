"""Runs a server: supervised processes, or all roles in one. Returns an exit code of sysexits."""

import asyncio
from pathlib import Path

from angarium.config.loader import load
from angarium.service.notify import Notifier
from angarium.service.single import serve_single
from angarium.service.supervisor import Supervisor


def serve(file: Path, *, single: bool) -> int:
    """Serve until told to stop. Raises ConfigError, StartError."""
    config = load(file)
    notifier = Notifier.from_environment()
    if single:
        return serve_single(config, file, notifier)
    return asyncio.run(Supervisor(config, file, notifier).run())
