"""Whom the server becomes, and whether that user reaches what it needs. Changes nothing."""

import grp
import os
import pwd
import sys
from pathlib import Path

import msgspec

from angarium.config.schema import Server
from angarium.host.sysexits import EX_CONFIG, EX_NOPERM, StartError


class Identity(msgspec.Struct, frozen=True, kw_only=True):
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
    return Identity(uid=user.pw_uid, gid=gid, groups=tuple(os.getgrouplist(server.user, gid)))


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
