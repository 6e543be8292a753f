"""What is in one file under a lake's name, whoever put it there. Blocks."""

from pathlib import Path

import msgspec

from angarium.lake.engine import Engine, read_files
from angarium.lake.model import LakeAwayError
from angarium.lake.naming import FileName


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """It is ours, and has what its name says."""

    queue: bytes
    rows: int
    tenant: str | None  # whose all of them are


class Unsound(msgspec.Struct, frozen=True, kw_only=True):
    reason: str  # for people
    is_ours: bool  # broken; else it is of somebody else


def examine(engine: Engine, path: Path, name: FileName) -> Sound | Unsound:
    """Raises OSError: it may not be read, or is not there."""
    with path.open("rb"):
        pass
    try:
        queue = engine.queue_of(path)
    except LakeAwayError as error:
        return Unsound(reason=f"it is broken: {error}", is_ours=True)
    if not queue:
        return Unsound(reason="it is none of a lake: it names no queue", is_ours=False)
    sql = (
        "SELECT tenant, count(*), min(sequence), max(sequence), min(era), max(era)"  # noqa: S608
        f" FROM {read_files([path])} GROUP BY ALL ORDER BY ALL"
    )
    try:
        found = engine.ask(sql)
    except LakeAwayError as error:
        return Unsound(reason=f"it is broken: {error}", is_ours=True)
    for _, _, first, last, *eras in found:
        if not name.first <= first <= last <= name.last or {*eras} != {name.era}:
            text = f"it has events {first} to {last} of era {eras[0]}, which its name does not say"
            return Unsound(reason=text, is_ours=False)
    if not found:
        return Unsound(reason="it has no events", is_ours=True)
    tenants = [each[0] for each in found]
    return Sound(
        queue=queue,
        rows=sum(each[1] for each in found),
        tenant=tenants[0] if len(tenants) == 1 else None,
    )
