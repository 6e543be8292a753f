"""Taking system calls and the file system away from a process, as far as its kernel can: seccomp and Landlock.

What is left: reading what is beneath some folders. No socket, no other process, no program, nothing written. For who
is broken out of an engine; a template that only misbehaves never gets here.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from typing import Final

_PR_SET_SECCOMP: Final = 22  # linux/prctl.h
_SECCOMP_MODE_FILTER: Final = 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW: Final = 0x7FFF0000  # linux/seccomp.h
_REFUSE: Final = 0x00050000 | errno.EPERM
_X32: Final = 0x40000000  # calls of a second kind that x86-64 has

# By machine: its number in linux/audit.h, and the numbers of calls that begin a socket, a process, a program, or
# that reach into another process: socket, clone, fork, vfork, execve, kill, ptrace, process_vm_readv,
# process_vm_writev, execveat, io_uring_setup, clone3, in the order of asm/unistd.h
_CALLS: Final = {
    "x86_64": (0xC000003E, (41, 56, 57, 58, 59, 62, 101, 310, 311, 322, 425, 435)),
    "aarch64": (0xC00000B7, (198, 220, 221, 129, 117, 270, 271, 281, 425, 435)),
}

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # of every machine
_PATH_BENEATH: Final = 1  # linux/landlock.h
_READ: Final = (1 << 2) | (1 << 3)  # files, and the names in folders
_EVERYTHING: Final = (1 << 13) - 1  # that the first version of Landlock knows


def seal(folders: Iterable[str]) -> tuple[str, ...]:
    """Leave nothing but reading beneath the folders; returns the names of what this kernel could not do.

    Needs PR_SET_NO_NEW_PRIVS, and one process without threads.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    lacking = []
    if not _restrict_files(libc, folders):
        lacking.append("landlock")
    if not _filter_calls(libc):
        lacking.append("seccomp")
    return tuple(lacking)


def _restrict_files(libc: ctypes.CDLL, folders: Iterable[str]) -> bool:
    handled = ctypes.create_string_buffer(struct.pack("=Q", _EVERYTHING), 8)
    ruleset = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    try:
        for folder in folders:
            _allow_reading(libc, ruleset, folder)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow_reading(libc: ctypes.CDLL, ruleset: int, folder: str) -> None:
    """Does nothing for what is no folder."""
    try:
        fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = ctypes.create_string_buffer(struct.pack("=Qi", _READ, fd), 12)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    found = _CALLS.get(platform.machine())
    if found is None:
        return False
    machine, calls = found
    lines = len(calls)
    program = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 0, lines + 3, machine),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
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
