"""The queue's schema version, and the steps from an older one. Knows LMDB, and nothing of what runs on it."""

from collections.abc import Callable, Mapping
from typing import Final

from angarium import __version__
from angarium.queue.lmdb.file import schema_1
from angarium.queue.lmdb.file.handles import Database, Databases, RawTransaction, ReadTransaction
from angarium.queue.spool import SchemaError

SCHEMA_VERSION: Final = 2
SCHEMA_KEY: Final = b"schema"  # u32
WRITER_KEY: Final = b"writer"  # which Angarium wrote that schema last, for people
PARTITIONS_KEY: Final = b"partitions"  # u16; fixed when the queue is made
# While a step is under way: from which version u32, then where it goes on
STEP_KEY: Final = b"step"

# A step is given where to go on, b"" at its beginning, and does a bounded part of it; it returns where the next part
# goes on, None when it is done. Each part is one transaction with that place, so memory is bounded, and a process that
# was killed, by whatever, goes on where it was. Until a step is done nobody works on the queue: this program finishes
# it before anything else, and an older one finds the newer version in ``schema`` from the first part on, and refuses.
Step = Callable[[RawTransaction, Databases, bytes], bytes | None]

# version -> the step from it to the next one
STEPS: Final[Mapping[int, Step]] = {1: schema_1.step}


def writer_name() -> str:
    return f"Angarium {__version__}"


def schema_version(txn: RawTransaction, databases: Databases) -> int | None:
    """Return the version on disk, None for a queue just made."""
    raw = txn.get(SCHEMA_KEY, db=databases["meta"])
    return None if raw is None else int.from_bytes(raw, "big")


def is_current(txn: ReadTransaction, databases: Databases, current: int = SCHEMA_VERSION) -> bool:
    """Whether nothing is to be done before the queue is read. Raises SchemaError: it is newer than this program."""
    meta = databases["meta"]
    raw = txn.get(SCHEMA_KEY, db=meta)
    version = 0 if raw is None else int.from_bytes(raw, "big")
    if version > current:
        raise _newer(txn, meta, version, current)
    return version == current and txn.get(STEP_KEY, db=meta) is None


def _newer(txn: ReadTransaction, meta: Database, version: int, current: int) -> SchemaError:
    writer = (txn.get(WRITER_KEY, db=meta) or b"an unknown program").decode(errors="replace")
    return SchemaError(
        f"the queue has schema {version}, written by {writer}; "
        f"this is {writer_name()}, which knows schema {current} and older"
    )


def prepare(
    txn: RawTransaction,
    databases: Databases,
    partitions: int,
    steps: Mapping[int, Step] = STEPS,
    current: int = SCHEMA_VERSION,
) -> bool:
    """Bring the schema a part of a step nearer to ``current``; True when it is there. Call again, each in its
    transaction.

    Raises SchemaError when the queue is newer than this program, or too old for it; then nothing is written.
    """
    meta = databases["meta"]
    version = schema_version(txn, databases)
    if version is None:
        txn.put(PARTITIONS_KEY, partitions.to_bytes(2, "big"), db=meta)
        _stamp(txn, meta, current)
        return True
    if version > current:
        raise _newer(txn, meta, version, current)
    under_way = txn.get(STEP_KEY, db=meta)
    place = b""
    if under_way is not None:
        version, place = int.from_bytes(under_way[:4], "big"), under_way[4:]
    elif version == current:
        return True
    if version not in steps:
        raise SchemaError(f"the queue has schema {version}, which {writer_name()} cannot migrate")
    next_place = steps[version](txn, databases, place)
    _stamp(txn, meta, version + 1)
    if next_place is not None:
        txn.put(STEP_KEY, version.to_bytes(4, "big") + next_place, db=meta)
        return False
    txn.delete(STEP_KEY, db=meta)
    return version + 1 == current


def _stamp(txn: RawTransaction, meta: Database, version: int) -> None:
    txn.put(SCHEMA_KEY, version.to_bytes(4, "big"), db=meta)
    txn.put(WRITER_KEY, writer_name().encode(), db=meta)
