"""Root as the owner of the directory that it works in: what that user put there leads no further than they can go."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def acting_as_owner(path: Path) -> Iterator[None]:
    """Within the block root is the owner of ``path``, a path of the operator's; others stay who they are.

    A link planted below it is then no way to root's files (L1), and files that are made, as LMDB's beside its data,
    are not root's, which would keep a server that is not root from ever opening them.
    """
    try:
        owner = path.stat()
    except OSError:
        yield  # whoever opens it says so
        return
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([owner.st_gid])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)
