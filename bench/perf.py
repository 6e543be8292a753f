"""``perf`` from outside: which share of processor time is the interpreter, each C library, each system call.

Samples by a clock, not by the processor's counters, which virtual machines often lack. Python's functions it does not
see (that needs Python 3.12 or later): bench/stacks.py does.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from bench.errors import BenchError, PeerAbsent

# Odd, so that it does not run in step with what the system does.
_PER_S: Final = 997
# "  ffffffff8206e58b tcp_sendmsg ([kernel.kallsyms])"
_FRAME: Final = re.compile(r"^\s+[0-9a-f]+ (.*) \((.*)\)$", re.MULTILINE)
_KERNEL: Final = "[kernel.kallsyms]"
_ENTRIES: Final = {"asm_exc_page_fault": "page faults"}

Frame = tuple[str, str]  # function, binary


class Perf:
    """Records while the block runs. Raises PeerAbsent where there is no perf, or it may not look."""

    def __init__(self, pids: Sequence[int], file: Path) -> None:
        program = shutil.which("perf")
        if program is None:
            raise PeerAbsent("perf is not installed")
        self._program = program
        self._file = file
        self._command = [program, "record", "-q", "-e", "cpu-clock", "-F", str(_PER_S), "-g"]
        self._command += ["-p", ",".join(map(str, pids)), "-o", str(file)]
        self._process: subprocess.Popen[bytes]
        self._ours: tuple[int, ...] = ()

    def __enter__(self) -> "Perf":
        told, tell = os.pipe()
        listen, answer = os.pipe()
        self._ours = (tell, listen)  # perf ends badly when they are closed before it
        # To attach takes it a while: it begins to count when it is told to, and says when it has begun.
        control = ["-D", "-1", f"--control=fd:{told},{answer}"]
        self._process = subprocess.Popen(
            [*self._command, *control], stderr=subprocess.PIPE, pass_fds=(told, answer)
        )
        os.close(told)
        os.close(answer)
        with contextlib.suppress(BrokenPipeError):  # it has ended: no answer follows
            os.write(tell, b"enable\n")
        if not os.read(listen, 64):
            raise PeerAbsent(f"perf: {self._end()[-300:] or 'it may not look here'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        self._end()

    def _end(self) -> str:
        _, said = self._process.communicate(timeout=60)
        for each in self._ours:
            os.close(each)
        return said.decode(errors="replace").strip()

    def shares(self) -> dict[str, float]:
        """Return the share of each place, the largest first."""
        done = subprocess.run(
            [self._program, "script", "-i", str(self._file), "-F", "ip,sym,dso"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise BenchError(f"perf script failed: {done.stderr[-500:]}")
        places = Counter(map(place, read_samples(done.stdout)))
        samples = max(1, places.total())
        return {name: count / samples for name, count in places.most_common()}


def read_samples(text: str) -> Iterator[list[Frame]]:
    """Yield the frames of each sample, innermost first, by the output of ``perf script -F ip,sym,dso``."""
    for paragraph in text.split("\n\n"):
        if frames := _FRAME.findall(paragraph):
            yield frames


def place(frames: Sequence[Frame]) -> str:
    """Return where a sample was: a binary's name, or in the kernel and for which system call.

    The call is named after the C library's function that made it.
    """
    binary = frames[0][1]
    if binary != _KERNEL:
        return _short(Path(binary))
    for function, binary in frames:
        if binary != _KERNEL:
            return f"kernel: {_call(function)}"
        if function in _ENTRIES:
            return f"kernel: {_ENTRIES[function]}"
        if function.startswith("asm_sysvec_"):
            return "kernel: interrupts"
    return "kernel: other"


def _short(binary: Path) -> str:
    """Return "lmdb/cpython" for an extension in a package, "libc" for a library."""
    name = binary.name.partition(".")[0]
    return f"{binary.parent.name}/{name}" if "site-packages" in binary.parts else name


def _call(function: str) -> str:
    """Return "read" for "__GI___libc_read", "sem_post" for "sem_post@GLIBC_2.2.5"."""
    name = function.partition("@")[0].removeprefix("__GI_").removeprefix("__libc_")
    return name.lstrip("_")
