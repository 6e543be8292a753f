"""A server whose only role cannot start yet: ``python -m tests.service.failing_server serve --config FILE``."""

import sys
from pathlib import Path

from angarium.host.sysexits import EX_TEMPFAIL, StartError
from angarium.service.role_table import Reads, RoleSpec, RoleTable
from angarium.service.runtime import Runtime
from angarium.service.serve import serve
from angarium.telemetry.log import log


async def run_toy(runtime: Runtime) -> None:
    tries = runtime.data_dir.path / "tries"
    count = len(tries.read_text()) + 1 if tries.exists() else 1
    tries.write_text("x" * count)
    log("toy_failing", count=count)
    raise StartError("not yet", EX_TEMPFAIL)


RUN = "tests.service.failing_server:run_toy"
TABLE = RoleTable((RoleSpec(name="toy", run=RUN, count=lambda _: 1, reads=Reads()),))

if __name__ == "__main__":
    file = Path(sys.argv[sys.argv.index("--config") + 1])
    sys.exit(serve(file, single=False, table=TABLE))
