"""How a process comes to know what was published of the platform: it looks."""

import asyncio
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.tenancy import SnapshotFile

FOLLOW_S: Final = 0.2  # ours: a change is in force within a second


async def follow(snapshots: SnapshotFile) -> None:
    """Look for what was published until cancelled: some microseconds each time."""
    while True:
        snapshots.refresh()
        await asyncio.sleep(FOLLOW_S)


def snapshots_of(config: Config) -> SnapshotFile:
    """Raises TenancySetupError."""
    return SnapshotFile(Path(config.server.data_dir))
