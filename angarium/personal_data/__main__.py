"""What the HTTP API starts for one person's data: a process of its own, which may take as long as it takes.

It reads one request (JSON) from standard input, and writes the report, or the ZIP file, to standard output. What went
wrong is a line on standard error, and the exit code is 1.
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import Literal

import msgspec

from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.personal_data.desk import PersonDesk
from angarium.personal_data.opening import opened_stores
from angarium.personal_data.store import StoreAwayError
from angarium.queue.spool import QueueError
from angarium.queue.wall_clock import wall_clock
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.platform import Platform


class Request(msgspec.Struct, frozen=True, kw_only=True):
    config: Config
    act: Literal["export", "erase", "look"]
    address: str
    tenant: str | None
    actor: str
    reason: str = ""


def main() -> int:
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        _answer(request)
    except (StoreAwayError, QueueError, TenancySetupError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _answer(request: Request) -> None:
    config = request.config
    with (
        acting_as_owner(Path(config.server.data_dir)),
        Platform.open(config, actor=request.actor) as platform,
        opened_stores(config, platform, wall_clock) as stores,
    ):
        desk = PersonDesk(
            config, stores, platform, wall_clock, tenant=request.tenant, actor=request.actor
        )
        if request.act == "export":
            with (
                io.FileIO(sys.stdout.fileno(), "r+b", closefd=False) as file,
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
            ):
                desk.export(request.address, archive)
            return
        report = desk.erase(request.address, request.reason, dry_run=request.act == "look")
        sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    sys.exit(main())
