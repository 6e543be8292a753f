"""A directory of the server's and what is in it, reached by descriptors: never through a link that was put there (L1).

Who took over the service user can put a link where root opens, makes, changes or gives away a file next. So each name
is looked up below a descriptor, without following links, and what was opened is looked at before anything is done.
Blocks for microseconds; ``give_tree`` and ``remove_tree`` for as long as the tree is large.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final, Self

from angarium.host.identity import Identity

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A pipe is not waited for, a terminal does not become ours
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class ForeignFileError(OSError):
    """What stands there is no plain file or directory of the expected owner. Nothing was done to it."""


class Directory:
    """``with Directory(data_dir, "run", "admin") as directory``: each name below ``top`` is a directory, not a link.

    Entering raises OSError (FileNotFoundError, PermissionError, NotADirectoryError for a link).
    """

    def __init__(self, top: Path, *below: str, make: bool = False) -> None:
        self.path: Final = top.joinpath(*below)
        self._top = top
        self._below = below
        self._make = make
        self.fd = -1

    def __enter__(self) -> Self:
        fd = os.open(self._top, _DIRECTORY)  # the operator's own path: links in it are theirs
        for name in self._below:
            try:
                if self._make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=fd)
                below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            except OSError as error:
                error.filename = str(self.path)
                raise
            finally:
                os.close(fd)
            fd = below
        self.fd = fd
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def owner(self) -> int:
        return os.fstat(self.fd).st_uid

    def names(self) -> list[str]:
        with os.scandir(self.fd) as entries:
            return sorted(each.name for each in entries)

    def open(self, name: str, flags: int = os.O_RDONLY, owners: Collection[int] = ()) -> int:
        """Return a descriptor of a plain file that has one name only; made (O_CREAT) with mode 0600.

        ``owners``: whose it may be; empty: anybody's. Raises OSError, also for a link, a pipe or another's file.
        """
        try:
            fd = os.open(name, flags | _FILE, 0o600, dir_fd=self.fd)
        except OSError as error:
            error.filename = str(self.path / name)
            raise
        found = os.fstat(fd)
        is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if not is_plain or (owners and found.st_uid not in owners):
            os.close(fd)
            raise self._foreign(name)
        return fd

    def remove(self, name: str) -> None:
        """Remove a name that is no directory; where it leads nothing happens."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    def remove_tree(self, name: str) -> None:
        """Remove a directory with all that is in it; of a link, the link only. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(name, dir_fd=self.fd)  # by descriptors, too
            else:
                self.remove(name)

    def give(self, identity: Identity) -> None:
        """Make it the identity's, which it may be already. Raises OSError: it is somebody else's."""
        if self.owner() not in (os.geteuid(), identity.uid):
            raise self._foreign("")
        os.fchown(self.fd, identity.uid, identity.gid)

    def give_tree(self, identity: Identity) -> None:
        """Make it the identity's with the plain files and directories in it; files with a second name are left alone.

        The second name may be one of somebody else's file, which its owner could not have opened.
        """
        os.fchown(self.fd, identity.uid, identity.gid)
        wanted = (identity.uid, identity.gid)
        for _, directories, files, fd in os.fwalk(".", dir_fd=self.fd):
            for name in directories + files:
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if (found.st_uid, found.st_gid) != wanted and not stat.S_ISLNK(found.st_mode):
                    _give_entry(name, fd, identity)

    def _foreign(self, name: str) -> ForeignFileError:
        what = "is not a plain file or directory of the expected owner; look at it, and remove it"
        return ForeignFileError(None, what, str(self.path / name))


def _give_entry(name: str, fd: int, identity: Identity) -> None:
    try:
        entry = os.open(name, os.O_RDONLY | _FILE, dir_fd=fd)
    except OSError:
        return  # a link by now, or a socket: their makers put them there anew
    try:
        found = os.fstat(entry)
        is_file = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if is_file or stat.S_ISDIR(found.st_mode):
            os.fchown(entry, identity.uid, identity.gid)
    finally:
        os.close(entry)
