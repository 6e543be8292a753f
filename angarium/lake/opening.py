"""Opens the lake for who writes it: makes what is not there, and puts right what a crash has left. Blocks.

Invariant LOP1: a file under a lake's name that the catalogue does not know was never counted, so it goes; but where
there is no catalogue, what the names say counts.
"""

from collections.abc import Sequence

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine
from angarium.lake.folder import Folder, translating
from angarium.lake.model import Era, NewFile
from angarium.lake.naming import FileName, counting, read_name
from angarium.telemetry.log import log


def open_for_writing(folder: Folder, now_ms: int) -> tuple[Catalogue, Engine]:
    """Raises LakeAwayError."""
    folder.make()
    engine = Engine(folder.unfinished())
    is_new = not folder.has_catalogue
    catalogue = Catalogue(folder.path, make=True)
    try:
        with translating(folder.path), folder.rewriting():
            if is_new or not catalogue.eras():
                _adopt(folder, catalogue, engine, now_ms)
            folder.clear_left(now_ms)
            known = {each.path for each in catalogue.files()}
            known |= {each.path for each in catalogue.gone()}
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


def _adopt(folder: Folder, catalogue: Catalogue, engine: Engine, now_ms: int) -> None:
    found = [read_name(each) for each in folder.names()]
    names = counting([name for name in found if name is not None])
    if not names:
        return
    files = [_file(folder, engine, each) for each in names]
    catalogue.adopt(_eras(folder, engine, names, files), files, now_ms)
    log("lake_catalogue_made_anew", "warning", files=len(files))


def _file(folder: Folder, engine: Engine, name: FileName) -> NewFile:
    path = folder.locate(name.path)
    tenants = engine.tenants([path])
    return NewFile(
        path=name.path,
        hour=name.hour,
        hours=name.hours,
        era=name.era,
        first=name.first,
        last=name.last,
        rows=sum(each[1] for each in tenants),
        octets=path.stat().st_size,
        tenant=tenants[0][0] if len(tenants) == 1 else None,
        revision=name.revision,
        is_part=name.revision == 0,
    )


def _eras(
    folder: Folder, engine: Engine, names: Sequence[FileName], files: Sequence[NewFile]
) -> list[Era]:
    """What is not in files any more is taken for let go: nothing says it."""
    eras: list[Era] = []
    for number in sorted({each.era for each in names}):
        mine = [each for each in files if each.era == number]
        start, position = min(each.first for each in mine) - 1, max(each.last for each in mine)
        eras.append(
            Era(
                id=number,
                queue=engine.queue_of(folder.locate(mine[0].path)),
                start=start,
                position=position,
                skipped=0,
                forgotten=position - start - sum(each.rows for each in mine),
            )
        )
    return eras
