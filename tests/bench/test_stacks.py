"""Mirrors bench/stacks.py and bench/sampler: what is measured must be what runs, and called by its right name."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.sampler import sitecustomize
from bench.stacks import EVENT_LOOP, PARTS, STANDARD_LIBRARY, part_of, read_stacks

PACKAGE = Path(__file__).parents[2] / "angarium"
SAMPLES = """\
Stack (most recent call first):
  File "/srv/angarium/smtp/address.py", line 12 in split_path
  File "/srv/angarium/smtp/server/session.py", line ??? in _rcpt
  File "/srv/angarium/smtp_in/connection.py", line 99 in data_received
  File "/usr/lib/python3.11/asyncio/runners.py", line 118 in run
  File "/srv/angarium/service/role.py", line 105 in _run
Stack (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
Stack (most recent call first):
  File "/srv/angarium/mta/transport/peer.py", line 7 in <listcomp>
"""
# Burns processor time in the main thread, then in another one, under names of its own.
BURNER = """
import threading, time

def burn_here():
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass

def burn_there():
    burn_here()

burn_here()
thread = threading.Thread(target=burn_there)
thread.start()
thread.join()
"""


def test_samples_are_read_as_our_frames_innermost_first() -> None:
    assert list(read_stacks(SAMPLES)) == [
        (
            "smtp/address:split_path",
            "smtp/server/session:_rcpt",
            "smtp_in/connection:data_received",
            "service/role:_run",
        ),
        (),
        ("mta/transport/peer:<listcomp>",),
    ]


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        (("smtp/address:split_path", "smtp/server/session:_rcpt"), "ingress: SMTP session"),
        (("smtp/address:split_path", "smtp/client/session:_mail"), "delivery: SMTP session"),
        (("mta/transport/peer:_send", "mta/dispatcher:x"), "delivery: writing to the socket"),
        (("mta/transport/peer:data_received",), "delivery: SMTP session"),
        (
            ("queue/lmdb/transaction:put", "queue/lmdb/accepting:apply"),
            "queue: writing what is accepted",
        ),
        (("mta/unheard/of:x", "service/role:_run"), "delivery: turns, connections"),
        (("service/role:_run", "service/role:main"), EVENT_LOOP),
        ((), STANDARD_LIBRARY),
    ],
)
def test_the_innermost_frame_that_has_a_part_decides(stack: tuple[str, ...], part: str) -> None:
    assert part_of(stack) == part


@pytest.mark.parametrize("name", [name for names in PARTS.values() for name in names])
def test_each_part_is_of_code_that_exists(name: str) -> None:
    place, _, function = name.partition(":")
    module = PACKAGE / f"{place}.py"
    assert module.exists() or (PACKAGE / place / "__init__.py").exists()
    if function:
        nodes = ast.walk(ast.parse(module.read_text()))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert function in [node.name for node in nodes if isinstance(node, functions)]


def test_the_sampler_sees_what_each_thread_runs(tmp_path: Path) -> None:
    script = tmp_path / "angarium" / "demo" / "burner.py"
    script.parent.mkdir(parents=True)
    script.write_text(BURNER)
    folder = Path(sitecustomize.__file__).parent
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(folder), sitecustomize.FOLDER: str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0
    [file] = tmp_path.glob("*.samples")
    stacks = list(read_stacks(file.read_text()))
    here = [stack for stack in stacks if stack[:1] == ("demo/burner:burn_here",)]
    there = [stack for stack in here if "demo/burner:burn_there" in stack]
    # 30 each at 100 ticks a second; a machine shared with others loses many of them, in either thread.
    assert len(there) >= 5
    assert len(here) - len(there) >= 5
