"""Mirrors bench/perf.py."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import PeerAbsent
from bench.perf import Frame, Perf, place, read_samples

KERNEL = "[kernel.kallsyms]"
SCRIPT = """\
\tffffffff8206cdcb tcp_send_mss ([kernel.kallsyms])
\tffffffff81000130 entry_SYSCALL_64_after_hwframe ([kernel.kallsyms])
\t           f838f __GI___libc_write (/usr/lib/x86_64-linux-gnu/libc.so.6)

\t          12c377 _PyEval_EvalFrameDefault (/usr/bin/python3.11)
\t    7f6e4195a7c0 [unknown] ([unknown])

"""


def test_the_samples_of_perf_script_are_read_innermost_first() -> None:
    assert list(read_samples(SCRIPT)) == [
        [
            ("tcp_send_mss", KERNEL),
            ("entry_SYSCALL_64_after_hwframe", KERNEL),
            ("__GI___libc_write", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        ],
        [("_PyEval_EvalFrameDefault", "/usr/bin/python3.11"), ("[unknown]", "[unknown]")],
    ]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([("_PyEval_EvalFrameDefault", "/usr/bin/python3.11")], "python3"),
        ([("memcpy", "/usr/lib/x86_64-linux-gnu/libc.so.6")], "libc"),
        (
            [("mdb_get", "/x/site-packages/lmdb/cpython.cpython-311-x86_64-linux-gnu.so")],
            "lmdb/cpython",
        ),
        ([("tcp_ack", KERNEL), ("__GI___libc_write", "/lib/libc.so.6")], "kernel: write"),
        ([("do_futex", KERNEL), ("sem_post@GLIBC_2.2.5", "/lib/libc.so.6")], "kernel: sem_post"),
        (
            [("clear_page", KERNEL), ("asm_exc_page_fault", KERNEL), ("f", "/bin/x")],
            "kernel: page faults",
        ),
        (
            [("tick", KERNEL), ("asm_sysvec_apic_timer_interrupt", KERNEL), ("f", "/bin/x")],
            "kernel: interrupts",
        ),
        ([("schedule", KERNEL)], "kernel: other"),
    ],
)
def test_a_sample_counts_for_its_binary_or_for_its_system_call(
    frames: list[Frame], expected: str
) -> None:
    assert place(frames) == expected


@pytest.mark.skipif(shutil.which("perf") is None, reason="perf is absent (apt install linux-perf)")
def test_perf_counts_from_the_first_moment_of_the_block(tmp_path: Path) -> None:
    burner = "import sys; sys.stdin.readline(); sum(range(9_000_000)); print(flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", burner + "; sys.stdin.readline()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        perf = Perf([process.pid], tmp_path / "perf.data")
        try:
            with perf:
                process.stdin.write(b"go\n")
                process.stdin.flush()
                process.stdout.readline()
        except PeerAbsent as e:
            pytest.skip(str(e))  # a sandbox that forbids it
        finally:
            process.stdin.close()
    assert perf.shares()["python3"] > 0.5
    assert sum(perf.shares().values()) == pytest.approx(1)
