"""A role that writes down what environment it has, and ends."""

import json
import os
from pathlib import Path

from angarium.service.runtime import Runtime


async def run_telling(runtime: Runtime) -> None:
    told = Path(runtime.config.server.data_dir) / "environment.json"
    told.write_text(json.dumps(dict(os.environ)))
    await runtime.stop.wait()
