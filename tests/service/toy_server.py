"""A server with roles of its own: ``python -m tests.service.toy_server serve --config FILE [--single]``."""

import sys
from pathlib import Path

from angarium.config.schema import Config
from angarium.service.role_table import Reads, RoleSpec, RoleTable
from angarium.service.runtime import Runtime
from angarium.service.serve import serve
from angarium.telemetry.log import log


async def run_toy(runtime: Runtime) -> None:
    async def reload(config: Config) -> None:
        if len(config.route) > 1:
            raise ValueError("a toy takes one route")
        log("toy_routes", slot=runtime.slot.name, via=config.route[0].via)

    runtime.on_reload(reload)
    log("toy_started", slot=runtime.slot.name, mx_hosts=runtime.config.dns.mx_hosts)
    runtime.ready(lambda: ())
    await runtime.stop.wait()
    log("toy_stopped", slot=runtime.slot.name)


READS = Reads(live=("route",), at_start=("dns",))
RUN = "tests.service.toy_server:run_toy"
TABLE = RoleTable(
    (
        RoleSpec(name="front", run=RUN, count=lambda _: 1, reads=READS, drains_after=("back",)),
        RoleSpec(name="back", run=RUN, count=lambda _: 2, reads=Reads(live=("route",))),
    )
)

if __name__ == "__main__":
    file = Path(sys.argv[sys.argv.index("--config") + 1])
    sys.exit(serve(file, single="--single" in sys.argv, table=TABLE))
