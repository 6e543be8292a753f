"""Becoming an unprivileged user for good, after the sockets are bound."""

import ctypes
import grp
import os
import pwd
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from angarium.config.schema import Server
from angarium.service.sysexits import EX_CONFIG, EX_NOPERM, StartError

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522  # linux/capability.h


class Identity(msgspec.Struct, frozen=True):
    uid: int
    gid: int
    groups: tuple[int, ...]


def find_identity(server: Server) -> Identity | None:
    """Return whom to become; None: stay who we are. Raises StartError when that cannot be."""
    if server.user is None:
        return None
    try:
        user = pwd.getpwnam(server.user)
    except KeyError:
        raise StartError(
            f"server.user: there is no user {server.user!r}; make it with"
            f" `useradd --system --no-create-home {server.user}`",
            EX_CONFIG,
        ) from None
    gid = user.pw_gid
    if server.group is not None:
        try:
            gid = grp.getgrnam(server.group).gr_gid
        except KeyError:
            raise StartError(
                f"server.group: there is no group {server.group!r}", EX_CONFIG
            ) from None
    if os.geteuid() != 0:
        if os.geteuid() == user.pw_uid:
            return None
        raise StartError(
            f"server.user is {server.user!r} but the server was not started as root; start it as"
            " root or as that user, or remove server.user",
            EX_NOPERM,
        )
    return Identity(user.pw_uid, gid, tuple(os.getgrouplist(server.user, gid)))


def refuse_closed_paths(identity: Identity, data_dir: Path) -> None:
    """See that the identity will reach its data and its Python: imports go on after privileges are dropped.

    Raises StartError that names the directory which is closed to it.
    """
    for path, advice in (
        (data_dir, "choose another server.data_dir, or open the directory with chmod o+x"),
        (Path(sys.prefix), "install Angarium where that user may read it, as in /opt"),
        (Path(os.__file__).parent, "use a Python that every user may read, as /usr/bin/python3"),
        (Path(__file__).parent, "install Angarium where that user may read it, as in /opt"),
    ):
        closed = next((each for each in path.parents if not _may_pass(each, identity)), None)
        if closed is not None:
            raise StartError(
                f"server.user may not enter {closed}, which is needed for {path}: {advice}",
                EX_NOPERM,
            )


def _may_pass(directory: Path, identity: Identity) -> bool:
    try:
        found = directory.stat()
    except FileNotFoundError:
        return True  # made later, by us
    if identity.uid in (0, found.st_uid):
        return bool(found.st_mode & 0o100) or identity.uid == 0
    if found.st_gid in (identity.gid, *identity.groups):
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)


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


def give(directory: Path, identity: Identity) -> None:
    """Make a tree of ours the identity's. Links are not followed and hard links not touched.

    The user owns the tree and could have put there a link to a file of somebody else.
    """
    os.chown(directory, identity.uid, identity.gid)
    for _, names, files, fd in os.fwalk(directory, follow_symlinks=False):
        for name in names + files:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            is_ours = found.st_uid == identity.uid and found.st_gid == identity.gid
            if not is_ours and (name in names or found.st_nlink == 1):
                os.chown(name, identity.uid, identity.gid, dir_fd=fd, follow_symlinks=False)
