"""Runs the scripts of tests/node, which let the vendors' own packages for Node do what a test asks in JSON."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "node"


def run_node(script: str, **given: Any) -> list[Any]:
    """Return what it printed. Skips the test where node, or what npm ci installs, is not there."""
    program = shutil.which("node")
    if program is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("node, or what npm ci installs in tests/node, is not there")
    done = subprocess.run(
        [program, FOLDER / script],
        input=json.dumps(given).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return list(json.loads(done.stdout))


def octets(content: bytes) -> dict[str, str]:
    """As ``revived`` of the scripts takes octets."""
    return {"$octets": base64.b64encode(content).decode()}
