"""Runs a script of tests/node with the vendors' own packages for Node; who has not installed them skips."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "node"
_NODE = shutil.which("node")
needs_node = pytest.mark.skipif(
    _NODE is None or not (FOLDER / "node_modules").is_dir(),
    reason="needs node, and npm ci in tests/node",
)


def octets(content: bytes) -> dict[str, str]:
    """As the scripts take octets in JSON."""
    return {"$octets": base64.b64encode(content).decode()}


def run_node(script: str, **given: Any) -> Any:
    """Return the JSON that it writes."""
    assert _NODE is not None
    done = subprocess.run(
        [_NODE, script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=FOLDER,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
