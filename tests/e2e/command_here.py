"""The command line in the tests' own process: to start another one for each takes longer than what most of them do."""

import contextlib
import io
import sys
from pathlib import Path

from angarium.cli.main import run


def command_here(config: Path, *words: str, stdin: str = "") -> tuple[int, str]:
    """Return its exit code, and what it printed."""
    out = io.TextIOWrapper(io.BytesIO(), write_through=True)
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin.encode()))
    try:
        with contextlib.redirect_stdout(out):
            code = run(["-c", str(config), *words])
    finally:
        sys.stdin = before
    out.seek(0)
    return code, out.read()
