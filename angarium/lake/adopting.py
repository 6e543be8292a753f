"""Has a catalogue say what was found in files, in one step. Blocks."""

import sqlite3
from pathlib import Path

from angarium.lake.catalogue import Catalogue
from angarium.lake.compacting import KEPT_MS
from angarium.lake.folder import Folder
from angarium.lake.model import Found, LakeAwayError


def adopt(folder: Folder, found: Found, now_ms: int) -> Path | None:
    """Whoever reads has the old catalogue until it is done, where one can be read; so it stays where this is killed.

    One that cannot be read is kept under another name, which is returned. ``folder``: its files are written anew by
    nobody else meanwhile. Durable on return. Raises LakeAwayError: also where it is of a newer version.
    """
    try:
        _adopt(folder, found, now_ms)
    except LakeAwayError as error:
        if not is_damaged(error):
            raise
    else:
        return None
    aside = folder.set_catalogue_aside()
    _adopt(folder, found, now_ms)
    return aside


def is_damaged(error: LakeAwayError) -> bool:
    """Whether SQLite says that the file is none of its own; not that it is busy, or the disk full."""
    return type(error.__cause__) is sqlite3.DatabaseError


def _adopt(folder: Folder, found: Found, now_ms: int) -> None:
    catalogue = Catalogue(folder.path, make=True)
    try:
        catalogue.adopt(found, now_ms, now_ms + KEPT_MS)
    finally:
        catalogue.close()
