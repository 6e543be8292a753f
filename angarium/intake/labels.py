"""What a sender says of a message for us alone: its stream, campaign, topic and tags, in fields that are taken out.
Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from angarium.config.schema import Stream
from angarium.queue.model import DEFAULT_STREAM
from angarium.smtp.header_block import HeaderBlock
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal

STREAM: Final = b"x-angarium-stream"
CAMPAIGN: Final = b"x-angarium-campaign"
TOPIC: Final = b"x-angarium-topic"
TAG: Final = b"x-angarium-tag"
TRACK: Final = b"x-angarium-track"
LABEL_FIELDS: Final = frozenset({STREAM, CAMPAIGN, TOPIC, TAG, TRACK})
_TRACKED: Final = frozenset({"opens", "clicks"})
_TITLES: Final = {
    STREAM: "X-Angarium-Stream",
    CAMPAIGN: "X-Angarium-Campaign",
    TOPIC: "X-Angarium-Topic",
    TAG: "X-Angarium-Tag",
    TRACK: "X-Angarium-Track",
}
# Ours: both are names, not texts; the campaign is with each due recipient on disk and in memory
MAX_CHARACTERS: Final = 128
MAX_TAGS: Final = 10
_SHOWN: Final = 40  # characters of a value in a reply


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    stream: Stream
    campaign: str = ""
    topic: str = ""  # whether its tenant has it is asked later
    tags: tuple[str, ...] = ()  # in the order in which they came, none twice
    # Of opens and clicks, those that are to be tracked; None: as the stream has it
    tracked: frozenset[str] | None = None


def read_labels(
    block: HeaderBlock, received: ReceivedMessage, streams: Mapping[str, Stream]
) -> Labels | Refusal:
    """Return what the fields say, else what the user's mail is; or why it cannot be."""
    values: dict[bytes, list[str]] = {each: [] for each in _TITLES}
    if not LABEL_FIELDS.isdisjoint(block.names):
        for at, name in enumerate(block.names):
            if name in LABEL_FIELDS:
                values[name].append(block.value(at).decode())  # UTF-8: the block was checked
        if (refusal := _find_refusal(values)) is not None:
            return refusal
    given = values[STREAM]
    stream = _chosen(given[0], received, streams) if given else _usual(received, streams)
    if isinstance(stream, Refusal):
        return stream
    return Labels(
        stream=stream,
        campaign=values[CAMPAIGN][0] if values[CAMPAIGN] else "",
        topic=values[TOPIC][0] if values[TOPIC] else "",
        tags=tuple(dict.fromkeys(_tags(values))),
        tracked=_tracked(values[TRACK][0]) if values[TRACK] else None,
    )


def _tracked(value: str) -> frozenset[str]:
    words = {each.strip().lower() for each in value.split(",")}
    return frozenset() if words == {"none"} else frozenset(words)


def _tags(values: Mapping[bytes, Sequence[str]]) -> list[str]:
    """A list, in one field or in several."""
    return [each.strip(" \t") for value in values[TAG] for each in value.split(",")]


def _find_refusal(values: Mapping[bytes, Sequence[str]]) -> Refusal | None:
    for name in (STREAM, CAMPAIGN, TOPIC, TRACK):
        if len(values[name]) > 1:
            return _bad(name, "is there twice; leave one")
    if values[TRACK] and not _tracked(values[TRACK][0]) <= _TRACKED:
        return _bad(TRACK, "is none of these: opens; clicks; opens, clicks; none")
    tags = _tags(values)
    if len(tags) > MAX_TAGS:
        return _bad(TAG, f"names more than {MAX_TAGS} tags")
    for name, given in (*((each, values[each]) for each in (STREAM, CAMPAIGN, TOPIC)), (TAG, tags)):
        for each in given:
            if (fault := _find_fault(each)) is not None:
                return _bad(name, fault)
    return None


def _usual(received: ReceivedMessage, streams: Mapping[str, Stream]) -> Stream | Refusal:
    name = received.stream or DEFAULT_STREAM
    stream = streams.get(name)
    if stream is None:  # it was taken out of the configuration: the sender's mail is not at fault
        return Refusal(451, "4.3.5", f"The stream {name} of this user is not configured here")
    return stream


def _chosen(
    name: str, received: ReceivedMessage, streams: Mapping[str, Stream]
) -> Stream | Refusal:
    stream = streams.get(name)
    if stream is None:
        known = ", ".join(sorted(streams))
        return _bad(STREAM, f"names no stream: {_shown(name)} is not one of {known}"[:400])
    if received.stream and name != received.stream and not {name, "*"} & {*received.other_streams}:
        text = f"{_TITLES[STREAM]}: this user's mail is {received.stream}, and may not be {name}"
        return Refusal(550, "5.7.1", text)
    return stream


def _find_fault(value: str) -> str | None:
    if not value:
        return "is empty; name one or leave the field out"
    if len(value) > MAX_CHARACTERS:
        return f"has more than {MAX_CHARACTERS} characters"
    if not value.isprintable():
        return "has control characters"
    return None


def _bad(name: bytes, text: str) -> Refusal:
    return Refusal(550, "5.6.0", f"{_TITLES[name]} {text}")


def _shown(value: str) -> str:
    """Of what a client sent, for a reply: C7."""
    cut = value[:_SHOWN]
    return "".join(c if " " <= c <= "~" else "?" for c in cut)
