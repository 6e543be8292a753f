"""Mirrors angarium/host/sandbox.py: what a sealed process can do, tried by one."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

TRIED = """
import ctypes, json, os, socket, subprocess, sys, threading
from angarium.host.sandbox import leave_parent, seal

readable, writable, threads = sys.argv[1], sys.argv[2] or None, sys.argv[3] == "threads"
leave_parent(os.getppid())
lacking = seal((readable,), writable=writable, threads=threads)
found = {"lacking": lacking}

def attempt(name, act):
    try:
        found[name] = act() or "done"
    except BaseException as error:
        found[name] = type(error).__name__

def begin_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()

attempt("read", lambda: open(readable).read())
attempt("read beside", lambda: open(readable + ".other").read())
attempt("list", lambda: os.listdir(os.path.dirname(readable)))
attempt("read passwd", lambda: open("/etc/passwd").read())
attempt("read /proc", lambda: open("/proc/self/environ").read())
attempt("write over", lambda: open(readable, "w").close())
attempt("write", lambda: open(os.path.join(sys.argv[4], "made"), "w").close())
attempt("write elsewhere", lambda: open("/tmp/angarium-sandbox-test", "w").close())
attempt("socket", lambda: socket.socket() and "open")
attempt("unix socket", lambda: socket.socket(socket.AF_UNIX) and "open")
attempt("fork", lambda: os.fork())
attempt("program", lambda: subprocess.run(["/bin/true"]))
attempt("kill", lambda: os.kill(os.getppid(), 0))
attempt("thread", begin_thread)
print(json.dumps(found))
"""


def tried(folder: Path, *, writable: bool, threads: bool) -> dict[str, object]:
    place = folder / "place"
    place.mkdir()
    (folder / "file").write_text("mine")
    (folder / "file.other").write_text("another's")
    done = subprocess.run(
        [
            *(sys.executable, "-c", TRIED, str(folder / "file"), str(place) if writable else ""),
            *("threads" if threads else "", str(place)),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    if found["lacking"]:
        pytest.skip(f"this kernel has no {found['lacking']}")
    return found


NEVER = (
    "read beside",
    "list",
    "read passwd",
    "read /proc",
    "write over",
    "write elsewhere",
    "socket",
)
NEVER += ("unix socket", "fork", "program", "kill")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter is known")
@pytest.mark.parametrize("threads", [False, True], ids=["without-threads", "with-threads"])
@pytest.mark.parametrize("writable", [False, True], ids=["nothing-written", "one-folder"])
def test_a_sealed_process_does_what_was_left_to_it(
    tmp_path: Path, writable: bool, threads: bool
) -> None:
    found = tried(tmp_path, writable=writable, threads=threads)
    assert found["read"] == "mine"
    assert {name: found[name] for name in NEVER} == dict.fromkeys(NEVER, "PermissionError")
    assert found["write"] == ("done" if writable else "PermissionError")
    assert found["thread"] == ("done" if threads else "RuntimeError")
