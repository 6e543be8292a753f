"""Becoming an unprivileged user for good, after the sockets are bound."""

import ctypes
import os
import signal
from typing import Final

from angarium.host.identity import Identity
from angarium.host.sysexits import EX_NOPERM, StartError

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522  # linux/capability.h


def drop(identity: Identity) -> None:
    """Become ``identity``. Afterwards there is no way back: proven, not assumed."""
    os.setgroups(list(identity.groups))
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    if identity.uid != 0:
        try:
            os.setuid(0)
        except PermissionError:
            return
        raise StartError("privileges could be taken back after they were dropped", EX_NOPERM)


def harden(parent_signal: signal.Signals | None) -> None:
    """No new privileges by exec, no capabilities for who is not root; optionally a signal when the parent dies.

    Call it after ``drop``, which clears that signal, and after the sockets are bound.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        # systemd gives CAP_NET_BIND_SERVICE to whom it starts; only the supervisor needs it, to bind anew.
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
            raise OSError(ctypes.get_errno(), "capset")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    if (
        parent_signal is not None
        and libc.prctl(_PR_SET_PDEATHSIG, int(parent_signal), 0, 0, 0) != 0
    ):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
