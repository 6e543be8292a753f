"""Runs a server: supervised processes, or all roles in one. Returns an exit code of sysexits."""

import asyncio
from pathlib import Path

from angarium.config.loader import load
from angarium.host.sysexits import EX_OK, EX_SOFTWARE
from angarium.service.life.notify import Notifier
from angarium.service.life.server_life import ServerLife
from angarium.service.life.single import serve_single
from angarium.service.life.supervisor import supervise
from angarium.service.role_table import ROLES, RoleTable
from angarium.telemetry.log import log


def serve(file: Path, *, single: bool, table: RoleTable = ROLES) -> int:
    """Serve until told to stop. Raises ConfigError, StartError."""
    config = load(file)
    slots = table.single_slots(config) if single else table.slots(config)
    life = ServerLife(table, slots, config, file, Notifier.from_environment())
    if single:
        if not serve_single(life):
            return EX_SOFTWARE
    else:
        asyncio.run(supervise(life))
    log("stopped")
    return EX_OK
