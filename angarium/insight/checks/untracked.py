"""Checks whether mail that is to be tracked has a host for its links, by what was published of tenants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.config.tracking_check import wants_tracking
from angarium.insight.checks.finding import Evidence, Finding
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.snapshot import SnapshotData
from angarium.tenancy.snapshot_file import FILE_NAME, read_snapshot

NAME: Final = "tracking"
_SHOWN: Final = 10  # tenants in a sentence


def check_untracked(config: Config) -> Iterator[Finding]:
    """Name the tenants whose mail is not tracked, though the configuration has it tracked: they have no host."""
    if not config.tracks or config.tracking.host is not None or not wants_tracking(config):
        return
    try:
        data = read_snapshot(Path(config.server.data_dir) / FILE_NAME)
    except TenancySetupError:
        return  # others say so
    lacking = sorted(_without_host(data))
    if not lacking:
        return
    names = ", ".join(lacking[:_SHOWN])
    if len(lacking) > _SHOWN:
        names += f" and {len(lacking) - _SHOWN} more"
    found = f"opens or clicks are on, and mail of these tenants is not tracked: {names}"
    remedy = (
        "give tracking.host, or each a verified host of its own: `postmaster tracking-host add`"
    )
    evidence = Evidence(
        subject=NAME, expected="a host for links in mail of each tenant", found=found, remedy=remedy
    )
    yield Finding(NAME, "warn", f"{found}: {remedy}", evidence)


def _without_host(data: SnapshotData) -> set[str]:
    hosts = {each.tenant for each in data.tracking_hosts if each.state == "verified"}
    wanted = {each.name for each in data.tenants if each.tracking != "none"}
    return wanted - hosts
