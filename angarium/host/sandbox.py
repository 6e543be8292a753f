"""Taking system calls and the file system away from a process, as far as its kernel can: seccomp and Landlock.

What is left: reading some files, and what is beneath some folders. No socket, no other process, no program, nothing
written but beneath one folder, where there is one. For who is broken out of an engine; what only misbehaves never gets
here.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
_ALLOW: Final = 0x7FFF0000  # linux/seccomp.h
_REFUSE: Final = 0x00050000 | errno.EPERM
_NOT_THERE: Final = 0x00050000 | errno.ENOSYS
_CLONE_THREAD: Final = 0x10000  # linux/sched.h
_X32: Final = 0x40000000  # calls of a second kind that x86-64 has

# By machine: its number in linux/audit.h, and the numbers of calls that begin a socket, a process, a program, or
# that reach into another process: socket, fork, vfork, execve, kill, ptrace, process_vm_readv, process_vm_writev,
# execveat, io_uring_setup, in the order of asm/unistd.h; and that of clone, which begins threads, too
_CALLS: Final = {
    "x86_64": (0xC000003E, (41, 57, 58, 59, 62, 101, 310, 311, 322, 425), 56),
    "aarch64": (0xC00000B7, (198, 221, 129, 117, 270, 271, 281, 425), 220),
}
_CLONE3: Final = 435  # of every machine; what it is to do cannot be seen by a filter

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # of every machine
_PATH_BENEATH: Final = 1  # linux/landlock.h
_READ: Final = (1 << 2) | (1 << 3)  # files, and the names in folders
_READ_FILE: Final = 1 << 2
_WRITE: Final = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 5) | (1 << 8)  # and read, remove, make files
_EVERYTHING: Final = (1 << 13) - 1  # that the first version of Landlock knows


def leave_parent(parent: int) -> None:
    """End with the parent, whose process id it is, get no new rights, and be read by nobody.

    Raises OSError, EOFError: the parent is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        raise EOFError  # it died before the line above
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, _PR_SET_DUMPABLE, 0)  # no core, and others of the same user cannot read it


def limit(which: int, value: int) -> None:
    """Never above what it is already, as an operator may have set it."""
    hard = resource.getrlimit(which)[1]
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (least, least))


def seal(
    readable: Iterable[str], *, writable: str | None = None, threads: bool = False
) -> tuple[str, ...]:
    """Leave nothing but reading files and beneath folders, and writing beneath one folder.

    Returns the names of what this kernel could not do.

    ``threads``: they may still be begun. Needs ``leave_parent``, and one process without threads.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    lacking = []
    if not _restrict_files(libc, readable, writable):
        lacking.append("landlock")
    if not _filter_calls(libc, threads=threads):
        lacking.append("seccomp")
    return tuple(lacking)


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def _restrict_files(libc: ctypes.CDLL, readable: Iterable[str], writable: str | None) -> bool:
    handled = ctypes.create_string_buffer(struct.pack("=Q", _EVERYTHING), 8)
    ruleset = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READ if Path(path).is_dir() else _READ_FILE)
        if writable is not None:
            _allow(libc, ruleset, writable, _WRITE)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Does nothing for what is not there."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd), 12)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)


def _filter_calls(libc: ctypes.CDLL, *, threads: bool) -> bool:
    found = _CALLS.get(platform.machine())
    if found is None:
        return False
    machine, calls, clone = found
    cloning = _thread_lines(clone) if threads else []
    calls = calls if threads else (*calls, clone, _CLONE3)
    lines = len(calls)
    program = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        *cloning,
        (_AT_LEAST, lines + 1, 0, _X32),
        *((_EQUAL, lines - at, 0, call) for at, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    octets = b"".join(struct.pack("=HBBI", *line) for line in program)
    code = ctypes.create_string_buffer(octets, len(octets))
    head = ctypes.create_string_buffer(
        struct.pack("@HP", len(program), ctypes.addressof(code)), struct.calcsize("@HP")
    )
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0) == 0)


def _thread_lines(clone: int) -> list[tuple[int, int, int, int]]:
    """Threads may be cloned, processes not. The C library clones where there is no clone3."""
    return [
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _NOT_THERE),
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, 16),  # seccomp_data.args[0], its lower half
        (_HAS, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
