"""Mirrors bench/perf.py."""

import pytest

from bench.perf import Frame, place, read_samples

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
