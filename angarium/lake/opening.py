"""Opens the lake for who writes it: makes what is not there, and puts right what a crash has left. Blocks.

Invariant LOP1: a file under a lake's name that the catalogue does not know was never counted, so it goes; but where
there is no catalogue, what is in the files counts, and where that is not all, somebody is asked first.
"""

from typing import Final

from angarium.lake.catalogue import Catalogue
from angarium.lake.compacting import KEPT_MS
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, translating
from angarium.lake.model import RebuildNeededError
from angarium.lake.rebuilding import Rebuilding
from angarium.lake.stocktaking import Stocktaking
from angarium.telemetry.log import log

NEEDS: Final = (
    "the lake has files and no catalogue, and {}: stop the server and run `postmaster lake rebuild`"
)


def begins_anew(folder: Folder) -> bool:
    """Whether no catalogue says anything yet. Raises LakeAwayError."""
    if not folder.has_catalogue:
        return True
    catalogue = Catalogue(folder.path)
    try:
        return not catalogue.eras()
    finally:
        catalogue.close()


def open_for_writing(folder: Folder, now_ms: int) -> tuple[Catalogue, Engine]:
    """Raises LakeAwayError; RebuildNeededError: it is the same the next time."""
    folder.make()
    engine = Engine(folder.unfinished())
    try:
        catalogue = Catalogue(folder.path, make=True)
    except BaseException:
        engine.close()
        raise
    try:
        with translating(folder.path), folder.rewriting():
            if not catalogue.eras():
                _adopt(folder, catalogue, now_ms)
            folder.clear_left(now_ms)
            known = {each.path for each in catalogue.files()}
            known |= {each.path for each in catalogue.gone()}
            known |= {each.path for each in catalogue.untouched()}
            for path in folder.names():
                if path not in known:  # LOP1
                    folder.remove(path)
            for file in catalogue.files():
                if not file.is_local:  # let go, and then we were killed
                    folder.remove(file.path)
    except BaseException:
        catalogue.close()
        engine.close()
        raise
    return catalogue, engine


def _adopt(folder: Folder, catalogue: Catalogue, now_ms: int) -> None:
    if not folder.names():
        return
    engine = Engine(folder.unfinished())
    try:
        rebuilding = Rebuilding(engine)
        Stocktaking(folder, engine, rebuilding).here()
        rebuilt = rebuilding.conclude()
    finally:
        engine.close()
    if not rebuilt.is_whole:  # LOP1
        raise RebuildNeededError(NEEDS.format("something of them is missing or cannot be read"))
    catalogue.adopt(rebuilt.found, now_ms, now_ms + KEPT_MS)
    log("lake_catalogue_made_anew", "warning", files=len(rebuilt.found.files))
