"""Whether LMDB's file may be mapped: a page that is missing behind its end would end the process by SIGBUS.

Reads with a descriptor of its own. Call it before LMDB opens the file: closing a descriptor of it afterwards would drop
LMDB's locks (lmdb.h, caveats).
"""

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from angarium.queue.lmdb.file.pages import Meta, PageError, Pages, read_meta
from angarium.queue.spool import DamagedQueueError

DATA_FILE: Final = "data.mdb"
LOCK_FILE: Final = "lock.mdb"
_TRIES: Final = 3  # a meta page that is being written may be read half


class CheckedPages(msgspec.Struct, frozen=True, kw_only=True):
    read: int  # pages
    faults: tuple[str, ...]


def has_file(path: Path) -> bool:
    """Whether there is a queue in directory ``path``. Raises DamagedQueueError: there was one."""
    if (path / DATA_FILE).exists():
        return True
    # LMDB makes it beside the data, which are whole by then
    if (path / LOCK_FILE).exists():
        raise damaged(path, f"{DATA_FILE} is gone, {LOCK_FILE} is still there")
    return False


def check_file(path: Path) -> None:
    """Raise DamagedQueueError unless every page that is in use is there. Costs two reads where nothing is wrong."""
    for left in reversed(range(_TRIES)):
        try:
            _check(path)
        except PageError as error:
            if not left:
                raise damaged(path, str(error)) from None
        else:
            return


def check_pages(path: Path) -> CheckedPages:
    """Read each page in use. Blocks for seconds per gigabyte. Nobody may write meanwhile, or a reader holds the pages.

    Raises DamagedQueueError, as ``check_file`` does.
    """
    check_file(path)
    fd = os.open(path / DATA_FILE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pages = Pages(fd, read_meta(fd))
        pages.check_all()
    finally:
        os.close(fd)
    return CheckedPages(read=pages.read, faults=tuple(pages.faults))


def read_newest_meta(fd: int) -> Meta:
    """The same as ``pages.read_meta`` while a server commits. Raises PageError."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(PageError):
            return read_meta(fd)
    return read_meta(fd)


def damaged(path: Path, what: str) -> DamagedQueueError:
    return DamagedQueueError(
        f"{path / DATA_FILE} is damaged: {what}. Nothing was changed. If there is a copy of this directory, as of a"
        " snapshot, put it back (what was delivered since is sent again); or begin anew with `postmaster queue new`,"
        " which keeps what is there under another name",
        what,
    )


def _check(path: Path) -> None:
    fd = os.open(path / DATA_FILE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not os.fstat(fd).st_size:
            raise PageError("it is empty")
        meta = read_meta(fd)
        octets = os.fstat(fd).st_size  # behind the meta page: the file may grow, and never shrinks
        there = octets // meta.page_octets
        missing = range(there, meta.last_page + 1)
        # Pages that a transaction took and gave back at once were never written, at the end of the file
        if missing and not set(Pages(fd, meta).free_pages()).issuperset(missing):
            needed = (meta.last_page + 1) * meta.page_octets
            raise PageError(f"it was cut short: {octets} octets are left of {needed}")
    finally:
        os.close(fd)
