"""A row of the lake without a person, as the event that it was made of is without them (PSN1). Pure.

The address becomes the token that stands for it in all stores, wherever it is; what was said of the person alone goes:
subject and metadata of a message to them, and the client that they read with. All else stays, so that what is
counted comes to the same.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.lake.columns import COLUMNS
from angarium.queue.person import Person

Row = Mapping[str, Any]
PERSONAL: Final = tuple(each for each in COLUMNS if each.personal)
# Made by whoever asks: whether a row is of somebody who fetched something and is the person
IS_READER: Final = "is_reader"
# Of a row that is another one's and only has the address in a text
_COMMON: Final = ("sequence", "era", "ts", "event", "tenant")
_SAID_OF_THEM: Final = ("subject", "metadata")
_READING: Final = ("opened", "clicked", "fetched")


def without(row: Row, person: Person) -> dict[str, Any] | None:
    """Return the personal columns as they are to be; None: they are already."""
    before = {each.name: row[each.name] for each in PERSONAL}
    after = {name: _out_of(value, person) for name, value in before.items() if name != "fields"}
    theirs = _is_theirs(row, person)
    if theirs and row["event"] in _READING:
        after["client"] = None
    after["fields"] = _fields(row["fields"], person, theirs=theirs)
    return None if after == before else after


def own(row: Row, person: Person) -> dict[str, Any]:
    """Return of a row what is about the person, and about nobody else."""
    told = {name: value for name, value in row.items() if name != IS_READER}
    if _is_theirs(row, person):
        return told
    listed = [each for each in row["addresses"] or () if person.is_in_text(each)]
    if listed:
        return {**told, "addresses": listed}
    names = [each.name for each in PERSONAL if person.is_in(row[each.name])]
    return {name: row[name] for name in (*_COMMON, *names)}


def _is_theirs(row: Row, person: Person) -> bool:
    named = row["addresses"] or (row["recipient"] or "",)
    return bool(row[IS_READER]) or all(map(person.is_known_as, named))


def _out_of(value: Any, person: Person) -> Any:
    return None if value is None else person.out_of(value)


def _fields(text: str | None, person: Person, *, theirs: bool) -> str | None:
    if text is None:
        return None
    try:
        before = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return person.out_of_text(text)
    kept = {
        name: value for name, value in before.items() if not theirs or name not in _SAID_OF_THEM
    }
    after = person.out_of(kept)
    if after == before:
        return text
    return msgspec.json.encode(after).decode() if after else None
