"""Whether each event is in the lake exactly once, by reading all of its files that are here. Blocks."""

from collections.abc import Iterator

import msgspec

from angarium.lake.catalogue import Catalogue
from angarium.lake.engine import Engine, read_files
from angarium.lake.folder import Folder
from angarium.lake.model import Era, LakeFile


class VerifiedEra(msgspec.Struct, frozen=True, kw_only=True):
    """One queue's events."""

    era: int
    first: int  # sequence numbers: of the first event that came, and the last one
    last: int
    rows: int  # in files
    forgotten: int  # let go for their age
    skipped: int  # never came: given up; or lost with files
    coming: int  # the event log is to give them again
    repeated: int  # numbers that are in more than one row
    missing: int  # events of which nothing is known
    unread: int  # rows of files that are in the bucket only


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    eras: tuple[VerifiedEra, ...]
    problems: tuple[str, ...]  # for people; none: all is right


def verify(folder: Folder, catalogue: Catalogue, engine: Engine) -> Verified:
    """Raises LakeAwayError: a file was written anew meanwhile; or it cannot be read at all."""
    eras, files = catalogue.eras(), catalogue.files()
    problems = [text for each in files for text in _file_problems(folder, engine, each)]
    found = []
    for era in eras:
        mine = [each for each in files if each.era == era.id]
        coming = sum(each.last - each.first + 1 for each in catalogue.holes(era.id))
        verified = _era(folder, engine, era, mine, coming)
        if verified.repeated:
            problems.append(f"era {era.id}: {verified.repeated} events are there more than once")
        if verified.missing:
            problems.append(f"era {era.id}: {verified.missing} events are missing")
        found.append(verified)
    return Verified(eras=tuple(found), problems=tuple(problems))


def _file_problems(folder: Folder, engine: Engine, file: LakeFile) -> Iterator[str]:
    """Whether a file has what the catalogue says."""
    if not file.is_local:
        return
    path = folder.locate(file.path)
    if not path.exists():
        yield f"{file.path} is not there"
        return
    if path.stat().st_size != file.octets:
        yield f"{file.path} has {path.stat().st_size} octets, not {file.octets}"
        return
    tenants = engine.tenants([path])
    rows = sum(each[1] for each in tenants)
    if rows != file.rows:
        yield f"{file.path} has {rows} rows, not {file.rows}"
    if file.tenant is not None and [each[0] for each in tenants] != [file.tenant]:
        yield f"{file.path} has rows of others than {file.tenant}"


def _era(
    folder: Folder, engine: Engine, era: Era, files: list[LakeFile], coming: int
) -> VerifiedEra:
    here = [folder.locate(each.path) for each in files if each.is_local]
    here = [each for each in here if each.exists()]
    counted, distinct = (
        engine.ask(
            f"SELECT count(*), count(DISTINCT sequence) FROM {read_files(here, has_all_columns=False)}"  # noqa: S608
            " WHERE era = ?",
            [era.id],
        )[0]
        if here
        else (0, 0)
    )
    unread = sum(each.rows for each in files if not each.is_local)
    start = era.position if era.start is None else era.start
    known = counted + unread + era.forgotten + era.skipped + coming
    return VerifiedEra(
        era=era.id,
        first=start + 1,
        last=era.position,
        rows=counted,
        forgotten=era.forgotten,
        skipped=era.skipped,
        coming=coming,
        repeated=counted - distinct,
        missing=max(0, era.position - start - known),
        unread=unread,
    )
