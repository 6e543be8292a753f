"""Runs a question in a process of its own, and ends it when its time is over. Blocks, in a thread that stays."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from angarium.lake.asking.question import Given, Problem, Said, encode, read_said

# No site, no environment, no bytecode written: what it imports is found where we found it
_COMMAND: Final = (
    "import sys; sys.path[:0] = sys.argv[3:]; "
    "from angarium.lake.asking.child import main; main(int(sys.argv[1]), int(sys.argv[2]), sys.path)"
)
_TOP: Final = str(Path(__file__).parents[3])
# Ours: a process that is interrupted and says nothing is ended so much later; on a busy machine it begins slowly
_START_S: Final = 10.0
_PIECE: Final = 1 << 16
_CRASHED: Final = frozenset({signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS})


def run(given: Given) -> Said:
    """Return what the process said, or what it died of. Raises OSError: it could not be begun."""
    fd = os.memfd_create("lake-question", 0)
    try:
        octets = memoryview(encode(given))
        while octets:
            octets = octets[os.write(fd, octets) :]
        os.lseek(fd, 0, os.SEEK_SET)
        process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            [
                *(sys.executable, "-I", "-S", "-B", "-c", _COMMAND),
                *(str(fd), str(os.getpid()), _TOP, *filter(None, sys.path)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(fd,),
            env={},
            start_new_session=True,  # a terminal's ^C is for the command
        )
    finally:
        os.close(fd)
    try:
        said = _read(process, given)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    return said


def _read(process: "subprocess.Popen[bytes]", given: Given) -> Said:
    assert process.stdout is not None
    out = process.stdout.fileno()
    waiting = select.poll()  # select() knows descriptors below 1,024 only
    waiting.register(out, select.POLLIN)
    deadline = time.monotonic() + given.bounds.seconds + _START_S
    heard = bytearray()
    # Its own frame, and names of columns
    longest = given.bounds.octets + (1 << 20)
    while (left := deadline - time.monotonic()) > 0:
        if not waiting.poll(left * 1000):
            break
        piece = os.read(out, _PIECE)
        if not piece:
            return _understood(process, bytes(heard), given)
        heard += piece
        if len(heard) > longest:
            return Problem(kind="away", text="its process said too much, and was ended")
    return Problem(kind="time", text=f"it took longer than {given.bounds.seconds:g} s")


def _understood(process: "subprocess.Popen[bytes]", heard: bytes, given: Given) -> Said:
    try:
        return read_said(heard)
    except msgspec.DecodeError:
        pass
    status = process.wait(timeout=_START_S)
    if -status == signal.SIGXCPU:
        return Problem(kind="time", text=f"it took longer than {given.bounds.seconds:g} s")
    if -status in _CRASHED or status == 0:
        text = f"its process ended ({status}): it needs more memory than it may have"
        return Problem(kind="memory", text=text)
    return Problem(
        kind="away", text=f"its process ended with status {status}: is duckdb installed?"
    )
