"""Streams that Angarium has without being told. A ``[[stream]]`` of the same name changes the keys that it gives and
keeps the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from angarium.config.schema import Stream

# Of mail that nobody gave a stream: between what a person waits for and what may wait
DEFAULT_STREAM_PRIORITY: Final = 3

BULK: Final = "bulk"

SHIPPED_STREAMS: Final = (
    Stream(name="default", priority=DEFAULT_STREAM_PRIORITY),
    Stream(name="transactional", priority=1),
    Stream(name=BULK, priority=5),
)
_SHIPPED: Final = {each.name: each for each in SHIPPED_STREAMS}


def complete_streams(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give each ``[[stream]]`` of a shipped name what ships for each key that it leaves out."""
    written = tree.get("stream")
    if not isinstance(written, list):
        return tree
    return {**tree, "stream": [_completed(each) for each in written]}


def _completed(written: Any) -> Any:
    if not isinstance(written, Mapping) or not isinstance(name := written.get("name"), str):
        return written  # msgspec says what is wrong with it
    shipped = _SHIPPED.get(name)
    return written if shipped is None else {**msgspec.to_builtins(shipped), **written}


def streams_one_by_one(own: Sequence[Stream], *, names_people: bool) -> frozenset[str]:
    """Return the names of those whose recipients get a transaction each. ``names_people``: mail says whose it is."""
    return frozenset(
        each.name
        for each in streams_by_name(own).values()
        if (
            names_people and each.name == BULK if each.one_recipient is None else each.one_recipient
        )
    )


def streams_to_leave(own: Sequence[Stream]) -> frozenset[str]:
    """Return the names of those whose mail says how to leave, where a mail to us can be received or a page be shown."""
    return frozenset(
        each.name
        for each in streams_by_name(own).values()
        if (each.name == BULK if each.list_unsubscribe is None else each.list_unsubscribe)
    )


def streams_by_name(own: Sequence[Stream]) -> dict[str, Stream]:
    """Return the operator's and the shipped ones."""
    return _SHIPPED | {each.name: each for each in own}


def titles_of(stream: Stream) -> Mapping[str, str]:
    """Return what people read in place of its name, by language; of one title for all of them, under ""."""
    if isinstance(stream.title, str):
        return {"": stream.title} if stream.title else {}
    return stream.title


def is_commercial(stream: Stream, *, has_host: bool) -> bool:
    """Whether its mail is held to what laws ask of advertising."""
    return has_host and stream.name == BULK if stream.commercial is None else stream.commercial
